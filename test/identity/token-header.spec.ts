import { createHmac } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import { authenticate } from '#libs/identity/access-token.js';
import { keySetFrom } from '#libs/identity/key-set.js';
import { admitted } from '../support/admitted.js';
import {
  base64url,
  jwksOf,
  makeKey,
  mintProof,
  mintToken,
  NOW_MS,
  respell,
  withTrailingBits,
} from '../support/tokens.js';

import { aToken, authenticated, callerKey, issuerKey, presented, refusalFrom, saysOf, tokenRules } from './world.js';

const rules = tokenRules();

async function refused(token: string, under = rules) {
  return saysOf(await refusalFrom(authenticated(token, under)));
}

describe('the spelling of a token', () => {
  const token = aToken();
  const spellings: [string, (text: string) => string][] = [
    ['padding', (text) => `${text}=`],
    ['a line break', (text) => `${text}\n`],
    ['a tab inside', (text) => `${text.slice(0, 5)}\t${text.slice(5)}`],
    ['a space inside', (text) => `${text.slice(0, 5)} ${text.slice(5)}`],
    ['the alphabet of base64', (text) => `${text.slice(0, -4)}+/${text.slice(-2)}`],
    ['a foreign character', (text) => `${text}é`],
    ['a NUL', (text) => `${text}\0`],
    ['nothing', () => ''],
  ];

  it.each([0, 1, 2] as const)('T1, J13: segment %s has one spelling', async (segment) => {
    for (const [, respelled] of spellings) {
      expect(await refused(respell(token, segment, respelled))).toEqual({
        code: 'INVALID_TOKEN',
        check: 'T1 spelling',
      });
    }
  });

  it('T1: bits after the last byte must be zero', async () => {
    // a 64-byte signature leaves four bits to spare
    const respelled = respell(token, 2, withTrailingBits);
    expect(Buffer.from(respelled.split('.')[2]!, 'base64url')).toEqual(Buffer.from(token.split('.')[2]!, 'base64url'));
    expect(await refused(respelled)).toEqual({ code: 'INVALID_TOKEN', check: 'T1 spelling' });
  });

  it.each(['abc', 'a.b', `${token}.e30`, token.slice(0, token.lastIndexOf('.')), `.${token}`])(
    'T1: a token has three segments (%#)',
    async (text) => {
      expect(await refused(text)).toEqual({ code: 'INVALID_TOKEN', check: 'T1 spelling' });
    },
  );

  it('A9, J3, J12, J14: an encrypted token is refused before anything of it is read', async () => {
    const header = base64url('{"alg":"dir","enc":"A256GCM","zip":"DEF"}');
    expect(await refused(`${header}..AAAA.AAAA.AAAA`)).toEqual({ code: 'INVALID_TOKEN', check: 'A9 encrypted' });
  });
});

describe('the JSON of a token', () => {
  it.each([
    ['a duplicate name in the header', { headerText: '{"typ":"at+jwt","alg":"ES256","kid":"x","kid":"issuer-key"}' }],
    ['a duplicate name after unescaping', { payloadText: '{"iss":"a","\\u0069ss":"https://issuer.example"}' }],
    ['a payload that is no object', { payloadText: '["iss"]' }],
    ['a payload that is no JSON', { payloadText: 'iss=x' }],
    ['text after the JSON', { payloadText: '{"iss":"x"} {}' }],
    ['an infinite number', { payloadText: '{"iss":"https://issuer.example","exp":1e400}' }],
  ])('T4: refuses %s', async (_, raw) => {
    expect(await refused(aToken(raw))).toEqual({ code: 'INVALID_TOKEN', check: 'T4 json' });
  });

  it.each([
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['a byte order mark', Buffer.from('\uFEFF{"iss":"https://issuer.example"}')],
    ['UTF-16', Buffer.from('{"iss":"https://issuer.example"}', 'utf16le')],
  ])('J6: refuses %s', async (_, payloadText) => {
    expect(await refused(aToken({ payloadText }))).toEqual({ code: 'INVALID_TOKEN', check: 'T4 json' });
  });
});

