import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { type Attack, expectNothingTold, expectProblem, expectRecord, Target } from '../support/attack.js';
import { APP, type Gateway, type MintOptions, POLICIES, valuePath } from '../support/gateway.js';
import { ISSUER } from '../support/tokens.js';
import { OTHER_ISSUER } from '../support/world.js';

let target: Target;
let gateway: Gateway;
beforeAll(async () => {
  // The other tenant permits its own group everything on a mount that has the name of ours.
  const umbrella = `@id("umbrella-use") permit (principal in Group::"${OTHER_ISSUER}#payments", action in Action::"disclose", resource);`;
  target = await Target.start({ policies: { acme: POLICIES, umbrella } });
  ({ gateway } = target);
});
afterAll(async () => await target.close());

/** A token of the other issuer, for its own tenant. */
const foreign = (claims: Record<string, unknown> = {}): MintOptions => ({
  key: gateway.keys.other,
  claims: { iss: OTHER_ISSUER, tenant: 'umbrella', ...claims },
});

function reads(
  title: string,
  changes: () => MintOptions,
  refused: Attack['refused'],
  check: string,
  more: Partial<Attack> & { path?: string } = {},
): Attack {
  const { path = APP, ...rest } = more;
  return {
    title,
    sends: async ({ mint, read }) => await read(path, { token: mint(changes()) }),
    refused,
    check,
    ...rest,
  };
}

const SCOPES: readonly (readonly [string, unknown])[] = [
  ['no scope', undefined],
  ['an empty scope', ''],
  ['another scope', 'secrets.write'],
  [
    'all other scopes',
    'secrets.write secrets.delete secrets.destroy secrets.rotate secrets.read_metadata secrets.set_owner secrets.admin',
  ],
  ['a scope that ours begins', 'secrets.reader'],
  ['a scope that begins ours', 'secrets'],
  ['a scope in other letters', 'Secrets.Read'],
  ['a wildcard', 'secrets.* *'],
  ['a scope with a comma', 'secrets.read,secrets.write'],
  ['a scope that every object has', '__proto__ constructor'],
];

describe('A11, A8: a scope', () => {
  it.each(SCOPES)('%s does not open', async (title, scope) => {
    for (const path of [APP, APP.replace('/value/', '/read/')]) {
      const answer = await target.refuses(
        reads(title, () => ({ claims: { scope } }), '403 INSUFFICIENT_SCOPE', '*', { path }),
      );
      expect(answer.headers['www-authenticate']?.[0]).toContain('scope="secrets.read"');
    }
  });

  it('among others opens', async () => {
    expect((await gateway.read(APP, { token: gateway.mint({ claims: { scope: 'a secrets.read b' } }) })).status).toBe(
      200,
    );
  });

  it('A8: groups, roles and entitlements are none', async () => {
    const claims = {
      scope: 'secrets.write',
      groups: ['payments', 'secrets.read'],
      roles: ['secrets.read'],
      entitlements: ['secrets.read'],
    };
    await target.refuses(reads('', () => ({ claims }), '403 INSUFFICIENT_SCOPE', '*'));
  });
});

const TENANTS: readonly Attack[] = [
  reads(
    "J7, A4: another tenant's name in a token of our issuer",
    () => ({ claims: { tenant: 'umbrella' } }),
    '403 DENIED',
    'tenant unknown',
  ),
  reads(
    "J7, A4: our tenant's name in a token of another issuer",
    () => foreign({ tenant: 'acme' }),
    '403 DENIED',
    'tenant unknown',
  ),
  reads(
    'no tenant where more than one is configured',
    () => ({ claims: { tenant: undefined } }),
    '403 DENIED',
    'tenant unknown',
  ),
  reads('a tenant in other letters', () => ({ claims: { tenant: 'Acme' } }), '403 DENIED', 'tenant unknown'),
  reads('a tenant that every object has', () => ({ claims: { tenant: '__proto__' } }), '403 DENIED', 'tenant unknown'),
];

