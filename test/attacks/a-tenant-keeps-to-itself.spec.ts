import { randomBytes } from 'node:crypto';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import type { WireAnswer } from '../http/wire.js';
import { type Attack, expectNothingTold, expectProblem, Target } from '../support/attack.js';
import { APP, type Gateway, type MintOptions, POLICIES, valuePath } from '../support/gateway.js';
import { ISSUER } from '../support/tokens.js';
import { OTHER_ISSUER } from '../support/world.js';

/** Umbrella permits the same callers the same things, by policies of its own, in a folder of its own. */
const umbrella = `${POLICIES.replaceAll('@id("', '@id("umbrella-')}
@id("umbrella-side")
permit (principal in Group::"${OTHER_ISSUER}#payments", action in Action::"disclose", resource in Mount::"side://vault");
@id("umbrella-other")
permit (principal in Group::"${OTHER_ISSUER}#payments", action in Action::"disclose", resource in Folder::"yaml://kv/app");`;
const policies = { acme: POLICIES, umbrella };
const SIDE = valuePath('side://vault/app/api#token');
const QUOTA = valuePath('yaml://kv/quota#token');

const grantOf = ({ problem }: WireAnswer): { id: string; uses_left: number } =>
  problem['grant'] as { id: string; uses_left: number };
const foreign = (gateway: Gateway, claims: MintOptions['claims'] = {}): string =>
  gateway.mint({ key: gateway.keys.other, claims: { iss: OTHER_ISSUER, tenant: 'umbrella', ...claims } });

describe('two tenants with an issuer each', () => {
  let target: Target;
  let gateway: Gateway;
  beforeAll(async () => {
    target = await Target.start({ policies });
    ({ gateway } = target);
  });
  afterAll(async () => await target.close());

  it('each serve their own callers', async () => {
    expect((await gateway.read(APP)).status).toBe(200);
    expect((await gateway.read(APP, { token: foreign(gateway) })).status).toBe(200);
    expect((await gateway.read(SIDE, { token: foreign(gateway) })).status).toBe(200);
  });

  const claiming = (title: string, token: () => string, check = 'tenant unknown'): Attack => ({
    title,
    sends: async ({ read }) => await read(APP, { token: token() }),
    refused: '403 DENIED',
    check,
  });
  it.each([
    claiming('I10: a token that claims a tenant whose issuers do not include its own', () =>
      gateway.mint({ claims: { tenant: 'umbrella' } }),
    ),
    claiming('I10: the same the other way round', () => foreign(gateway, { tenant: 'acme' })),
    claiming('I10: a tenant that there is not', () => gateway.mint({ claims: { tenant: 'globex' } })),
    claiming('I10: a tenant that begins like one', () => gateway.mint({ claims: { tenant: 'acme2' } })),
    claiming('I10: both at once', () => gateway.mint({ claims: { tenant: 'acme umbrella' } })),
    claiming('I10: none', () => gateway.mint({ claims: { tenant: undefined } })),
  ])('$title gets nothing', async (attack) => await target.refuses(attack));

  it.each([[['acme', 'umbrella']], [{ id: 'acme' }], [''], [null], [7]])(
    'T2: a tenant claim of %j is no claim',
    async (tenant) => {
      expectProblem(await gateway.read(APP, { token: gateway.mint({ claims: { tenant } }) }), '401 INVALID_TOKEN');
    },
  );

  it("J7: one issuer's key never speaks for the other's tenant", async () => {
    const forged = gateway.mint({ claims: { iss: OTHER_ISSUER, tenant: 'umbrella' } });
    expectProblem(await gateway.read(APP, { token: forged }), '401 INVALID_TOKEN');
  });

  it("N12: another tenant's provider instance is one that there is not, by every name", async () => {
    for (const uri of ['side://vault/app/api#token', 'side://kv/app/api#token', 'side://nothing/at#all']) {
      expectProblem(await gateway.read(valuePath(uri)), '400 UNSUPPORTED_PROVIDER');
    }
  });

  it('N12: groups belong to their issuer, policies to their tenant', async () => {
    const groups = [`${ISSUER}#payments`];
    expectProblem(await gateway.read(APP, { token: foreign(gateway, { groups }) }), '403 DENIED');
  });

  it('N20: none of all this stands in a log or a record', async () => await expectNothingTold(gateway));
});

