import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { WireAnswer } from '../http/wire.js';
import {
  type Attack,
  comparable,
  type Expected,
  expectNothingTold,
  expectProblem,
  expectRecord,
  Target,
} from '../support/attack.js';
import { BELIEVED as FIELDS } from '../support/believed-headers.js';
import { APP, type Gateway, type ReadOptions, valuePath } from '../support/gateway.js';
import { makeKey } from '../support/tokens.js';

let target: Target;
let gateway: Gateway;
beforeAll(async () => {
  target = await Target.start();
  ({ gateway } = target);
});
afterAll(async () => await target.close());

const PLANS = valuePath('yaml://kv/plans/next#token');
const FOREIGN = valuePath('yaml://kv2/app/api#token');
const thief = makeKey();

/** Refusals of different steps of the line: the same header may not help at any of them. */
const DOORS: readonly (readonly [string, Expected, string, ReadOptions | (() => ReadOptions)])[] = [
  ['no token', '401 CREDENTIALS_REQUIRED', APP, { token: null }],
  ['no proof', '401 INVALID_DPOP_PROOF', APP, { proof: null }],
  ['a stolen token', '401 INVALID_TOKEN', APP, () => stolen()],
  ['a proof for another host', '401 INVALID_DPOP_PROOF', APP, () => elsewhere('https://vault.internal')],
  ['a proof for localhost over TLS', '401 INVALID_DPOP_PROOF', APP, () => elsewhere('https://localhost')],
  ['a proof for another method', '401 INVALID_DPOP_PROOF', APP, () => otherMethod()],
  ['no scope', '403 INSUFFICIENT_SCOPE', APP, () => ({ token: gateway.mint({ claims: { scope: 'secrets.write' } }) })],
  ['a foreign mount', '403 TENANT_MOUNT_MISMATCH', FOREIGN, {}],
  ['a secret that policy denies', '403 DENIED', PLANS, {}],
];

function stolen(): ReadOptions {
  const token = gateway.mint();
  return { token, proof: gateway.prove({ token, key: thief }) };
}

function elsewhere(origin: string): ReadOptions {
  const token = gateway.mint();
  return { token, proof: gateway.prove({ token, htu: `${origin}${APP}` }) };
}

function otherMethod(): ReadOptions {
  const token = gateway.mint();
  return { token, proof: gateway.prove({ token, method: 'DELETE' }) };
}

describe('I21, D11, T17: a header that others believe', () => {
  it('there are more than 60 of them', () => {
    expect(new Set(FIELDS.map(nameOf)).size).toBeGreaterThan(60);
  });

  it.each(DOORS)('changes nothing for a request with %s', async (_title, refused, path, options) => {
    const ask = async (fields: readonly string[]): Promise<WireAnswer> => {
      await target.passes(25);
      return await gateway.read(path, { ...(typeof options === 'function' ? options() : options), fields });
    };
    const plain = comparable(await ask([]));
    for (const field of FIELDS) {
      const answer = await ask([field]);
      expectProblem(answer, refused);
      expect({ field, answer: comparable(answer) }).toEqual({ field, answer: plain });
    }
    // All at once: one line of each name.
    expect(
      comparable(
        await ask(FIELDS.filter((field, at) => FIELDS.findIndex((first) => nameOf(first) === nameOf(field)) === at)),
      ),
    ).toEqual(plain);
  });

  it('changes nothing for a request that is permitted, either', async () => {
    for (const field of FIELDS)
      expect([field, (await gateway.read(APP, { fields: [field] })).status]).toEqual([field, 200]);
  });

  it.each(['GET', 'DELETE', 'PUT'])('D9, T15: a POST that says it is a %s is a POST', async (method) => {
    const fields = ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'].map((name) => `${name}: ${method}`);
    const body = '{"uri":"yaml://kv/app/api#token"}';
    expect((await gateway.read('/api/secrets/value', { method: 'POST', fields, body })).status).toBe(200);
    const token = gateway.mint();
    const proof = gateway.prove({ token, method, path: '/api/secrets/value' });
    expectProblem(
      await gateway.read('/api/secrets/value', { method: 'POST', token, proof, fields, body }),
      '401 INVALID_DPOP_PROOF',
    );
  });
});

