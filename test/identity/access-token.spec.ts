import { describe, expect, it } from '@jest/globals';

import { authenticate, Caller, type TokenRules } from '#libs/identity/access-token.js';
import { keySetFrom } from '#libs/identity/key-set.js';
import type { KeySource } from '#libs/identity/issuers.js';
import { RememberedTokens } from '#libs/identity/remembered-tokens.js';
import { sha256 } from '#libs/kernel/digest.js';
import { admitted } from '../support/admitted.js';
import { ISSUER, jwksOf, makeIssuer, makeKey, mintToken, NOW_MS, type KeyAlgorithm } from '../support/tokens.js';

import { aToken, authenticated, issuerKey, presented, refusalFrom, saysOf, tokenRules } from './world.js';

async function refused(token: string, rules: TokenRules, nowMs = NOW_MS) {
  return saysOf(await refusalFrom(authenticated(token, rules, nowMs)));
}

/** Counts how often an issuer's keys are asked for: a token that is verified asks once. */
function counted(keys: KeySource): KeySource & { asked: number } {
  const source = {
    asked: 0,
    generation: 0,
    key: async (kid: string, algorithm: string) => {
      source.asked += 1;
      return await keys.key(kid, algorithm);
    },
  };
  return source;
}

describe('authenticate', () => {
  it.each(['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'] as const)(
    'A2: verifies a token signed with %s',
    async (alg) => {
      const key = makeKey(alg);
      const caller = await authenticated(mintToken({ key }), tokenRules({ keys: keySetFrom(jwksOf(key)) }));
      expect(caller.claims).toMatchObject({ iss: ISSUER, sub: 'svc-billing', clientId: 'billing', tenant: 'acme' });
    },
  );

  it.each([
    ['Ed25519', 'EdDSA'],
    ['EdDSA', 'Ed25519'],
  ] as const)('A2: %s is another name of %s', async (published, alg) => {
    const key = makeKey(published);
    const rules = tokenRules({ keys: keySetFrom(jwksOf(key)), algorithms: [published] });
    expect((await authenticated(mintToken({ key: { ...key, alg } }), rules)).claims.sub).toBe('svc-billing');
  });

  it('makes a proof that nothing else passes for', async () => {
    const caller = await authenticated(aToken());
    expect(Caller.is(caller)).toBe(true);
    expect(Caller.is(Object.assign(Object.create(Caller.prototype) as object, caller))).toBe(false);
    expect(Caller.is(null)).toBe(false);
  });

  it('D17: keeps the hash of the token as it was presented', async () => {
    const token = aToken();
    expect((await authenticated(token)).tokenHash).toBe(sha256(token));
  });

  it('A11: a refusal of the token has the code INVALID_TOKEN and tells no claim of it', async () => {
    const refusal = await refusalFrom(authenticated(aToken({ claims: { sub: 'mallory', aud: 'other' } })));
    expect(refusal.code).toBe('INVALID_TOKEN');
    expect(refusal.detail).not.toContain('mallory');
  });
});

describe('whose keys verify a token', () => {
  const other = makeKey('ES256', 'issuer-key');
  const OTHER = 'https://other.example';
  const rules: TokenRules = {
    ...tokenRules(),
    issuers: new Map([
      [ISSUER, makeIssuer([issuerKey])],
      [OTHER, makeIssuer([other], { issuer: OTHER })],
    ]),
  };

  it("J7: one issuer's key never verifies another's token, not even under the same kid", async () => {
    const forged = mintToken({ key: other, claims: { iss: ISSUER } });
    expect(await refused(forged, rules)).toEqual({ code: 'INVALID_TOKEN', check: 'J3 signature' });
    expect((await authenticated(mintToken({ key: other, claims: { iss: OTHER } }), rules)).claims.iss).toBe(OTHER);
  });

  it.each([`${ISSUER}/`, ISSUER.toUpperCase(), 'https://evil.example', '__proto__', 'constructor', ''])(
    'A4, J7: the issuer %p is not trusted: names are compared octet for octet',
    async (iss) => {
      expect(await refused(aToken({ claims: { iss } }), rules)).toEqual({ code: 'INVALID_TOKEN', check: 'J7 issuer' });
    },
  );

  it('J3: a token with the signature of another is refused', async () => {
    const [header, payload] = aToken().split('.');
    const [, , signature] = aToken().split('.');
    const token = `${header}.${payload}.${signature}`;
    expect(await refused(token, rules)).toEqual({ code: 'INVALID_TOKEN', check: 'J3 signature' });
  });

  it.each([0, 1, 63, 65, 128])('J3: a signature of %s bytes is refused', async (length) => {
    const token = aToken({ signature: new Uint8Array(length) });
    expect((await refused(token, rules)).code).toBe('INVALID_TOKEN');
  });

  it.each(['ES256', 'PS256', 'RS256', 'EdDSA'] as KeyAlgorithm[])(
    'J3, J4: whatever key a source hands over for %s, a key that does not fit verifies nothing',
    async (alg) => {
      const key = makeKey(alg);
      const wrong = makeKey(alg === 'EdDSA' ? 'ES256' : 'EdDSA').publicKey;
      const source = tokenRules({ keys: { generation: 0, key: async () => wrong } });
      expect(await refused(mintToken({ key }), source)).toEqual({ code: 'INVALID_TOKEN', check: 'J3 signature' });
    },
  );

  it('T18: keys that cannot be had are trouble of ours, not a bad token', async () => {
    const rejects: KeySource = {
      generation: 0,
      key: async () => await Promise.reject(new Error('connect ECONNREFUSED')),
    };
    const throws: KeySource = {
      generation: 0,
      key: () => {
        throw new Error('not ready');
      },
    };
    for (const keys of [rejects, throws]) {
      const refusal = await refusalFrom(authenticated(aToken(), tokenRules({ keys })));
      expect(saysOf(refusal)).toEqual({ code: 'UNAVAILABLE', check: 'T18 jwks' });
      expect(refusal.hints.retryAfterSeconds).toBe(1);
    }
  });

  it('asks for no key before the header and the issuer are in order', async () => {
    const keys = counted(keySetFrom(jwksOf(issuerKey)));
    const counting = tokenRules({ keys, algorithms: ['ES256'] });
    for (const faulty of [
      { header: { typ: 'JWT' } },
      { claims: { iss: 'https://evil.example' } },
      { header: { alg: 'RS256' } },
    ]) {
      await refusalFrom(authenticated(aToken(faulty), counting));
    }
    expect(keys.asked).toBe(0);
  });
});

