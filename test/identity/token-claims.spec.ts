import { describe, expect, it } from '@jest/globals';

import { aToken, authenticated, callerKey, refusalFrom, saysOf, tokenRules } from './world.js';
import { AUDIENCE, NOW_MS, type Changes } from '../support/tokens.js';

const rules = tokenRules();
const NOW = NOW_MS / 1000;

async function refused(claims: Changes) {
  return saysOf(await refusalFrom(authenticated(aToken({ claims }), rules)));
}

async function read(claims: Changes) {
  return (await authenticated(aToken({ claims }), rules)).claims;
}

/** Not an identifier, for one reason each. */
const NO_NAMES = [
  null,
  '',
  0,
  1,
  true,
  ['x'],
  {},
  'x'.repeat(257),
  'a\nb',
  'a\0',
  '\u001b[31m',
  'a\u2028b',
  'a\u2029b',
  'a\u200bb',
  'a\u202eb',
  '\ue000',
];

describe('the claims that a token must have', () => {
  it.each(['sub', 'client_id', 'jti'])('A3: a token without %s is refused', async (name) => {
    expect(await refused({ [name]: undefined })).toEqual({ code: 'INVALID_TOKEN', check: `A3 ${name}` });
  });

  it.each(['sub', 'client_id', 'jti', 'iat', 'exp', 'aud'])(
    'A3: a token without %s is told which claim it needs',
    async (name) => {
      const refusal = await refusalFrom(authenticated(aToken({ claims: { [name]: undefined } }), rules));
      expect(refusal.detail).toBe(`The token needs the claim ${name}.`);
    },
  );

  it.each(['sub', 'client_id', 'jti'])('T2: %s is a printable string of 1 to 256 characters', async (name) => {
    for (const value of NO_NAMES) {
      expect(await refused({ [name]: value })).toEqual({ code: 'INVALID_TOKEN', check: `A3 ${name}` });
    }
    const longest = 'é'.repeat(256);
    const claims = await read({ [name]: longest });
    expect([claims.sub, claims.clientId, claims.jti]).toContain(longest);
  });

  it.each([undefined, null, 1, ['https://issuer.example'], {}])('A3: iss %p is refused', async (iss) => {
    expect(await refused({ iss })).toEqual({ code: 'INVALID_TOKEN', check: 'A3 iss' });
  });

  it.each(['exp', 'iat'])('A3, T3: %s is there and a whole number of seconds', async (name) => {
    for (const value of [undefined, null, '1790000000', [NOW], {}, true, NOW + 0.5, -1, 1e15 + 0.5]) {
      expect(await refused({ [name]: value })).toEqual({ code: 'INVALID_TOKEN', check: `A3 ${name}` });
    }
  });

  it.each([undefined, null, 1, {}, '', [1], [['crud.secrets']], [''], Array(257).fill(AUDIENCE)])(
    'A3, J8: aud %p is refused',
    async (aud) => {
      expect(await refused({ aud })).toEqual({ code: 'INVALID_TOKEN', check: 'A3 aud' });
    },
  );

  it.each(['crud', 'crud.secrets.admin', 'CRUD.SECRETS', 'crud.secrets ', 'other crud.secrets', ['a', 'b'], []])(
    'A5: a token for %p is not for us',
    async (aud) => {
      expect(await refused({ aud })).toEqual({ code: 'INVALID_TOKEN', check: 'A5 aud' });
    },
  );

  it.each([AUDIENCE, [AUDIENCE], ['other', AUDIENCE]])('A5: a token for %p is for us', async (aud) => {
    expect((await read({ aud })).audience).toContain(AUDIENCE);
  });
});