const EDGE: readonly Attack[] = [
  ...[
    'Host',
    'Content-Type',
    'Content-Encoding',
    'Expect',
    'traceparent',
    'Idempotency-Key',
    'X-Access-Reason',
    'X-Correlation-ID',
    'X-Request-ID',
    'Proxy-Authorization',
  ].map((name): Attack => ({
    title: `T10: ${name} twice`,
    sends: async ({ host, read }) => {
      const value = name === 'Host' ? host : name === 'Expect' ? '100-continue' : 'a';
      return await read(APP, { fields: [`${name}: ${value}`, `${name}: ${value}`] });
    },
    refused: '400 INVALID_REQUEST',
    check: null,
  })),
  {
    title: 'T10, M7: Client-Cert twice, which is audited',
    sends: async ({ read }) => await read(APP, { fields: ['Client-Cert: :YQ==:', 'client-cert: :YQ==:'] }),
    refused: '400 INVALID_REQUEST',
    check: 'M7 client-cert',
  },
  {
    title: 'T10: Host twice, in other letters',
    sends: async ({ host, read }) => await read(APP, { fields: [`Host: ${host}`, 'hOST: evil.example'] }),
    refused: '400 INVALID_REQUEST',
    check: null,
  },
  {
    title: 'T11: 101 header lines',
    sends: async ({ read }) => await read(APP, { fields: Array.from({ length: 98 }, (_, at) => `a${at}: b`) }),
    refused: '431 HEADERS_TOO_LARGE',
    check: null,
  },
  {
    title: 'T11: 2,100 header lines, the second DPoP where Node drops what follows',
    sends: async ({ read }) => await read(APP, { fields: [...Array.from({ length: 2_100 }, () => 'a:'), 'DPoP: a'] }),
    refused: '431 HEADERS_TOO_LARGE',
    check: null,
  },
  ...[
    'evil.example',
    'localhost',
    '127.0.0.1',
    '127.0.0.1:1',
    'evil.example@127.0.0.1',
    '127.0.0.1.evil.example',
    ' ',
    '[::1]',
    'localhost:99999',
  ].map((host): Attack => ({
    title: `T12, D11: Host: ${host}`,
    sends: async ({ read }) => await read(APP, { fields: [`Host: ${host}`] }),
    refused: host === ' ' ? '400 INVALID_REQUEST' : '421 MISDIRECTED',
    check: null,
  })),
  {
    title: 'T12: a Host with our host and another port behind',
    sends: async ({ host, read }) => await read(APP, { fields: [`Host: ${host}, evil.example`] }),
    refused: '421 MISDIRECTED',
    check: null,
  },
  {
    title: 'T12: a foreign Host with a proof that was made for it',
    sends: async ({ read }) =>
      await read(APP, { ...elsewhere('https://evil.example'), fields: ['Host: evil.example'] }),
    refused: '421 MISDIRECTED',
    check: null,
  },
  ...['http://evil.example', 'https://evil.example', 'HTTP://evil.example', 'ftp://evil.example', '//evil.example'].map(
    (origin): Attack => ({
      title: `T12: the absolute form ${origin}`,
      sends: async ({ read }) => await read(`${origin}${APP}`, elsewhere(origin)),
      refused: origin.startsWith('//') ? '404 NOT_FOUND' : '400 INVALID_REQUEST',
      check: null,
    }),
  ),
  {
    title: 'T12: the absolute form of our own origin',
    sends: async ({ origin, read }) => await read(`${origin}${APP}`, elsewhere(origin)),
    refused: '400 INVALID_REQUEST',
    check: null,
  },
];

describe('T10, T11, T12: header lines that two readers read differently', () => {
  it.each(EDGE)('$title', async (attack) => await target.refuses(attack));

  it('T12: a proof for the foreign host in Host never matches, nor does one for an alias at another port', async () => {
    for (const origin of ['http://evil.example', 'http://localhost', 'http://localhost:1']) {
      expectProblem(await gateway.read(APP, elsewhere(origin)), '401 INVALID_DPOP_PROOF');
    }
  });
});

