import { createPublicKey, verify } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import type { CompatProfile, TrustedIssuer } from '#libs/identity/issuers.js';

import { base64url, makeIssuer, makeKey, mintProof, NOW_MS, respell, type TokenOptions } from '../support/tokens.js';
import { aToken, authenticated, callerKey, issuerKey, refusalFrom, saysOf, tokenRules } from './world.js';

const NOW = NOW_MS / 1000;
const COMPAT: CompatProfile = { accessTokenClaim: 'scp' };

/** As the profile is for: typ JWT, and none of the claims that only RFC 9068 asks for. */
function old({ header, claims, ...more }: Partial<TokenOptions> = {}): string {
  const left = { client_id: undefined, jti: undefined, scope: undefined, scp: 'secrets.read' };
  return aToken({ header: { typ: 'JWT', ...header }, claims: { ...left, ...claims }, ...more });
}

async function read(token: string, changes: Partial<TrustedIssuer> = {}) {
  return (await authenticated(token, tokenRules({ compat: COMPAT, ...changes }))).claims;
}

async function refused(token: string, changes: Partial<TrustedIssuer> = {}) {
  return saysOf(await refusalFrom(authenticated(token, tokenRules({ compat: COMPAT, ...changes }))));
}

describe('the type of a token under the profile compat', () => {
  it.each(['JWT', 'jwt', 'application/jwt', undefined, 'at+jwt', 'application/at+jwt'])(
    'A1: typ %p is accepted, and only where the issuer has that profile',
    async (typ) => {
      expect((await read(old({ header: { typ } }))).sub).toBe('svc-billing');
      const full = aToken({ header: { typ } });
      if (typ?.includes('at+')) expect((await authenticated(full, tokenRules())).claims.sub).toBe('svc-billing');
      else {
        const refusal = await refusalFrom(authenticated(full, tokenRules()));
        expect(saysOf(refusal)).toEqual({ code: 'INVALID_TOKEN', check: 'A1 typ' });
      }
    },
  );

  it.each([null, '', 1, ['JWT'], 'JWT ', 'JOSE', 'dpop+jwt', 'logout+jwt', 'secevent+jwt', 'entity-statement+jwt'])(
    'J11, J10: typ %p names another kind of token, under every profile',
    async (typ) => {
      expect(await refused(old({ header: { typ } }))).toEqual({ code: 'INVALID_TOKEN', check: 'A1 typ' });
    },
  );

  it('J11: a DPoP proof is never an access token', async () => {
    expect((await refused(mintProof({ key: callerKey, token: old() }))).check).toBe('A1 typ');
  });
});

describe('A10: an ID token under the profile compat', () => {
  it.each([
    ['without the claim', { scp: undefined }],
    ['with nothing in it', { scp: null }],
  ])('A10: is refused %s', async (_name, claims) => {
    expect(await refused(old({ claims }))).toEqual({ code: 'INVALID_TOKEN', check: 'A10 claim' });
  });

  it('A10: is refused also with typ at+jwt and every claim of RFC 9068: the profile demands its own', async () => {
    expect((await refused(aToken())).check).toBe('A10 claim');
  });

  it.each(['at_hash', 'c_hash'])('A10: is refused with %s, which only ID tokens have', async (name) => {
    for (const value of ['x', null, '']) {
      expect(await refused(old({ claims: { [name]: value } }))).toEqual({
        code: 'INVALID_TOKEN',
        check: 'A10 id token',
      });
    }
  });

  const values = (...accessTokenValues: string[]) => ({ compat: { accessTokenClaim: 'kind', accessTokenValues } });
  it.each([1, true, {}, ['access'], [['access']]])('A10: is refused when the claim is %j and no text', async (kind) => {
    const says = await refused(old({ claims: { kind } }), values('access', 'acc*'));
    expect(says).toEqual({ code: 'INVALID_TOKEN', check: 'A10 claim' });
  });

  it('A10: is told by the value of the claim where values are configured', async () => {
    for (const kind of ['Bearer', 'other']) {
      expect((await read(old({ claims: { kind } }), values('Bearer', 'other'))).sub).toBe('svc-billing');
    }
    for (const kind of ['ID', 'bearer', 'Bearer ', '', null, undefined, 1, true, ['Bearer'], { Bearer: 1 }]) {
      const refusal = await refused(old({ claims: { kind } }), values('Bearer', 'other'));
      expect(refusal).toEqual({ code: 'INVALID_TOKEN', check: 'A10 claim' });
    }
  });

  it('A10: a final * stands for any rest, and nothing else is a pattern', async () => {
    const under = values('repo:acme/*', 'exact');
    for (const kind of ['repo:acme/payments', 'repo:acme/', 'exact']) {
      expect((await read(old({ claims: { kind } }), under)).sub).toBe('svc-billing');
    }
    for (const kind of [
      'repo:acme',
      'repo:acme-evil/payments',
      'xrepo:acme/a',
      'exactly',
      'repo:.cme/a',
      'repo:acme*',
    ]) {
      expect((await refused(old({ claims: { kind } }), under)).check).toBe('A10 claim');
    }
  });

  it('A10: a name that every object has is no claim', async () => {
    for (const accessTokenClaim of ['constructor', 'toString', 'hasOwnProperty']) {
      expect((await refused(old(), { compat: { accessTokenClaim } })).check).toBe('A10 claim');
    }
  });

  it('A10: is refused only once its signature is verified', async () => {
    const forged = old({ claims: { scp: undefined }, signature: new Uint8Array(64) });
    expect((await refused(forged)).check).toBe('J3 signature');
  });
});