describe('the times of a token', () => {
  it('A6: a token is good until its exp and the leeway have passed', async () => {
    expect((await read({ iat: NOW - 100, exp: NOW - 4 })).exp).toBe(NOW - 4);
    expect(await refused({ iat: NOW - 100, exp: NOW - 5 })).toEqual({ code: 'INVALID_TOKEN', check: 'A6 exp' });
  });

  it('T3: a token that was issued in the future is refused, but for the leeway', async () => {
    expect((await read({ iat: NOW + 5 })).iat).toBe(NOW + 5);
    expect(await refused({ iat: NOW + 6 })).toEqual({ code: 'INVALID_TOKEN', check: 'T3 iat' });
  });

  it('D24, T3: a token that was given a longer life than its issuer may give is refused', async () => {
    expect((await read({ iat: NOW, exp: NOW + 3600 })).exp).toBe(NOW + 3600);
    expect(await refused({ iat: NOW, exp: NOW + 3601 })).toEqual({ code: 'INVALID_TOKEN', check: 'T3 lifetime' });
    expect(await refused({ iat: 0, exp: NOW + 10 })).toEqual({ code: 'INVALID_TOKEN', check: 'T3 lifetime' });
  });

  it('T3: no token is accepted whose exp is further ahead than the longest life and the leeway', async () => {
    const exp = NOW + 3606;
    const codes = await Promise.all([NOW, NOW + 5, NOW + 6, NOW + 3600].map((iat) => refused({ iat, exp })));
    expect(codes.map(({ code }) => code)).toEqual(Array(4).fill('INVALID_TOKEN'));
  });

  it.each([0, 1])('T3: a token whose life ends %s seconds before it begins is refused', async (seconds) => {
    const claims = { iat: NOW, exp: NOW - seconds };
    expect(await refused(claims)).toEqual({ code: 'INVALID_TOKEN', check: 'T3 lifetime' });
  });

  it.each([1e16, Number.MAX_SAFE_INTEGER])('T3: exp %p is out of bounds', async (exp) => {
    expect((await refused({ exp })).code).toBe('INVALID_TOKEN');
  });

  it('A6: nbf is kept to, with the leeway', async () => {
    expect((await read({ nbf: NOW + 5 })).sub).toBe('svc-billing');
    expect(await refused({ nbf: NOW + 6 })).toEqual({ code: 'INVALID_TOKEN', check: 'A6 nbf' });
  });

  it.each([null, 'now', NOW + 0.5, [NOW], -1])('A6: nbf %p has the wrong type', async (nbf) => {
    expect(await refused({ nbf })).toEqual({ code: 'INVALID_TOKEN', check: 'A6 nbf' });
  });
});

