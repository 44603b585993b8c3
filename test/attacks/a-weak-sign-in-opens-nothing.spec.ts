import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { WireAnswer } from '../http/wire.js';
import {
  comparable,
  type Expected,
  expectNothingTold,
  expectProblem,
  expectRecord,
  Target,
} from '../support/attack.js';
import { makeCa, makeCertificate } from '../support/certificates.js';
import { type Gateway, POLICIES, type ReadOptions, startGateway, valuePath } from '../support/gateway.js';
import { askTls } from '../support/secure-wire.js';
import { ISSUER } from '../support/tokens.js';
import { OTHER_ISSUER } from '../support/world.js';

/** The tenant acme accepts silver and gold, in this order; umbrella accepts loa3. */
const STEP_UPS = `
@id("gold-use") @step_up("gold") @max_uses("5")
permit (principal in Group::"${ISSUER}#payments", action in Action::"disclose", resource in Folder::"yaml://kv/gold");

@id("either-use") @step_up("gold silver") @max_auth_age("900") @max_uses("5")
permit (principal in Group::"${ISSUER}#payments", action in Action::"disclose", resource in Folder::"yaml://kv/either");

@id("more-gold") @step_up("gold")
permit (principal in Group::"${ISSUER}#treasury", action in Action::"disclose", resource in Folder::"yaml://kv/either");

@id("fresh-use") @max_auth_age("900") @max_uses("5")
permit (principal in Group::"${ISSUER}#payments", action in Action::"disclose", resource in Folder::"yaml://kv/fresh");

@id("vault-use")
permit (principal in Group::"${ISSUER}#payments", action in Action::"disclose", resource in Folder::"yaml://kv/vault");
@id("vault-gold") @step_up("gold")
forbid (principal is user, action, resource in Folder::"yaml://kv/vault")
unless { context has acr && context.acr == "gold" };
`;

const secrets = (canary: string): unknown => {
  const one = { token: 'made-up' };
  return {
    kv: { app: { api: { token: canary } }, gold: one, either: one, fresh: one, vault: one, plans: { next: one } },
  };
};
const [GOLD, EITHER, FRESH, VAULT, APP] = ['gold', 'either', 'fresh', 'vault', 'app/api'].map((path) =>
  valuePath(`yaml://kv/${path}#token`),
) as [string, string, string, string, string];

let target: Target;
let gateway: Gateway;
beforeAll(async () => {
  const umbrella = `@id("umbrella-use") @step_up("loa3") permit (principal, action, resource);`;
  target = await Target.start({ policies: { acme: `${POLICIES}${STEP_UPS}`, umbrella }, secrets });
  ({ gateway } = target);
});
afterAll(async () => await target.close());

const now = (): number => Math.floor(target.clock.now() / 1000);
type Claims = Readonly<Record<string, unknown>>;
const ofUser = (claims: Claims = {}): Claims => ({ sub: 'alice', sub_type: 'user', ...claims });

/** Reads by a user's token: DPoP with a proof, or a plain bearer token without. */
const ask = async (path: string, claims: Claims, scheme = 'DPoP', more: ReadOptions = {}): Promise<WireAnswer> => {
  const token = gateway.mint({ claims: ofUser(claims), ...(scheme === 'Bearer' && { boundTo: null }) });
  return await gateway.read(path, { token, scheme, ...(scheme === 'Bearer' && { proof: null }), ...more });
};
const refused = async (answer: WireAnswer, code: Expected, check: string): Promise<readonly string[]> => {
  expectProblem(answer, code);
  await expectRecord(gateway, answer, check);
  return answer.headers['www-authenticate'] ?? [];
};

/** Where the error stands, by the scheme that the request used. */
const CHALLENGES = {
  DPoP: (words: string) => [`DPoP ${words}, algs="ES256 Ed25519"`, 'Bearer realm="postern"'],
  Bearer: (words: string) => ['DPoP algs="ES256 Ed25519"', `Bearer ${words}`],
};
const ERROR = 'error="insufficient_user_authentication"';

