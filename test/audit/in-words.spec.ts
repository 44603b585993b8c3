import { describe, expect, it } from '@jest/globals';

import type { AuditRecord } from '#libs/audit/record.js';
import type { JsonObject } from '#libs/kernel/json.js';
import { inWords } from '#src/cli/in-words.js';

const words = (members: JsonObject): string =>
  inWords({
    v: 1,
    ts: '2026-01-01T00:00:00.000Z',
    w: 'abcdefghijklmnop',
    seq: 1,
    prev: 'A',
    ...members,
  } as AuditRecord);

const CALLER = { sub: 'billing', tenant: 'acme', request_id: 'req-123456789', action: 'GET /api/secrets/value/{uri}' };
const SECRET = { resource_ref: '1.UboemNvadaK2YYvneGNI6Yles4', purpose: 'execute' };

describe('a record in words', () => {
  it.each([
    [
      { type: 'open', software: 'postern/0.1.0', instance: 'a' },
      'Writer abcdefgh… opened its trail as postern/0.1.0 on a.',
    ],
    [{ type: 'close' }, 'Writer abcdefgh… closed its trail.'],
    [
      { type: 'close', switches_off: ['ENABLE_AUTHORIZATION', 'SECRETS_ENFORCE_SCOPES'] },
      'Writer abcdefgh… closed its trail. Switched off: ENABLE_AUTHORIZATION, SECRETS_ENFORCE_SCOPES.',
    ],
    [{ type: 'close', switches_off: [] }, 'Writer abcdefgh… closed its trail.'],
    [
      {
        type: 'intent',
        ...CALLER,
        ...SECRET,
        iss: 'urn:postern:anonymous',
        sub: 'anonymous',
        grant_id: 'g',
        use_no: 1,
        binding: { kind: 'none' },
        switches_off: ['SECRETS_API_REQUIRE_AUTH'],
      },
      'anonymous of acme may be given secret 1.UboemNvadaK2… to execute: use 1 of grant g, without any token. Switched off: SECRETS_API_REQUIRE_AUTH.',
    ],
    [{ type: 'close', switches_off: 'x' }, 'Writer abcdefgh… closed its trail.'],
    [
      {
        type: 'grant',
        ...CALLER,
        ...SECRET,
        event: 'issued',
        grant_id: 'grant-1234567',
        max_uses: 5,
        expires_at: '2026-01-01T00:05:00.000Z',
      },
      'billing of acme was issued grant grant-12… for secret 1.UboemNvadaK2… to execute: 5 uses until 2026-01-01T00:05:00.000Z.',
    ],
    [
      {
        type: 'intent',
        ...CALLER,
        ...SECRET,
        version: 3,
        grant_id: 'g',
        use_no: 2,
        binding: { kind: 'dpop', jkt: 'KKKKKKKKKKKK' },
        policy_ids: ['read-own', 'extra'],
      },
      'billing of acme may be given secret 1.UboemNvadaK2…, version 3 to execute: use 2 of grant g, held by the dpop key KKKKKKKK…, by policy read-own, extra.',
    ],
    [
      {
        type: 'intent',
        ...CALLER,
        ...SECRET,
        grant_id: 'g',
        use_no: 1,
        binding: { kind: 'mtls', x5t: 'XXXXXXXXXXXX' },
      },
      'billing of acme may be given secret 1.UboemNvadaK2… to execute: use 1 of grant g, held by the certificate XXXXXXXX….',
    ],
    [
      {
        type: 'intent',
        ...CALLER,
        ...SECRET,
        grant_id: 'g',
        use_no: 1,
        binding: { kind: 'dpop+mtls', jkt: 'KKKKKKKKKKKK', x5t: 'XXXXXXXXXXXX' },
      },
      'billing of acme may be given secret 1.UboemNvadaK2… to execute: use 1 of grant g, held by the dpop key KKKKKKKK… and the certificate XXXXXXXX….',
    ],
    [
      {
        type: 'intent',
        ...CALLER,
        ...SECRET,
        actor: 'bot',
        grant_id: 'g',
        use_no: 1,
        binding: { kind: 'none' },
        policy_ids: [],
      },
      'billing, through bot, of acme may be given secret 1.UboemNvadaK2… to execute: use 1 of grant g, by a bearer token.',
    ],
    [
      { type: 'result', ...CALLER, outcome: 'sent', latency_us: { total: 1234 } },
      'The value was sent: GET /api/secrets/value/{uri}, request req-1234…, after 1.2 ms.',
    ],
    [
      { type: 'result', ...CALLER, outcome: 'aborted' },
      'The caller went away while the value was being sent: it may have seen it: GET /api/secrets/value/{uri}, request req-1234….',
    ],
    [
      { type: 'result', ...CALLER, outcome: 'not_released', code: 'NOT_FOUND', check: 'provider' },
      'Nothing was released, because of NOT_FOUND (provider): GET /api/secrets/value/{uri}, request req-1234….',
    ],
    [
      { type: 'result', ...CALLER, outcome: 'unknown' },
      'What became of it is not known: GET /api/secrets/value/{uri}, request req-1234….',
    ],
    [
      { type: 'refusal', ...CALLER, ...SECRET, code: 'DENIED', check: 'policy' },
      'billing of acme was refused with DENIED, at the check “policy”: secret 1.UboemNvadaK2… to execute, GET /api/secrets/value/{uri}, request req-1234….',
    ],
    [
      { type: 'refusal', code: 'INVALID_TOKEN' },
      'A caller that is not known was refused with INVALID_TOKEN: a request, request ?.',
    ],
    [
      { type: 'suppressed', check: 'flood', since: 'T', counts: { INVALID_TOKEN: 30, DENIED: 1 } },
      'Refusals of callers that are not known were only counted since T: INVALID_TOKEN 30 times, DENIED 1 times.',
    ],
    [
      { type: 'suppressed', check: 'audit full', counts: { intent: 2 } },
      'Records were turned away while none could be kept: intent 2 times.',
    ],
    [{ type: 'policy', event: 'loaded', policy_version: 'v1' }, 'A policy set was loaded: v1.'],
    [{ type: 'checkpoint' }, 'A record of the type checkpoint, which this version cannot put into words.'],
  ] satisfies [JsonObject, string][])('reads %j', (members, sentence) => {
    expect(words(members)).toBe(sentence);
  });

  it('lets nothing through that a terminal would act on, whoever forged the record', () => {
    const evil = '\u001b]0;owned\u0007\u202e\n';
    for (const type of ['open', 'grant', 'intent', 'result', 'refusal', 'suppressed', 'policy', evil]) {
      const everywhere = Object.fromEntries(
        ['sub', 'tenant', 'code', 'check', 'action', 'request_id', 'software', 'since', 'event'].map((name) => [
          name,
          evil,
        ]),
      );
      expect(words({ ...everywhere, type, policy_ids: [evil], counts: { [evil]: 1 } })).not.toMatch(/[\p{C}]/u);
    }
  });
});