describe('the header of a token', () => {
  it.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/At+Jwt'])('A1: accepts typ %s', async (typ) => {
    expect((await authenticated(aToken({ header: { typ } }), rules)).claims.sub).toBe('svc-billing');
  });

  it.each([undefined, null, '', 'at', 'jwt+at', 'at+jwt ', 'text/at+jwt', ['at+jwt'], 'dpop+jwt', 'secevent+jwt'])(
    'A1, J10: refuses typ %p',
    async (typ) => {
      expect(await refused(aToken({ header: { typ } }))).toEqual({ code: 'INVALID_TOKEN', check: 'A1 typ' });
    },
  );

  it.each(['JWT', 'jwt'])('A10: an ID token (typ %s) is never an access token', async (typ) => {
    expect(await refused(aToken({ header: { typ } }))).toEqual({ code: 'INVALID_TOKEN', check: 'A1 typ' });
  });

  it('J11: a DPoP proof is never an access token', async () => {
    const proof = mintProof({ key: callerKey, token: aToken() });
    expect(await refused(proof)).toEqual({ code: 'INVALID_TOKEN', check: 'A1 typ' });
  });

  it.each([
    'none',
    'None',
    'nOnE',
    'HS256',
    'HS512',
    'es256',
    'ES256 ',
    'ES384',
    'RS512',
    'ES256K',
    '',
    undefined,
    null,
    ['ES256'],
    1,
  ])('A2, J2: refuses alg %p', async (alg) => {
    expect(await refused(aToken({ header: { alg } }))).toEqual({ code: 'INVALID_TOKEN', check: 'A2 alg' });
  });

  it('J5: the public key is no HMAC key', async () => {
    const pem = issuerKey.publicKey.export({ format: 'pem', type: 'spki' });
    const signed = aToken({ header: { alg: 'HS256' } })
      .split('.')
      .slice(0, 2)
      .join('.');
    const forged = `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`;
    expect(await refused(forged)).toEqual({ code: 'INVALID_TOKEN', check: 'A2 alg' });
  });

  it("J1: an algorithm that is not on the issuer's list is refused, though its key is there", async () => {
    const narrow = tokenRules({ algorithms: ['RS256'] });
    expect(await refused(aToken(), narrow)).toEqual({ code: 'INVALID_TOKEN', check: 'J1 alg' });
  });

  it('J1: one key serves one algorithm: an RS256 key does not verify PS256', async () => {
    const key = makeKey('RS256', 'rsa');
    const issuers = tokenRules({ keys: keySetFrom(jwksOf(key)) });
    const token = mintToken({ key: { ...key, alg: 'PS256' } });
    expect(await refused(token, issuers)).toEqual({ code: 'INVALID_TOKEN', check: 'J7 kid' });
  });

  it.each([undefined, null, '', 1, ['issuer-key'], { kid: 'issuer-key' }, 'k'.repeat(257)])(
    'T23: refuses kid %p',
    async (kid) => {
      expect(await refused(aToken({ header: { kid } }))).toEqual({ code: 'INVALID_TOKEN', check: 'T23 kid' });
    },
  );

  it('T23: a kid of 256 characters is looked up', async () => {
    const key = makeKey('ES256', 'k'.repeat(256));
    const { claims } = await authenticated(mintToken({ key }), tokenRules({ keys: keySetFrom(jwksOf(key)) }));
    expect(claims.sub).toBe('svc-billing');
  });

  it.each(['../issuer-key', 'issuer-key\0', "' OR 1=1 --", '__proto__', 'constructor', 'ISSUER-KEY', 'other'])(
    'J9: kid is only looked up: there is no key %p',
    async (kid) => {
      expect(await refused(aToken({ header: { kid } }))).toEqual({ code: 'INVALID_TOKEN', check: 'J7 kid' });
    },
  );

  it.each([
    { crit: ['exp'] },
    { crit: [] },
    { b64: false },
    { b64: true },
    { b64: true, crit: ['b64'] },
    { crit: null },
  ])('T22: refuses %p', async (header) => {
    expect(await refused(aToken({ header }))).toEqual({ code: 'INVALID_TOKEN', check: 'T22 crit' });
  });

  it('J9: jwk, jku, x5u and x5c in the header bring no key', async () => {
    const own = makeKey('ES256', 'issuer-key');
    const header = { jwk: own.jwk, jku: 'https://evil.example/jwks', x5u: 'https://evil.example/x5u', x5c: ['AAAA'] };
    expect(await refused(mintToken({ key: own, header }))).toEqual({ code: 'INVALID_TOKEN', check: 'J3 signature' });
    expect((await authenticated(aToken({ header }), rules)).claims.sub).toBe('svc-billing');
  });

  it('says in its detail what to do, and nothing of what the gateway knows', async () => {
    const { detail } = await refusalFrom(
      authenticate(
        admitted(presented({ authorization: [`Bearer ${aToken({ header: { kid: 'no-such' } })}`] })),
        rules,
        NOW_MS,
      ),
    );
    expect(detail).not.toContain('issuer-key');
  });
});