describe('what stands in for a missing client_id', () => {
  it.each([
    [{ client_id: 'a', azp: 'b' }, 'a'],
    [{ azp: 'b' }, 'b'],
    [{}, 'svc-billing'],
  ])('A3: of %j it is %s', async (claims, clientId) => {
    expect((await read(old({ claims }))).clientId).toBe(clientId);
  });

  it.each([null, '', 1, ['x'], {}])('A3: a client_id or azp that is %p has no stand-in', async (wrong) => {
    expect((await refused(old({ claims: { client_id: wrong, azp: 'b' } }))).check).toBe('A3 client_id');
    expect((await refused(old({ claims: { azp: wrong } }))).check).toBe('A3 client_id');
  });

  it('A3: azp is not read where client_id is there', async () => {
    expect((await read(old({ claims: { client_id: 'a', azp: [1] } }))).clientId).toBe('a');
  });

  it('A3: neither is taken for the other under RFC 9068', async () => {
    const refusal = await refusalFrom(
      authenticated(aToken({ claims: { client_id: undefined, azp: 'b' } }), tokenRules()),
    );
    expect(saysOf(refusal)).toEqual({ code: 'INVALID_TOKEN', check: 'A3 client_id' });
  });

  it('A12: a user whose token names no client is a service to us, unless the issuer is configured with another type', async () => {
    const claims = { sub_type: undefined, sub: 'alice' };
    expect((await read(old({ claims }))).subjectType).toBe('service');
    expect((await read(old({ claims }), { everyToken: { subjectType: 'user' } })).subjectType).toBe('user');
  });
});