const NAMES: readonly Attack[] = [
  ['no groups', { groups: [] }],
  ['groups left out', { groups: undefined }],
  ['another group', { groups: ['billing'] }],
  ['a group that ours begins', { groups: ['payments2'] }],
  ['a group in other letters', { groups: ['Payments'] }],
  ['N12: a group with the name of its entity', { groups: [`${ISSUER}#payments`] }],
  ['N12: a group that would close the quotes of an entity', { groups: ['x" || true || "', 'payments" #'] }],
  ['N12: a group with the separator in it', { groups: ['#payments', 'x#payments'] }],
  ['N12: a subject that looks like a group', { groups: [], sub: `${ISSUER}#payments` }],
  ['N12: a client that looks like a group', { groups: [], client_id: `${ISSUER}#payments` }],
].map(([title, claims]) =>
  reads(title as string, () => ({ claims: claims as Record<string, unknown> }), '403 DENIED', '*', { keys: 1 }),
);

describe('I10, N12: a caller', () => {
  it.each(TENANTS)('$title', async (attack) => await target.refuses(attack));
  it.each(NAMES)('$title is not in our group', async (attack) => await target.refuses(attack));

  it("A12, N12: another issuer's subject and group of the same name is not ours, nor ours its", async () => {
    expect((await gateway.read(APP, { token: gateway.mint(foreign()) })).status).toBe(200);
    await target.refuses(reads('', () => foreign({ groups: [`${ISSUER}#payments`] }), '403 DENIED', '*', { keys: 1 }));
    await target.refuses(
      reads('', () => ({ claims: { groups: [`${OTHER_ISSUER}#payments`] } }), '403 DENIED', '*', {
        keys: 1,
        path: valuePath('yaml://kv/plans/next#token'),
      }),
    );
  });

  it('I30, N23: of another tenant has other references for the same secret', async () => {
    await gateway.read(APP);
    await gateway.read(APP, { token: gateway.mint(foreign()) });
    const intents = (await gateway.records()).filter(({ type, tenant }) => type === 'intent' && tenant !== undefined);
    const refs = (tenant: string): Set<unknown> =>
      new Set(intents.filter((intent) => intent['tenant'] === tenant).map(({ resource_ref: ref }) => ref));
    const [ours, theirs] = [refs('acme'), refs('umbrella')];
    expect(ours.size).toBeGreaterThan(0);
    expect([...ours].filter((ref) => theirs.has(ref))).toEqual([]);
  });
});

describe('I13: less never opens more', () => {
  const LESS = ['scope', 'groups', 'tenant', 'sub_type', 'acr', 'amr', 'auth_time', 'act'] as const;
  const ALL = [
    'yaml://kv/app/api#token',
    'yaml://kv/plans/next#token',
    'yaml://kv/recent#token',
    'yaml://kv/reason#token',
  ];

  it('a claim taken away never turns a refusal into a value', async () => {
    const now = Math.floor(target.clock.now() / 1000);
    const full = { sub_type: 'user', acr: 'high', amr: ['mfa'], auth_time: now - 60, act: { sub: 'portal' } };
    for (const uri of ALL) {
      const path = valuePath(uri);
      const whole = (await gateway.read(path, { token: gateway.mint({ claims: full }) })).status;
      for (const name of LESS) {
        const less = (await gateway.read(path, { token: gateway.mint({ claims: { ...full, [name]: undefined } }) }))
          .status;
        expect({ uri, name, opened: whole !== 200 && less === 200 }).toEqual({ uri, name, opened: false });
      }
    }
  });

  it('A7, S5, S6: a sign-in that is too old, missing or in the future does not open what wants a recent one', async () => {
    const path = valuePath('yaml://kv/recent#token');
    const now = Math.floor(target.clock.now() / 1000);
    const ask = async (claims: Record<string, unknown>): ReturnType<Gateway['read']> =>
      await gateway.read(path, { token: gateway.mint({ claims: { sub_type: 'user', ...claims } }) });
    expect((await ask({ auth_time: now - 800 })).status).toBe(200);
    for (const claims of [{ auth_time: now - 2_000 }, {}, { auth_time: now + 600 }]) {
      const answer = await ask(claims);
      expectProblem(answer, '401 STEP_UP_REQUIRED');
      await expectRecord(gateway, answer, '*');
    }
    expectProblem(await ask({ auth_time: now - 10, sub_type: 'service' }), '403 DENIED');
  });
});

it('N20: none of all this stands in a log or a record', async () => await expectNothingTold(gateway));