describe.each(['DPoP', 'Bearer'] as const)('a step-up is asked for under %s', (scheme) => {
  /** Without what another part of the gateway adds to every challenge. */
  const plain = (challenges: readonly string[]): string[] =>
    challenges.map((challenge) => challenge.replace(/,? ?resource_metadata="[^"]*"/, '').replace(/ , /, ' '));

  it('S1: by 401 and the error of RFC 9470, on the scheme of the request and on no other', async () => {
    const challenges = await refused(await ask(GOLD, {}, scheme), '401 STEP_UP_REQUIRED', 'S5 acr missing');
    expect(challenges.filter((challenge) => challenge.includes(ERROR))).toHaveLength(1);
    expect(challenges.find((challenge) => challenge.includes(ERROR))).toMatch(new RegExp(`^${scheme} `));
  });

  it('S2: with acr_values, with max_age, with both, as the decision demands them', async () => {
    const words = async (path: string, claims: Claims): Promise<string[]> => {
      const answer = await ask(path, claims, scheme);
      expectProblem(answer, '401 STEP_UP_REQUIRED');
      return plain(answer.headers['www-authenticate'] ?? []);
    };
    const { [scheme]: challenge } = CHALLENGES;
    expect(await words(GOLD, { acr: 'silver' })).toEqual(challenge(`${ERROR}, acr_values="gold"`));
    expect(await words(FRESH, {})).toEqual(challenge(`${ERROR}, max_age="900"`));
    // the weakest that will do comes first, whatever the policy's order; both are told, though only one is lacking
    const both = `${ERROR}, acr_values="silver gold", max_age="900"`;
    expect(await words(EITHER, { acr: 'gold' })).toEqual(challenge(both));
    expect(await words(EITHER, { auth_time: now() })).toEqual(challenge(both));
  });

  it('S2: of two policies asks for what satisfies both', async () => {
    const claims = { groups: ['payments', 'treasury'], acr: 'silver', auth_time: now() };
    const challenges = await refused(await ask(EITHER, claims, scheme), '401 STEP_UP_REQUIRED', 'S4 acr');
    expect(challenges.join()).toContain('acr_values="gold", max_age="900"');
    expect((await ask(EITHER, { ...claims, acr: 'gold' }, scheme)).status).toBe(200);
  });

  it('S2: a token that lacks the scope as well is told of the scope, and not yet of the sign-in', async () => {
    const answer = await ask(GOLD, { scope: 'secrets.write' }, scheme);
    const challenges = await refused(answer, '403 INSUFFICIENT_SCOPE', 'A11 scope');
    expect(challenges.join()).not.toMatch(/acr_values|max_age|insufficient_user/);
  });

  it('S3, S4: and the sign-in that was asked for opens', async () => {
    expect((await ask(GOLD, { acr: 'gold' }, scheme)).status).toBe(200);
    expect((await ask(EITHER, { acr: 'silver', auth_time: now() - 900 }, scheme)).status).toBe(200);
  });
});

describe('a step-up is asked for of a token that is bound to a certificate', () => {
  it('S1, S2: under Bearer too where plain bearer tokens are refused', async () => {
    const [serverCa, clientCa] = [await makeCa('server CA'), await makeCa('client CA')];
    const server = await makeCertificate({ name: 'postern', by: serverCa, usage: 'server' });
    const caller = await makeCertificate({ name: 'alice', by: clientCa });
    const tls = { TLS_CERT: server.pem, TLS_KEY: server.key, TLS_CLIENT_CA: clientCa.pem, ALLOW_UNBOUND_TOKENS: false };
    const bound = await Target.start({ policies: { acme: `${POLICIES}${STEP_UPS}` }, secrets, settings: tls });
    const read = async (claims: Claims): Promise<WireAnswer> => {
      const token = bound.gateway.mint({
        boundTo: null,
        claims: ofUser({ cnf: { 'x5t#S256': caller.x5t }, ...claims }),
      });
      const bytes = bound.gateway.request({ target: GOLD, fields: [`Authorization: Bearer ${token}`] });
      return await askTls(bound.gateway.port, bytes, { ca: serverCa, shows: caller });
    };
    try {
      const answer = await read({ acr: 'silver' });
      expectProblem(answer, '401 STEP_UP_REQUIRED');
      expect(answer.headers['www-authenticate']).toEqual([
        expect.not.stringContaining('error='),
        expect.stringMatching(/^Bearer error="insufficient_user_authentication", acr_values="gold"/),
      ]);
      expect((await read({ acr: 'gold' })).status).toBe(200);
    } finally {
      await bound.close();
    }
  });
});

describe('a sign-in', () => {
  it('S3: ages by auth_time: a token that was refreshed a moment ago is as old as its sign-in', async () => {
    const claims = { auth_time: now() - 901, iat: now() };
    await refused(await ask(FRESH, claims), '401 STEP_UP_REQUIRED', 'S3 auth_time');
    expect((await ask(FRESH, { ...claims, auth_time: now() - 900 })).status).toBe(200);
  });

  it('S5: of an issuer whose clock is ahead, within the leeway, opens', async () => {
    expect((await ask(FRESH, { sub: 'ahead', auth_time: now() + 5 })).status).toBe(200);
  });

  it('S3: of exactly the age opens to the end of that second, and not one millisecond longer', async () => {
    const claims = { sub: 'bob', auth_time: now() - 900, jti: 'edge' };
    await target.passes(999 - (target.clock.now() % 1000));
    expect((await ask(FRESH, claims)).status).toBe(200);
    await target.passes(1);
    await refused(await ask(FRESH, claims), '401 STEP_UP_REQUIRED', 'S3 auth_time');
  });

  it('S3: ends the grant that it opened, however many uses are left', async () => {
    const claims = { sub: 'carol', auth_time: now() - 880, jti: 'ends' };
    const [token, first] = [gateway.mint({ claims: ofUser(claims) }), now()];
    const answer = await gateway.read(FRESH, { token });
    expect(answer.problem).toMatchObject({
      grant: { uses_left: 4, expires_at: new Date((first + 20) * 1000).toISOString() },
    });
    await target.passes(19_000);
    expect((await gateway.read(FRESH, { token })).problem).toMatchObject({ grant: { uses_left: 3 } });
    await target.passes(2_000);
    await refused(await gateway.read(FRESH, { token }), '401 STEP_UP_REQUIRED', 'S3 auth_time');
  });

  it.each([
    ['another acr', { acr: 'platinum' }, 'S4 acr'],
    ['a weaker acr', { acr: 'silver' }, 'S4 acr'],
    ['the acr in other letters', { acr: 'GOLD' }, 'S4 acr'],
    ['the acr with more behind it', { acr: 'gold silver' }, 'S4 acr'],
    ['an acr of another tenant', { acr: 'loa3' }, 'S4 acr'],
    ['no acr', {}, 'S5 acr missing'],
    ['methods in place of an acr', { amr: ['gold', 'hwk', 'mfa'] }, 'S5 acr missing'],
    ['the acr of a sign-in that is yet to come', { acr: 'gold', auth_time: 4e9 }, 'S5 auth_time in the future'],
  ])('S4, S5: with %s is not the one that was asked for', async (_, claims, check) => {
    await refused(await ask(GOLD, claims), '401 STEP_UP_REQUIRED', check);
  });

  it.each([
    ['no auth_time', () => ({}), 'S5 auth_time missing'],
    ['an auth_time of tomorrow', () => ({ auth_time: now() + 86_400 }), 'S5 auth_time in the future'],
    ['one just beyond the leeway', () => ({ auth_time: now() + 6 }), 'S5 auth_time in the future'],
  ])('S5: with %s is of no age', async (_, claims, check) => {
    await refused(await ask(FRESH, claims()), '401 STEP_UP_REQUIRED', check);
  });

  it.each([
    ['a text', '1'],
    ['a fraction', 0.5],
    ['beyond what is exact', 2 ** 60],
    ['null', null],
    ['a list', [1]],
  ])('S5: whose auth_time is %s makes no token', async (_, auth_time) => {
    const answer = await ask(FRESH, { auth_time });
    expectProblem(answer, '401 INVALID_TOKEN');
    expect((answer.headers['www-authenticate'] ?? []).join()).not.toContain('max_age');
  });

  it.each(['service', 'agent'])('S5: cannot be made by a %s, whatever its token says', async (sub_type) => {
    for (const claims of [{}, { acr: 'gold', auth_time: now() }]) {
      const answer = await ask(GOLD, { sub_type, ...claims });
      expect(await refused(answer, '403 STEP_UP_IMPOSSIBLE', 'S5 no user')).toEqual([]);
      expect(JSON.stringify(answer.problem)).not.toMatch(/gold|900/);
    }
  });
});

describe('what a sign-in must be', () => {
  const telling = (answer: WireAnswer): string => `${JSON.stringify(answer.headers)}${answer.body}`;

  it('S6: is told only after token, proof, scope, tenant and mount are verified', async () => {
    const other = { key: gateway.keys.other, claims: { iss: OTHER_ISSUER, tenant: 'acme' } };
    const token = gateway.mint({ claims: ofUser() });
    const elsewhere = valuePath('yaml://kv2/gold#token');
    const answers: readonly (readonly [Expected, WireAnswer])[] = [
      ['401 CREDENTIALS_REQUIRED', await gateway.read(GOLD, { token: null })],
      ['401 INVALID_TOKEN', await ask(GOLD, { exp: now() - 60 })],
      ['401 INVALID_TOKEN', await gateway.read(GOLD, { token: gateway.mint({ key: gateway.keys.caller }) })],
      ['401 INVALID_TOKEN', await gateway.read(GOLD, { token, scheme: 'Bearer', proof: null })],
      ['401 INVALID_DPOP_PROOF', await gateway.read(GOLD, { token, proof: null })],
      ['401 INVALID_DPOP_PROOF', await gateway.read(GOLD, { token, proof: gateway.prove({ token, path: APP }) })],
      [
        '401 INVALID_TOKEN',
        await gateway.read(GOLD, { token, proof: gateway.prove({ token, path: GOLD, key: gateway.keys.other }) }),
      ],
      ['403 INSUFFICIENT_SCOPE', await ask(GOLD, { scope: '' })],
      ['403 DENIED', await ask(GOLD, { tenant: 'umbrella' })],
      ['403 DENIED', await gateway.read(GOLD, { token: gateway.mint(other) })],
      ['403 TENANT_MOUNT_MISMATCH', await ask(elsewhere, {})],
      ['403 DENIED', await ask(GOLD, { groups: [] })],
    ];
    for (const [expected, answer] of answers) {
      expectProblem(answer, expected);
      expect(telling(answer)).not.toMatch(/acr_values|max_age|insufficient_user_authentication|gold/i);
    }
  });

  it('S6, I11: says nothing about what is there: a secret that is missing is asked for in the same way', async () => {
    const there = await ask(GOLD, {});
    const missing = [valuePath('yaml://kv/gold/nowhere#token'), valuePath('yaml://kv/gold#nothing')];
    for (const path of missing) expect(comparable(await ask(path, {}))).toEqual(comparable(there));
  });

  it('S6: costs the proof that it was told for, as every answer of the store does', async () => {
    const token = gateway.mint({ claims: ofUser() });
    const proof = gateway.prove({ token, path: GOLD });
    expectProblem(await gateway.read(GOLD, { token, proof }), '401 STEP_UP_REQUIRED');
    expectProblem(await gateway.read(GOLD, { token, proof }), '401 PROOF_REPLAYED');
  });

  it('S6: costs an unbound token none of its grants', async () => {
    const claims = { sub: 'dave', jti: 'unbound-1' };
    expectProblem(await ask(GOLD, claims, 'Bearer'), '401 STEP_UP_REQUIRED');
    expect((await ask(GOLD, { ...claims, acr: 'gold' }, 'Bearer')).status).toBe(200);
  });

  it('S7: comes from the decision alone: a weak sign-in opens what asks for none', async () => {
    for (const claims of [{}, { acr: 'bronze', auth_time: 1 }]) expect((await ask(APP, claims)).status).toBe(200);
  });

  it('S7: may stand on a forbid, and is told as on a permit', async () => {
    for (const scheme of ['DPoP', 'Bearer']) {
      const challenges = await refused(await ask(VAULT, { acr: 'silver' }, scheme), '401 STEP_UP_REQUIRED', 'S4 acr');
      expect(challenges.join()).toContain(`${ERROR}, acr_values="gold"`);
      expect((await ask(VAULT, { acr: 'gold' }, scheme)).status).toBe(200);
    }
    expect((await ask(VAULT, { sub_type: 'service' })).status).toBe(200);
  });

  it('S7: is not asked of a caller that has it and is denied all the same', async () => {
    await refused(await ask(VAULT, { acr: 'gold', groups: [] }), '403 DENIED', 'policy');
  });

  it('S7: stands in the record of the refusal with the decision that asked for it', async () => {
    const answer = await ask(GOLD, { acr: 'silver' });
    const record = (await gateway.records()).find(({ request_id: id }) => id === answer.problem['request_id']);
    expect(record).toMatchObject({
      code: 'STEP_UP_REQUIRED',
      acr: 'silver',
      policy_ids: ['gold-use'],
      decision_id: expect.stringMatching(/./),
    });
  });
});

describe('a token that says less of its sign-in', () => {
  it('I13: never opens what the whole one does not', async () => {
    const opened: string[] = [];
    for (const path of [GOLD, EITHER, FRESH, VAULT]) {
      const opens = async (acr: string | undefined, age: number | undefined): Promise<boolean> =>
        (await ask(path, { sub: 'frank', acr, ...(age !== undefined && { auth_time: now() - age }) })).status === 200;
      for (const acr of ['bronze', 'silver', 'gold']) {
        for (const age of [0, 901]) {
          const what = `${path} ${acr} ${age}`;
          if (await opens(acr, age)) opened.push(what);
          else expect([what, await opens(undefined, age), await opens(acr, undefined)]).toEqual([what, false, false]);
        }
      }
    }
    expect(opened).toHaveLength(9);
  });
});

describe('a grant', () => {
  it.each([
    ['a weaker acr', { acr: 'silver' }],
    ['no acr', { acr: undefined }],
    ['an older sign-in', { acr: 'gold', auth_time: 1_000 }],
    ['other methods', { acr: 'gold', amr: ['pwd'] }],
  ])('S3, S4, I10: that a strong sign-in opened is not used by a later token with %s', async (_, weaker) => {
    const strong = { sub: `eve ${JSON.stringify(weaker)}`, acr: 'gold', auth_time: now() - 10, amr: ['hwk'] };
    const [first, second] = [await ask(GOLD, strong), await ask(GOLD, strong)];
    const grants = [first, second].map(({ problem }) => problem['grant'] as { id: string; uses_left: number });
    expect(grants.map(({ uses_left: left }) => left)).toEqual([4, 3]);
    expect(grants[0]?.id).toBe(grants[1]?.id);
    const later = await ask(GOLD, { ...strong, ...weaker });
    if (later.status === 200) expect((later.problem['grant'] as { id: string }).id).not.toBe(grants[0]?.id);
    else expectProblem(later, '401 STEP_UP_REQUIRED');
    expect((await ask(GOLD, strong)).problem).toMatchObject({ grant: { id: grants[0]?.id, uses_left: 2 } });
  });
});

describe('a tenant', () => {
  it('S4: asks for its own acr values and for nobody else’s', async () => {
    const path = valuePath('yaml://kv/gold#token');
    const mint = (acr: string): string =>
      gateway.mint({
        key: gateway.keys.other,
        claims: { iss: OTHER_ISSUER, tenant: 'umbrella', sub_type: 'user', sub: 'alice', acr },
      });
    const weak = await gateway.read(path, { token: mint('gold') });
    expectProblem(weak, '401 STEP_UP_REQUIRED');
    expect((weak.headers['www-authenticate'] ?? []).join()).toContain('acr_values="loa3"');
    expect((await gateway.read(path, { token: mint('loa3') })).status).toBe(200);
  });

  it('S4: does not start with a policy that asks for what it does not accept', async () => {
    const policies = { acme: '@id("p") @step_up("loa3 gold") permit (principal, action, resource);' };
    await expect(startGateway({ policies })).rejects.toThrow("@step_up names loa3, no acr value of this tenant's");
  });
});

it('N20 none of all this stands in a log or a record', async () => await expectNothingTold(gateway));