describe('what a token says of its subject', () => {
  it('A8: scope is one string of scopes', async () => {
    const { scopes } = await read({ scope: 'secrets.read secrets.write' });
    expect([...scopes]).toEqual(['secrets.read', 'secrets.write']);
  });

  it.each([undefined, ''])('A8: a token with the scope %p has none', async (scope) => {
    expect((await read({ scope })).scopes.size).toBe(0);
  });

  it.each([null, 1, ['secrets.read'], {}, 'a  b', ' a', 'a ', 'a\tb', 'a,b\n', 'a"b', 'a\\b', 'é'])(
    'A8: scope %p is refused',
    async (scope) => {
      expect(await refused({ scope })).toEqual({ code: 'INVALID_TOKEN', check: 'A8 scope' });
    },
  );

  it('A8: groups are an array of names, or not there', async () => {
    expect((await read({ groups: ['a', 'b'] })).groups).toEqual(['a', 'b']);
    expect((await read({ groups: undefined })).groups).toEqual([]);
    expect((await read({ groups: Array(256).fill('a') })).groups).toHaveLength(256);
    for (const groups of [null, 'a', {}, [1], [''], ['a\n'], [['a']], Array(257).fill('a')]) {
      expect(await refused({ groups })).toEqual({ code: 'INVALID_TOKEN', check: 'A8 groups' });
    }
  });

  it('A7: acr, amr and auth_time are typed when they are there', async () => {
    const claims = await read({ acr: 'urn:mfa', amr: ['otp'], auth_time: NOW - 10 });
    expect(claims).toMatchObject({ acr: 'urn:mfa', amr: ['otp'], authTime: NOW - 10 });
    const none = await read({});
    expect([none.acr, none.amr, none.authTime]).toEqual([undefined, undefined, undefined]);
  });

  it.each([
    ['acr', null],
    ['acr', 1],
    ['acr', ['urn:mfa']],
    ['amr', 'otp'],
    ['amr', [1]],
    ['auth_time', 'now'],
    ['auth_time', -1],
    ['auth_time', null],
  ])('A7: %s %p is refused', async (name, value) => {
    expect(await refused({ [name]: value })).toEqual({ code: 'INVALID_TOKEN', check: `A7 ${name}` });
  });

  it('A3: the tenant comes from the claim that the issuer is configured with', async () => {
    expect((await read({ tenant: 'acme' })).tenant).toBe('acme');
    expect((await read({ tenant: undefined })).tenant).toBeUndefined();
    for (const tenant of NO_NAMES) {
      expect(await refused({ tenant })).toEqual({ code: 'INVALID_TOKEN', check: 'A3 tenant' });
    }
    const silent = tokenRules({ claims: {} });
    const { claims } = await authenticated(aToken({ claims: { sub_type: 'agent' } }), silent);
    expect([claims.tenant, claims.groups, claims.subjectType]).toEqual([undefined, [], 'user']);
  });

  it.each(['service', 'user', 'agent'])('A8: reads the subject type %s', async (sub_type) => {
    expect((await read({ sub_type })).subjectType).toBe(sub_type);
  });

  it.each(['admin', 'SERVICE', null, ['user'], ''])('A8: the subject type %p is refused', async (sub_type) => {
    expect(await refused({ sub_type })).toEqual({ code: 'INVALID_TOKEN', check: 'A3 subject type' });
  });

  it('A12: a client that is called like a user does not become one', async () => {
    const type = async (sub: string, client_id: string) =>
      (await read({ sub_type: undefined, sub, client_id })).subjectType;
    expect(await type('alice', 'alice')).toBe('service');
    expect(await type('alice', 'portal')).toBe('user');
  });

  it('A12: a subject is a name of its issuer', async () => {
    expect(await read({ sub: 'alice' })).toMatchObject({ iss: 'https://issuer.example', sub: 'alice' });
  });

  it('A3: names the actor, and no token whose actor has no name', async () => {
    expect((await read({ act: { sub: 'agent-7', act: { sub: 'before' } } })).actor).toBe('agent-7');
    expect((await read({})).actor).toBeUndefined();
    for (const act of [null, 'agent-7', [], {}, { sub: 1 }, { sub: '' }, { sub: 'a\n' }]) {
      expect(await refused({ act })).toEqual({ code: 'INVALID_TOKEN', check: 'A3 act' });
    }
  });

  it('A3: tells that an actor needs a name', async () => {
    const refusal = await refusalFrom(authenticated(aToken({ claims: { act: {} } }), rules));
    expect(refusal.detail).toBe('The token needs the claim act.sub.');
  });

  it('has no member for what a token does not say', async () => {
    const bare = tokenRules({ claims: {} });
    const claims = await authenticated(aToken({ claims: { undefined: 'x', cnf: { jkt: callerKey.jkt } } }), bare);
    expect(Object.keys(claims.claims).sort()).toEqual([
      'audience',
      'clientId',
      'confirmation',
      'exp',
      'groups',
      'iat',
      'iss',
      'jti',
      'scopes',
      'sub',
      'subjectType',
    ]);
    expect(Object.keys(claims.claims.confirmation)).toEqual(['jkt']);
    const shown = await read({ cnf: { 'x5t#S256': callerKey.jkt } });
    expect(Object.keys(shown.confirmation)).toEqual(['x5t']);
  });

  it('ignores claims that it does not read', async () => {
    expect((await read({ constructor: 1, toString: null, azp: ['x'], nonce: 5 })).sub).toBe('svc-billing');
  });
});

describe('what a token is bound to', () => {
  const { jkt } = callerKey;

  it('D18: a token without cnf is bound to nothing', async () => {
    expect((await read({})).confirmation).toEqual({});
  });

  it('D18: a token with cnf.jkt is bound to that key, whatever else cnf says', async () => {
    expect((await read({ cnf: { jkt, kid: 'x' } })).confirmation).toEqual({ jkt });
  });

  it('M2: a token with x5t#S256 is bound to a certificate', async () => {
    expect((await read({ cnf: { 'x5t#S256': jkt } })).confirmation).toEqual({ x5t: jkt });
    expect((await read({ cnf: { jkt, 'x5t#S256': jkt } })).confirmation).toEqual({ jkt, x5t: jkt });
  });

  it.each([null, 'jkt', [], {}, { jwk: {} }, { kid: 'x' }, { JKT: jkt }, { 'x5t#s256': jkt }])(
    'D18: cnf %p is bound in a way that is not known, which is not unbound',
    async (cnf) => {
      expect(await refused({ cnf })).toEqual({ code: 'INVALID_TOKEN', check: 'D18 cnf' });
    },
  );

  it.each([null, '', 1, [jkt], jkt.slice(1), `${jkt}=`, `${jkt}A`, `${jkt.slice(0, 42)}B`, `${jkt.slice(0, 42)}+`])(
    'D18: jkt %p is no thumbprint',
    async (value) => {
      expect(await refused({ cnf: { jkt: value } })).toEqual({ code: 'INVALID_TOKEN', check: 'D18 jkt' });
      const certificate = await refused({ cnf: { 'x5t#S256': value } });
      expect(certificate).toEqual({ code: 'INVALID_TOKEN', check: 'M2 x5t#S256' });
    },
  );
});
