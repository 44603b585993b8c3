import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { WireAnswer } from '../http/wire.js';
import { expectNothingTold, expectProblem, Target } from '../support/attack.js';
import { type Gateway, valuePath } from '../support/gateway.js';
import { makeKey } from '../support/tokens.js';

let target: Target;
let gateway: Gateway;
beforeAll(async () => {
  target = await Target.start();
  ({ gateway } = target);
});
afterAll(async () => await target.close());

const FEW = valuePath('yaml://kv/few#token');
const HOLDER = valuePath('yaml://kv/holder#token');

/** Policies have it: three uses a grant, five releases a day. */
const MAX_USES = 3;
const QUOTA = 5;

async function atOnce(times: number, read: (index: number) => Promise<WireAnswer>): Promise<WireAnswer[]> {
  return await Promise.all(Array.from({ length: times }, async (_, index) => await read(index)));
}

function usesOf(answers: readonly WireAnswer[]): Map<string, number[]> {
  const uses = new Map<string, number[]>();
  for (const { problem } of answers) {
    const { id, uses_left: left } = problem['grant'] as { id: string; uses_left: number };
    uses.set(id, [...(uses.get(id) ?? []), left]);
  }
  return uses;
}

describe('N1: many requests at once', () => {
  it('I2, I3, I8: three times max_uses of them release as often, each grant at most max_uses times, each use once', async () => {
    const answers = await atOnce(3 * MAX_USES, async () => await gateway.read(FEW));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    for (const [, left] of usesOf(answers)) {
      expect(left.length).toBeLessThanOrEqual(MAX_USES);
      expect(new Set(left).size).toBe(left.length);
    }
    await target.passes(0);
    const intents = (await gateway.records()).filter(
      ({ type, grant_id: id }) => type === 'intent' && typeof id === 'string' && usesOf(answers).has(id),
    );
    expect(intents).toHaveLength(3 * MAX_USES);
    const uses = intents.map(({ grant_id: id, use_no: no }) => JSON.stringify([id, no]));
    expect(new Set(uses).size).toBe(uses.length);
  });

  it('I2: three times a quota of them release exactly the quota', async () => {
    const path = valuePath('yaml://kv/quota#token');
    const answers = await atOnce(3 * QUOTA, async () => await gateway.read(path));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(QUOTA);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expectProblem(answer, '403 QUOTA_EXHAUSTED');
      expect(answer.problem['resets_at']).toMatch(/^\d{4}-\d{2}-\d{2}T00:00:00\.000Z$/);
    }
  });

  it('I2, I9: a spent quota stays spent: another key, token, reason, route or moment refills nothing', async () => {
    const path = valuePath('yaml://kv/quota#token');
    const key = makeKey();
    const token = gateway.mint({ boundTo: key });
    const tries = [
      await gateway.read(path),
      await gateway.read(path, { token, proof: gateway.prove({ token, key, path }) }),
      await gateway.read(path, { token: gateway.mint({ boundTo: null }), scheme: 'Bearer', proof: null }),
      await gateway.read(path, { fields: ['X-Access-Reason: another'] }),
      await gateway.read(path, { token: gateway.mint({ claims: { acr: 'high', groups: ['payments', 'more'] } }) }),
      await gateway.read('/api/secrets/value', { method: 'POST', body: '{"uri":"YAML://kv/quota#token"}' }),
      await gateway.read(`/api/secrets/value?uri=${encodeURIComponent('yaml://kv/quota#token')}`),
    ];
    for (const answer of tries) expectProblem(answer, '403 QUOTA_EXHAUSTED');
    await target.passes(600_000);
    expectProblem(await gateway.read(path), '403 QUOTA_EXHAUSTED');
  });

  it('I2: another purpose has a count of its own, and no more than that', async () => {
    const path = valuePath('yaml://kv/quota#token').replace('/value/', '/read/');
    const answers = await atOnce(3 * QUOTA, async () => await gateway.read(path));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(QUOTA);
  });

  it('I2: two keys of one service share a quota', async () => {
    const claims = { sub: 'svc-shared', client_id: 'shared' };
    const path = valuePath('yaml://kv/quota#token');
    const keys = [makeKey(), makeKey(), makeKey()];
    const answers = await atOnce(3 * QUOTA, async (index) => {
      const key = keys[index % keys.length]!;
      const token = gateway.mint({ boundTo: key, claims });
      return await gateway.read(path, { token, proof: gateway.prove({ token, key, path }) });
    });
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(QUOTA);
  });

  it('one holder: of twenty keys at once one gets in, and the others spend nothing', async () => {
    const keys = Array.from({ length: 20 }, () => makeKey());
    const answers = await atOnce(keys.length, async (index) => {
      const key = keys[index]!;
      const token = gateway.mint({ boundTo: key });
      return await gateway.read(HOLDER, { token, proof: gateway.prove({ token, key, path: HOLDER }) });
    });
    const [winner, ...more] = answers.flatMap(({ status }, index) => (status === 200 ? [keys[index]!] : []));
    expect(more).toEqual([]);
    for (const answer of answers.filter(({ status }) => status !== 200)) expectProblem(answer, '403 BINDING_CHANGED');
    const token = gateway.mint({ boundTo: winner! });
    const again = await gateway.read(HOLDER, { token, proof: gateway.prove({ token, key: winner!, path: HOLDER }) });
    expect((again.problem['grant'] as { uses_left: number }).uses_left).toBe(3);
  });

  it('I4, N4: a grant ends in its moment, and never later than its token', async () => {
    const path = valuePath('yaml://kv/app/db#user');
    const grant = async (token: string): Promise<{ id: string; expires_at: string }> =>
      (await gateway.read(path, { token })).problem['grant'] as { id: string; expires_at: string };
    const exp = Math.floor(target.clock.now() / 1000) + 20;
    const short = await grant(gateway.mint({ claims: { exp } }));
    expect(Date.parse(short.expires_at)).toBeLessThanOrEqual(exp * 1000);
    await target.passes(Date.parse(short.expires_at) - 1 - target.clock.now());
    expect((await grant(gateway.mint())).id).toBe(short.id);
    await target.passes(1);
    expect((await grant(gateway.mint())).id).not.toBe(short.id);
  });

  it('I1: every release has one intent of its own and one result', async () => {
    await target.passes(0);
    const records = await gateway.records();
    const ids = (type: string): unknown[] =>
      records.filter((record) => record.type === type).map(({ request_id: id }) => id);
    expect(new Set(ids('intent')).size).toBe(ids('intent').length);
    expect(new Set(ids('result'))).toEqual(new Set(ids('intent')));
    expect(ids('result')).toHaveLength(ids('intent').length);
  });

  it('N20: none of all this stands in a log or a record', async () => await expectNothingTold(gateway));
});
