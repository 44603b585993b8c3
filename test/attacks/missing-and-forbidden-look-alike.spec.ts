import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { comparable, expectNothingTold, expectProblem, expectRecord, Target } from '../support/attack.js';
import { type Gateway, POLICIES, type ReadOptions, valuePath } from '../support/gateway.js';
import { ISSUER } from '../support/tokens.js';

/** A forbid that says why: what it says depends on the folder that was asked for, never on what lies there. */
const CLOSED = `
@id("plans-closed")
@deny_hint("Plans are read on paper.")
forbid (principal, action in Action::"disclose", resource in Folder::"yaml://kv/closed");
`;

let target: Target;
let gateway: Gateway;
beforeAll(async () => {
  target = await Target.start({ policies: { acme: `${POLICIES}${CLOSED}` } });
  ({ gateway } = target);
});
afterAll(async () => await target.close());

/** None of these is permitted to a caller without groups; some exist, some do not, some cannot. */
const SECRETS: readonly string[] = [
  'yaml://kv/plans/next#token',
  'yaml://kv/plans/next#absent',
  'yaml://kv/plans/next',
  'yaml://kv/plans',
  'yaml://kv/nowhere/next#token',
  'yaml://kv/nowhere',
  'yaml://kv/plans/next?version=1#token',
  'yaml://kv/nowhere/next?version=1#token',
  'yaml://kv/app/api#token',
  'yaml://kv/app/absent#token',
  'yaml://kv/quota#token',
  'yaml://kv/reason#token',
  'yaml://kv/recent#token',
  'yaml://kv/holder#token',
];

/** Every route that takes a URI, for the same secret. */
const ROUTES: readonly (readonly [string, (uri: string) => readonly [string, ReadOptions]])[] = [
  ['GET /value/{uri}', (uri) => [valuePath(uri), {}]],
  ['GET /read/{uri}', (uri) => [valuePath(uri).replace('/value/', '/read/'), {}]],
  ['GET /value?uri=', (uri) => [`/api/secrets/value?uri=${encodeURIComponent(uri)}`, {}]],
  ['GET /api/secrets?uri=', (uri) => [`/api/secrets?uri=${encodeURIComponent(uri)}`, {}]],
  ['POST /value', (uri) => ['/api/secrets/value', { method: 'POST', body: JSON.stringify({ uri }) }]],
];

describe('I11, N21, P8: a secret that is missing and one that is forbidden', () => {
  it.each(ROUTES)('look alike to the byte but for the ids: %s', async (_route, requestFor) => {
    const answers: unknown[] = [];
    for (const uri of SECRETS) {
      const [path, options] = requestFor(uri);
      const answer = await gateway.read(path, { ...options, token: gateway.mint({ claims: { groups: [] } }) });
      expectProblem(answer, '403 DENIED');
      expect(answer.problem).not.toHaveProperty('detail');
      await expectRecord(gateway, answer, '*');
      answers.push(comparable(answer));
    }
    expect(answers.filter((answer) => JSON.stringify(answer) !== JSON.stringify(answers[0]))).toEqual([]);
  });

  it('look alike to a caller whose tenant there is not, and who has no tenant', async () => {
    const denied = comparable(await gateway.read(valuePath('yaml://kv/plans/next#token')));
    for (const claims of [
      { tenant: 'nobody' },
      { tenant: undefined },
      { tenant: 'umbrella' },
      { tenant: 'ACME' },
      { tenant: '__proto__' },
    ]) {
      const answers: unknown[] = [];
      for (const uri of ['yaml://kv/app/api#token', 'yaml://kv/nowhere#token', 'yaml://kv2/app/api#token']) {
        const answer = await gateway.read(valuePath(uri), { token: gateway.mint({ claims }) });
        expectProblem(answer, '403 DENIED');
        answers.push(comparable(answer));
      }
      expect(answers).toEqual([denied, denied, denied]);
    }
  });

  it('look alike also where a forbid says why', async () => {
    const answers: unknown[] = [];
    for (const uri of [
      'yaml://kv/closed/next#token',
      'yaml://kv/closed/next#absent',
      'yaml://kv/closed/absent',
      'yaml://kv/closed',
    ]) {
      const answer = await gateway.read(valuePath(uri));
      expectProblem(answer, '403 DENIED');
      expect(answer.problem['detail']).toBe('Plans are read on paper.');
      answers.push(comparable(answer));
    }
    expect(answers.filter((answer) => JSON.stringify(answer) !== JSON.stringify(answers[0]))).toEqual([]);
  });

  it('look alike with a reason, and with a sign-in that policy would want elsewhere', async () => {
    const answers = [];
    for (const uri of ['yaml://kv/plans/next#token', 'yaml://kv/nowhere/next#token']) {
      for (const claims of [{}, { acr: 'high', auth_time: 1 }, { sub_type: 'user' }, { sub_type: 'agent' }]) {
        const answer = await gateway.read(valuePath(uri), {
          token: gateway.mint({ claims }),
          fields: ['X-Access-Reason: why'],
        });
        expectProblem(answer, '403 DENIED');
        answers.push(JSON.stringify(comparable(answer)));
      }
    }
    expect(new Set(answers).size).toBe(1);
  });

  it('are told apart only by a caller whom policy has permitted, and no use is lost by it', async () => {
    expectProblem(await gateway.read(valuePath('yaml://kv/app/absent#token')), '404 NOT_FOUND');
    expectProblem(await gateway.read(valuePath('yaml://kv/app/api#absent')), '404 NOT_FOUND');
    const [path] = [valuePath('yaml://kv/few/absent#token')];
    for (let times = 0; times < 8; times += 1) expectProblem(await gateway.read(path), '404 NOT_FOUND');
    await target.passes(0);
    const results = (await gateway.records()).filter(
      ({ type, outcome }) => type === 'result' && outcome === 'not_released',
    );
    expect(results).toHaveLength(10);
  });
});

describe('I11: what is told before policy was asked', () => {
  it('names the mount that was sent, whether it exists or not, and lists none', async () => {
    const [existing, missing] = [
      await gateway.read(valuePath('yaml://kv2/app/api#token')),
      await gateway.read(valuePath('yaml://kv3/app/api#token')),
    ];
    for (const answer of [existing, missing]) expectProblem(answer, '403 TENANT_MOUNT_MISMATCH');
    const same = (text: string): string => text.replaceAll('kv2', 'kv3');
    expect(JSON.stringify(comparable(existing))).not.toContain('kv/');
    expect(same(JSON.stringify(comparable(existing)))).toBe(JSON.stringify(comparable(missing)));
  });

  it("says nothing of another tenant's provider that it would not say of one that there is not", async () => {
    const [existing, missing] = [
      await gateway.read(valuePath('side://vault/a')),
      await gateway.read(valuePath('silo://vault/a')),
    ];
    for (const answer of [existing, missing]) expectProblem(answer, '400 UNSUPPORTED_PROVIDER');
    expect(JSON.stringify(comparable(existing)).replaceAll('side', 'silo')).toBe(JSON.stringify(comparable(missing)));
  });

  it('P5: a detail never names a group, a policy, an issuer or another secret', async () => {
    for (const body of gateway.refusalBodies)
      expect(body).not.toMatch(new RegExp(`payments|-use|${ISSUER}|plans|nowhere|acme|umbrella`));
  });

  it('N20: none of all this stands in a log or a record', async () => await expectNothingTold(gateway));
});