/** In one partition of the store, so that nothing but its keys tells them apart. */
describe('two tenants that trust the same issuer', () => {
  let target: Target;
  let gateway: Gateway;
  beforeEach(async () => {
    target = await Target.start({ policies, shared: true, settings: { GRANT_PARTITIONS: 1 } });
    ({ gateway } = target);
  });
  afterEach(async () => await target.close());

  /** The same caller, key and secret: only the tenant of the token differs. */
  const read = async (tenant: string, path: string, changes: MintOptions = {}): Promise<WireAnswer> =>
    await gateway.read(path, { token: gateway.mint({ ...changes, claims: { tenant, ...changes.claims } }) });

  it('I10: never use a grant of each other', async () => {
    const few = valuePath('yaml://kv/few#token');
    const answers = [
      await read('acme', few),
      await read('umbrella', few),
      await read('acme', few),
      await read('umbrella', few),
    ];
    expect(answers.map((answer) => grantOf(answer).uses_left)).toEqual([2, 2, 1, 1]);
    const ids = answers.map((answer) => grantOf(answer).id);
    expect([ids[0], ids[1]]).toEqual([ids[2], ids[3]]);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('I2: count their quotas apart', async () => {
    for (let use = 0; use < 5; use += 1) expect((await read('acme', QUOTA)).status).toBe(200);
    expectProblem(await read('acme', QUOTA), '403 QUOTA_EXHAUSTED');
    expect((await read('umbrella', QUOTA)).status).toBe(200);
  });

  it('I10: hold a secret for one holder each', async () => {
    const holder = valuePath('yaml://kv/holder#token');
    expect((await read('acme', holder)).status).toBe(200);
    expect((await read('umbrella', holder)).status).toBe(200);
  });

  it('I10: each decide by their own policies', async () => {
    await read('acme', APP);
    await read('umbrella', APP);
    const intents = (await gateway.records()).filter(({ type }) => type === 'intent');
    expect(intents.map(({ tenant, policy_ids: ids }) => [tenant, ids])).toEqual([
      ['acme', ['app-use']],
      ['umbrella', ['umbrella-app-use']],
    ]);
  });

  it('I30, N23: have other references for the same secret of the same caller', async () => {
    await read('acme', APP);
    await read('umbrella', APP);
    const intents = (await gateway.records()).filter(({ type }) => type === 'intent');
    for (const name of ['resource_ref', 'path_ref', 'request_hash']) {
      expect(new Set(intents.map((intent) => intent[name])).size).toBe(2);
    }
  });
});

describe('the one tenant of TENANT_ID', () => {
  const salt = randomBytes(32).toString('base64');
  let target: Target;
  let gateway: Gateway;
  beforeAll(async () => {
    const settings = { TENANT_ID: 'acme', TENANT_ALLOWED_MOUNTS: 'yaml://kv', TENANT_SALT: salt };
    target = await Target.start({ policies: { acme: POLICIES }, settings });
    ({ gateway } = target);
  });
  afterAll(async () => await target.close());
  const claiming = (tenant: unknown): string => gateway.mint({ claims: { tenant } });

  it('takes a token that names it, and one that names none', async () => {
    expect((await gateway.read(APP, { token: claiming('acme') })).status).toBe(200);
    expect((await gateway.read(APP, { token: claiming(undefined) })).status).toBe(200);
  });

  it.each(['umbrella', 'ACME', 'acme ', '__proto__'])('I10: gives nothing to a token that names %p', async (tenant) => {
    await target.refuses({
      title: '',
      sends: async ({ read }) => await read(APP, { token: claiming(tenant) }),
      refused: '403 DENIED',
      check: 'tenant unknown',
    });
  });

  it('I2: leaving the claim out refills no quota', async () => {
    for (let use = 0; use < 5; use += 1) {
      const token = claiming(use % 2 === 0 ? 'acme' : undefined);
      expect((await gateway.read(QUOTA, { token })).status).toBe(200);
    }
    for (const tenant of ['acme', undefined]) {
      expectProblem(await gateway.read(QUOTA, { token: claiming(tenant) }), '403 QUOTA_EXHAUSTED');
    }
  });

  it('asks for no step-up by acr unless TENANT_ACR_VALUES says which', async () => {
    const more = `${POLICIES} @id("gold") @step_up("gold") permit (principal, action, resource);`;
    const settings = { TENANT_ID: 'acme', TENANT_ALLOWED_MOUNTS: 'yaml://kv', TENANT_SALT: salt };
    const start = async (values: object): Promise<Target> =>
      await Target.start({ policies: { acme: more }, settings: { ...settings, ...values } });
    await expect(start({})).rejects.toThrow("@step_up names gold, no acr value of this tenant's");
    const gold = await start({ TENANT_ACR_VALUES: 'silver,gold' });
    const token = gold.gateway.mint({ claims: { sub_type: 'user' } });
    expectProblem(await gold.gateway.read(APP, { token }), '401 STEP_UP_REQUIRED');
    await gold.close();
  });
});
