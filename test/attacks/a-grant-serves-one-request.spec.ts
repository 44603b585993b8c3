import { randomInt } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { JsonObject } from '#libs/kernel/json.js';

import { Dice } from '../hostile/dice.js';
import { type Gateway, startGateway } from '../support/gateway.js';
import { ISSUER, makeKey, type SigningKey } from '../support/tokens.js';
import { OTHER_ISSUER } from '../support/world.js';

const SEED = Number(process.env['ATTACK_SEED'] ?? randomInt(2 ** 31));
const REQUESTS = 1_200;
const AT_ONCE = 40;

let gateway: Gateway;
let keys: readonly SigningKey[];
beforeAll(async () => {
  // Everybody may read everything, in both tenants: what keeps grants apart is not the policy here.
  const all = (id: string, issuer: string): string =>
    `@id("${id}") @max_uses("7") permit (principal in Group::"${issuer}#payments", action in Action::"disclose", resource);`;
  gateway = await startGateway({
    policies: { acme: all('acme-use', ISSUER), umbrella: all('umbrella-use', OTHER_ISSUER) },
  });
  keys = [gateway.keys.caller, makeKey('Ed25519')];
});
afterAll(async () => await gateway.close());

/** Who asks for what, how: each member is part of a grant's key. Names that run into each other are on purpose. */
interface Request {
  readonly ours: boolean;
  readonly sub: string;
  readonly client: string;
  readonly key: number | null;
  readonly jti: string;
  readonly purpose: 'value' | 'read';
  readonly path: string;
  readonly acr: string | undefined;
  readonly groups: readonly string[];
  readonly reason: string | undefined;
}

function drawn(dice: Dice): Request {
  return {
    ours: !dice.once(3),
    sub: dice.of(['a', 'ab', 'client']),
    client: dice.of(['bc', 'c', 'client']),
    key: dice.of([0, 0, 1, null]),
    jti: dice.of(['one', 'two']),
    purpose: dice.of(['value', 'value', 'read']),
    path: dice.of(['app/api#token', 'app/api', 'few#token']),
    acr: dice.once(6) ? 'gold' : undefined,
    groups: dice.once(6) ? ['payments', 'x'] : ['payments'],
    reason: dice.once(6) ? 'ticket 7' : undefined,
  };
}

interface Released {
  readonly request: Request;
  readonly grant: string;
  readonly record: JsonObject;
}

async function ask({ ours, key, ...request }: Request): Promise<{ readonly grant: string; readonly id: string }> {
  const target = `/api/secrets/${request.purpose}/${encodeURIComponent(`yaml://kv/${request.path}`)}`;
  const bound = key === null ? null : (keys[key] ?? null);
  const token = gateway.mint({
    ...(!ours && { key: gateway.keys.other }),
    boundTo: bound,
    claims: {
      ...(!ours && { iss: OTHER_ISSUER, tenant: 'umbrella' }),
      sub: request.sub,
      client_id: request.client,
      ...(key === null && { jti: request.jti }),
      groups: request.groups,
      ...(request.acr !== undefined && { acr: request.acr }),
    },
  });
  const answer = await gateway.read(target, {
    token,
    scheme: bound === null ? 'Bearer' : 'DPoP',
    proof: bound === null ? null : gateway.prove({ token, path: target, key: bound }),
    fields: request.reason === undefined ? [] : [`X-Access-Reason: ${request.reason}`],
  });
  expect({ SEED, request, status: answer.status }).toEqual({ SEED, request, status: 200 });
  const { id } = answer.problem['grant'] as { id: string };
  return { grant: id, id: String(answer.headers['x-request-id']?.[0]) };
}

/** Everything that a grant is for, in one text. */
const keyOf = ({ ours, jti, key, ...request }: Request): string =>
  JSON.stringify([ours, key, key === null ? jti : null, request]);

describe('I10: a grant that a release was counted on', () => {
  const released: Released[] = [];

  beforeAll(async () => {
    const dice = new Dice(SEED);
    const answered: { request: Request; grant: string; id: string }[] = [];
    for (let done = 0; done < REQUESTS; done += AT_ONCE) {
      const batch = Array.from({ length: AT_ONCE }, () => drawn(dice));
      answered.push(...(await Promise.all(batch.map(async (request) => ({ request, ...(await ask(request)) })))));
    }
    const intents = new Map(
      (await gateway.records()).filter(({ type }) => type === 'intent').map((record) => [record['request_id'], record]),
    );
    for (const { request, grant, id } of answered) released.push({ request, grant, record: intents.get(id) ?? {} });
  }, 120_000);

  it('I10: was issued to this caller, client, key, purpose, secret and facts, and to no other', () => {
    const first = new Map<string, string>();
    const mixed = released.filter(({ request, grant }) => {
      const key = keyOf(request);
      const before = first.get(grant) ?? key;
      first.set(grant, before);
      return before !== key;
    });
    expect({ SEED, mixed }).toEqual({ SEED, mixed: [] });
    // Grants were shared where they may be, or this shows nothing.
    expect(first.size).toBeGreaterThan(100);
    expect(first.size).toBeLessThan(released.length / 1.2);
  });

  it('I10: is the one of its record, which names the caller, the client and the binding of the token', () => {
    for (const { request, grant, record } of released) {
      const { ours, sub, client, key, purpose } = request;
      const binding = key === null ? { kind: 'none' } : { kind: 'dpop', jkt: keys[key]?.jkt };
      expect({ SEED, record }).toMatchObject({
        SEED,
        record: {
          grant_id: grant,
          iss: ours ? ISSUER : OTHER_ISSUER,
          tenant: ours ? 'acme' : 'umbrella',
          sub,
          client_id: client,
          binding,
          purpose: purpose === 'value' ? 'execute' : 'read',
        },
      });
    }
  });

  it('I10, I30: is for one secret: a reference belongs to one tenant and one URI', () => {
    const secretOf = new Map<unknown, string>();
    for (const { request, record } of released) {
      const secret = `${request.ours} ${request.path}`;
      const { resource_ref: ref } = record;
      expect(secretOf.get(ref) ?? secret).toBe(secret);
      secretOf.set(ref, secret);
    }
    expect(new Set(secretOf.values()).size).toBe(secretOf.size);
  });

  it('I2, I3: counts each use once, and no more than it has', () => {
    const uses = new Map<string, number[]>();
    for (const { grant, record } of released) uses.set(grant, [...(uses.get(grant) ?? []), Number(record['use_no'])]);
    for (const numbers of uses.values()) {
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(Math.max(...numbers)).toBeLessThanOrEqual(7);
    }
  });
});