/** What an id may not be: it is replaced, neither repaired nor repeated (N18). */
const IDS: readonly string[] = [
  'canary id',
  'canary"quote',
  "canary'quote",
  'canary\\',
  'canary{"a":1}',
  'canary\u00e2\u0080\u00a8',
  'canary\u0085',
  'canary\u007f'.replace('\u007f', '%7f'),
  'canary%0a',
  'canary\u00c2\u009b31m',
  'canary;id',
  'canary$(id)',
  '${jndi:ldap://canary}',
  '<canary>',
  'canary'.padEnd(65, 'x'),
  'canary,canary',
  '__proto__canary\u00e9',
];

describe('N18: a header that wants to be read in a log', () => {
  it.each(IDS)('an id %j is replaced', async (id) => {
    for (const name of ['X-Correlation-ID', 'X-Request-ID']) {
      const answer = await gateway.read(PLANS, { fields: [`${name}: ${id}`] });
      expectProblem(answer, '403 DENIED');
      expect(answer.headers['x-correlation-id']).toEqual(answer.headers['x-request-id']);
      await expectRecord(gateway, answer, '*');
    }
  });

  it.each(['c-7', 'A.b_C-9', 'x'.repeat(64)])('an id %j is kept', async (id) => {
    const answer = await gateway.read(PLANS, { fields: [`X-Correlation-ID: ${id}`] });
    expect(answer.headers['x-correlation-id']).toEqual([id]);
    expect(answer.headers['x-request-id']).not.toEqual([id]);
    const [record] = (await gateway.records()).slice(-1);
    expect(record).toMatchObject({ type: 'refusal', correlation_id: id });
  });

  it('a User-Agent, a Referer or a traceparent never gets there', async () => {
    const fields = [
      'User-Agent: canary\\x1b[31m',
      'Referer: https://canary.example/',
      'traceparent: canary',
      'From: canary',
      'X-Access-Reason: fine',
    ];
    expectProblem(await gateway.read(PLANS, { fields }), '403 DENIED');
    expect((await gateway.read(APP, { fields })).status).toBe(200);
  });

  it.each(['', 'x'.repeat(257), 'canary\u00e9', 'canary\u00c2\u0085', 'canary\ttab', '\u00e2\u0080\u00aecanary'])(
    'a reason %j is refused',
    async (reason) => {
      await target.refuses({
        title: '',
        sends: async () => await gateway.read(APP, { fields: [`X-Access-Reason: ${reason}`] }),
        refused: '400 INVALID_REQUEST',
        check: 'reason pattern',
      });
    },
  );

  it('a reason that is one stands in the record as it was sent, and cannot leave its string', async () => {
    const reason = 'ticket "42" \\ {"effect":"permit"} </script>';
    const answer = await gateway.read(valuePath('yaml://kv/reason#token'), { fields: [`X-Access-Reason: ${reason}`] });
    expect(answer.status).toBe(200);
    const intents = (await gateway.records()).filter(({ type, reason: said }) => type === 'intent' && said === reason);
    expect(intents).toHaveLength(1);
  });

  it('a reason that policy demands and that is missing is told', async () => {
    expectProblem(await gateway.read(valuePath('yaml://kv/reason#token')), '403 REASON_REQUIRED');
  });

  it.each(['\r\nX-Injected: 1', '\nX-Injected: 1', '\rX-Injected: 1', '\u0000', '\u0001'])(
    'a line end or control character %j in a value is no value',
    async (bytes) => {
      const answer = await gateway.read(APP, { token: null, fields: [`X-Correlation-ID: a${bytes}`] });
      expect([400, 401]).toContain(answer.status);
      expect(answer.headers).not.toHaveProperty('x-injected');
      expect(answer.body).not.toContain('Injected');
    },
  );

  it('N20: none of all this stands in a log or a record', async () =>
    await expectNothingTold(gateway, ['canary', 'Injected', 'jndi']));
});

function nameOf(field: string): string {
  return field.split(':', 1)[0] ?? '';
}