describe('what stands in for a missing jti', () => {
  const jtiClaim = { compat: { ...COMPAT, jtiClaim: 'uti' } };

  it('A3: the configured claim does, and nothing does for one that is there', async () => {
    expect((await read(old({ claims: { jti: 'a', uti: 'b' } }), jtiClaim)).jti).toBe('a');
    expect((await read(old({ claims: { uti: 'b' } }), jtiClaim)).jti).toBe('b');
    expect((await refused(old({ claims: { jti: null, uti: 'b' } }), jtiClaim)).check).toBe('A3 jti');
    expect((await refused(old({ claims: { uti: 7 } }), jtiClaim)).check).toBe('A3 jti');
  });

  it('A3: without either a hash of the token does, which is the same each time and another for another token', async () => {
    const [one, two] = [old(), old({ claims: { iat: NOW - 1 } })];
    const jti = (await read(one)).jti;
    expect(jti).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect((await read(old({ claims: { undefined: 'x' } }))).jti).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect((await read(one)).jti).toBe(jti);
    expect((await read(one, jtiClaim)).jti).toBe(jti);
    expect((await read(two)).jti).not.toBe(jti);
  });

  it('T1: the twin of an ES256 signature verifies as well, and gives the token no second jti', async () => {
    const token = old();
    const twin = respell(token, 2, mirrored);
    const signed = Buffer.from(token.slice(0, token.lastIndexOf('.')));
    const key = createPublicKey(issuerKey.publicKey.export({ format: 'pem', type: 'spki' }));
    const signature = Buffer.from(twin.split('.')[2]!, 'base64url');
    expect(verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
    expect(twin).not.toBe(token);
    expect((await read(twin)).jti).toBe((await read(token)).jti);
  });
});

/** (r, s) as (r, n - s), which is as good a signature (FIPS 186-5 section 6.4.2). */
function mirrored(segment: string): string {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const bytes = Buffer.from(segment, 'base64url');
  const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`);
  const twin = (order - s).toString(16).padStart(64, '0');
  return base64url(Buffer.concat([bytes.subarray(0, 32), Buffer.from(twin, 'hex')]));
}

describe('a token without iat under the profile compat', () => {
  it('T3: is as old as it can be, so that its life stays bounded', async () => {
    const claims = { iat: undefined, exp: NOW + 3600 };
    expect((await read(old({ claims }))).iat).toBe(NOW);
    expect((await read(old({ claims: { ...claims, exp: NOW + 10 } }))).iat).toBe(NOW - 3590);
    expect((await read(old({ claims: { ...claims, exp: NOW + 3605 } }))).iat).toBe(NOW + 5);
    expect(await refused(old({ claims: { ...claims, exp: NOW + 3606 } }))).toEqual({
      code: 'INVALID_TOKEN',
      check: 'T3 iat',
    });
  });

  it('A6: is refused once it has expired', async () => {
    expect((await refused(old({ claims: { iat: undefined, exp: NOW - 5 } }))).check).toBe('A6 exp');
  });

  it.each([null, '1', 1.5])('A3: iat %p has no stand-in', async (iat) => {
    expect((await refused(old({ claims: { iat } }))).check).toBe('A3 iat');
  });

  it.each(['sub', 'exp', 'aud', 'iss'])('A3: nothing stands in for %s', async (name) => {
    const check = (await refused(old({ claims: { [name]: undefined } }))).check;
    expect(check).toBe(`A3 ${name}`);
  });
});

describe('the scopes of an issuer that names them otherwise', () => {
  const scp = { claims: { scope: 'scp' } };

  it.each([
    ['secrets.read secrets.write', ['secrets.read', 'secrets.write']],
    [
      ['secrets.read', 'secrets.write'],
      ['secrets.read', 'secrets.write'],
    ],
    ['', []],
    [[], []],
    [undefined, []],
  ])('A8: %j are %j', async (said, scopes) => {
    const claims = { scp: said, scope: 'secrets.destroy' };
    expect([...(await read(old({ claims }), { ...scp, compat: { accessTokenClaim: 'sub' } })).scopes]).toEqual(scopes);
  });

  it.each([null, 1, {}, 'a  b', [1], [''], ['a b'], [['a']], ['a"'], Array(257).fill('a')].map((said) => [said]))(
    'A8: %j are none',
    async (said) => {
      const refusal = await refused(old({ claims: { scp: said } }), { ...scp, compat: { accessTokenClaim: 'sub' } });
      expect(refusal).toEqual({ code: 'INVALID_TOKEN', check: 'A8 scope' });
    },
  );

  it('A8: a list is one only under another name than scope', async () => {
    const listed = aToken({ claims: { scope: ['secrets.read'] } });
    const refusal = await refusalFrom(authenticated(listed, tokenRules({ claims: { scope: 'scope' } })));
    expect(saysOf(refusal)).toEqual({ code: 'INVALID_TOKEN', check: 'A8 scope' });
  });

  it('A8: scopes that every token of an issuer has are all that its tokens have', async () => {
    const everyToken = { scopes: ['secrets.read'] };
    for (const scope of [undefined, 'secrets.destroy', 7]) {
      expect([...(await read(old({ claims: { scope } }), { everyToken })).scopes]).toEqual(['secrets.read']);
    }
  });

  it('A3: the subject type of every token is that of a token that does not say its own', async () => {
    const everyToken = { subjectType: 'agent' as const };
    expect((await read(old({ claims: { sub_type: undefined } }), { everyToken })).subjectType).toBe('agent');
    const claims = { subjectType: 'sub_type' };
    expect((await read(old({ claims: { sub_type: 'user' } }), { everyToken, claims })).subjectType).toBe('user');
    expect((await refused(old({ claims: { sub_type: 'robot' } }), { everyToken, claims })).check).toBe(
      'A3 subject type',
    );
  });
});

describe('what the profile compat does not loosen', () => {
  it('A1, J7: the tokens of another issuer beside it, whose profile is rfc9068', async () => {
    const strict = 'https://strict.example';
    const both = tokenRules({ compat: COMPAT });
    const rules = {
      ...both,
      issuers: new Map([...both.issuers, [strict, makeIssuer([issuerKey], { issuer: strict })]]),
    };
    const loose = old({ claims: { iss: strict, client_id: 'billing', jti: 'one' } });
    expect(saysOf(await refusalFrom(authenticated(loose, rules)))).toEqual({ code: 'INVALID_TOKEN', check: 'A1 typ' });
    const bare = aToken({ claims: { iss: strict, client_id: undefined, azp: 'billing', scp: 'secrets.read' } });
    expect(saysOf(await refusalFrom(authenticated(bare, rules))).check).toBe('A3 client_id');
    expect((await authenticated(old(), rules)).claims.sub).toBe('svc-billing');
  });

  it('J7: a key of another issuer verifies nothing', async () => {
    const stranger = makeKey('ES256', issuerKey.kid);
    expect((await refused(old({ key: stranger }))).check).toBe('J3 signature');
  });

  it.each([
    ['A5 aud', { claims: { aud: 'client-app' } }],
    ['T23 kid', { header: { kid: undefined } }],
    ['T22 crit', { header: { b64: true } }],
    ['A2 alg', { header: { alg: 'none' } }],
    ['J1 alg', { header: { alg: 'RS256' } }],
    ['T3 lifetime', { claims: { exp: NOW + 3601 } }],
    ['A6 nbf', { claims: { nbf: NOW + 6 } }],
    ['D18 cnf', { claims: { cnf: { kid: 'x' } } }],
  ] as [string, Partial<TokenOptions>][])('%s: still refuses', async (check, options) => {
    expect(await refused(old(options), { algorithms: ['ES256'] })).toEqual({ code: 'INVALID_TOKEN', check });
  });
});