describe('a token that was verified a moment ago', () => {
  const SECOND = 1000;

  function counting(): { rules: TokenRules; keys: { asked: number } } {
    const keys = counted(keySetFrom(jwksOf(issuerKey)));
    return { rules: tokenRules({ keys }), keys };
  }

  it('is not verified again within 60 s, and is then', async () => {
    const { rules, keys } = counting();
    const token = aToken();
    for (const after of [0, 1, 59.999]) await authenticated(token, rules, NOW_MS + after * SECOND);
    expect(keys.asked).toBe(1);
    await authenticated(token, rules, NOW_MS + 60 * SECOND);
    expect(keys.asked).toBe(2);
  });

  it('is forgotten at its exp, and refused once the leeway has passed', async () => {
    const { rules, keys } = counting();
    const token = aToken({ claims: { exp: NOW_MS / SECOND + 30 } });
    await authenticated(token, rules, NOW_MS);
    await authenticated(token, rules, NOW_MS + 29.999 * SECOND);
    expect(keys.asked).toBe(1);
    await authenticated(token, rules, NOW_MS + 30 * SECOND);
    expect(keys.asked).toBe(2);
    expect(await refused(token, rules, NOW_MS + 35 * SECOND)).toEqual({ code: 'INVALID_TOKEN', check: 'A6 exp' });
  });

  it('is verified again when the clock runs backwards', async () => {
    const { rules } = counting();
    const token = aToken();
    await authenticated(token, rules, NOW_MS);
    expect(await refused(token, rules, NOW_MS - 6 * SECOND)).toEqual({ code: 'INVALID_TOKEN', check: 'T3 iat' });
  });

  it('is believed for 60 s at most after its key was taken away', async () => {
    let keys: KeySource = keySetFrom(jwksOf(issuerKey));
    const rules = tokenRules({ keys: { generation: 0, key: async (kid, alg) => await keys.key(kid, alg) } });
    const token = aToken();
    await authenticated(token, rules, NOW_MS);
    keys = keySetFrom(jwksOf(makeKey('ES256', 'new')));
    expect(await refused(token, rules, NOW_MS + 60 * SECOND)).toEqual({ code: 'INVALID_TOKEN', check: 'J7 kid' });
  });

  it('N32: is verified anew at once when the keys of its issuer may have changed', async () => {
    const source = { generation: 0, asked: 0, key: async () => ((source.asked += 1), issuerKey.publicKey) };
    const rules = tokenRules({ keys: source });
    const token = aToken();
    for (const generation of [0, 0, 1, 1, 0]) {
      source.generation = generation;
      await authenticated(token, rules);
    }
    expect(source.asked).toBe(3);
  });

  it('N32: is not remembered by keys that changed while it was verified', async () => {
    const source = {
      generation: 0,
      asked: 0,
      key: async () => ((source.asked += 1), (source.generation = 1), issuerKey.publicKey),
    };
    const rules = tokenRules({ keys: source });
    const token = aToken();
    for (let times = 0; times < 3; times += 1) await authenticated(token, rules);
    expect(source.asked).toBe(2);
  });

  it('is remembered with what it said, under the scheme of this request', async () => {
    const { rules } = counting();
    const token = aToken();
    const first = await authenticated(token, rules);
    const second = await authenticate(admitted(presented({ authorization: [`DPoP ${token}`] })), rules, NOW_MS);
    expect(second.claims).toEqual(first.claims);
    expect([first.scheme, second.scheme]).toEqual(['Bearer', 'DPoP']);
  });

  it('is remembered only if it was accepted', async () => {
    const { rules, keys } = counting();
    const token = aToken({ claims: { aud: 'other' } });
    for (let i = 0; i < 2; i += 1) expect((await refused(token, rules)).check).toBe('A5 aud');
    expect(keys.asked).toBe(2);
  });

  it('I17: is another token in another spelling, which is refused', async () => {
    const { rules } = counting();
    const token = aToken();
    await authenticated(token, rules);
    expect(await refused(`${token}=`, rules)).toEqual({ code: 'INVALID_TOKEN', check: 'T1 spelling' });
  });

  it('is the first to go when there are too many', async () => {
    const keys = counted(keySetFrom(jwksOf(issuerKey)));
    const rules = { ...tokenRules({ keys }), remembered: new RememberedTokens(2) };
    const [first, second, third] = [aToken(), aToken(), aToken()];
    for (const token of [first, second, third, third, second, first]) await authenticated(token, rules);
    expect(keys.asked).toBe(4);
  });
});
