import { createHash } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';
import * as dpop from 'dpop';
import * as jose from 'jose';

import { authenticate } from '#libs/identity/access-token.js';
import { bind } from '#libs/identity/bind.js';
import { algorithmNamed } from '#libs/identity/algorithms.js';
import { keySetFrom } from '#libs/identity/key-set.js';
import { thumbprint } from '#libs/identity/public-jwk.js';
import type { Json, JsonObject } from '#libs/kernel/json.js';
import { admitted } from '../support/admitted.js';
import { AUDIENCE, ISSUER, makeKey, mintProof, mintToken, NOW_MS, ORIGIN } from '../support/tokens.js';

import { bindingRules, EPOCH, PATH, presented, tokenRules } from './world.js';

/** Real clients have real clocks. */
const now = Date.now();

/** An issuer that signs with `jose`, as many do. */
async function joseIssuer(alg: string) {
  const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await jose.exportJWK(publicKey)), kid: 'jose', alg, use: 'sig' };
  const keys = keySetFrom({ keys: [JSON.parse(JSON.stringify(jwk)) as Json] });
  const rules = tokenRules({ keys });
  const token = async (jkt: string) =>
    await new jose.SignJWT({ client_id: 'billing', scope: 'secrets.read', cnf: { jkt } })
      .setProtectedHeader({ typ: 'at+jwt', alg, kid: 'jose' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject('svc-billing')
      .setJti('jose-1')
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
  return { rules, token };
}

describe('what other libraries make is accepted', () => {
  it.each(['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'])('A2: a token that jose signs with %s', async (alg) => {
    const { rules, token } = await joseIssuer(alg);
    const caller = await authenticate(
      admitted(presented({ authorization: [`DPoP ${await token(makeKey().jkt)}`] })),
      rules,
      Date.now(),
    );
    expect(caller.claims).toMatchObject({ sub: 'svc-billing', clientId: 'billing', jti: 'jose-1' });
  });

  it.each(['ES256', 'Ed25519'] as const)('D1 to D17: a proof that the dpop package makes with %s', async (alg) => {
    const { rules, token: issue } = await joseIssuer('ES256');
    const pair = await dpop.generateKeyPair(alg);
    const jkt = await dpop.calculateThumbprint(pair.publicKey);
    const token = await issue(jkt);
    const proof = await dpop.generateProof(pair, `${ORIGIN}${PATH}`, 'GET', 'an-unasked-nonce', token);
    const request = presented({ authorization: [`DPoP ${token}`], dpop: [proof] });
    const bound = bind(await authenticate(admitted(request), rules, now), request, bindingRules(), EPOCH, now);
    expect(bound.binding).toEqual({ kind: 'dpop', jkt });
  });

  it.each(['ES256', 'EdDSA', 'Ed25519'])('D1 to D17: a proof that jose makes with %s', async (alg) => {
    const { rules, token: issue } = await joseIssuer('ES256');
    const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
    const jwk = await jose.exportJWK(publicKey);
    const jkt = await jose.calculateJwkThumbprint(jwk);
    const token = await issue(jkt);
    const ath = createHash('sha256').update(token).digest('base64url');
    const proof = await new jose.SignJWT({ htm: 'GET', htu: `${ORIGIN}${PATH}`, ath, jti: 'jose-proof' })
      .setProtectedHeader({ typ: 'dpop+jwt', alg, jwk })
      .setIssuedAt()
      .sign(privateKey);
    const request = presented({ authorization: [`DPoP ${token}`], dpop: [proof] });
    const bound = bind(await authenticate(admitted(request), rules, now), request, bindingRules(), EPOCH, now);
    expect(bound.proof).toMatchObject({ jkt, jti: 'jose-proof' });
  });

  it.each(['ES256', 'Ed25519', 'RS256'] as const)(
    'D18: the thumbprint of a key for %s is the one of jose',
    async (alg) => {
      const { jwk } = makeKey(alg);
      expect(thumbprint(jwk, algorithmNamed(alg)!)).toBe(await jose.calculateJwkThumbprint(jwk));
    },
  );
});

describe('what the builders of these tests make is accepted by other libraries', () => {
  it.each(['ES256', 'Ed25519', 'PS256', 'RS256'] as const)('a token with %s', async (alg) => {
    const key = makeKey(alg);
    const options = { issuer: ISSUER, audience: AUDIENCE, typ: 'at+jwt', currentDate: new Date(NOW_MS) };
    const { payload } = await jose.jwtVerify(mintToken({ key }), key.publicKey, options);
    expect(payload.sub).toBe('svc-billing');
  });

  it.each(['ES256', 'Ed25519'] as const)('a proof with %s', async (alg) => {
    const proof = mintProof({ key: makeKey(alg), token: 'x' });
    const { protectedHeader } = await jose.compactVerify(proof, jose.EmbeddedJWK);
    expect((protectedHeader as JsonObject)['typ']).toBe('dpop+jwt');
  });
});
