import { randomUUID } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import { type Changes, makeKey, mintJws, type SigningKey } from '../support/tokens.js';
import { recipeOf, strangerOf } from './recipe.js';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const key = makeKey('RS256', 'Jm3Yp2v0Wc3T8sC5Q1rN7kZ9xL4dF6gH0aB2eU8iOoM');
const NOW = (): number => Math.floor(Date.now() / 1000);

/** As the API server signs it for a projected volume: no typ. @param name `namespace:name` */
function mint(name: string, { by = key, claims = {} }: { by?: SigningKey; claims?: Changes } = {}): string {
  const [namespace, account] = name.split(':');
  const now = NOW();
  return mintJws({
    key: by,
    header: { alg: 'RS256', kid: key.kid },
    claims: {
      aud: ['crud.secrets'],
      exp: now + 600,
      iat: now,
      iss: ISSUER,
      jti: randomUUID(),
      'kubernetes.io': {
        namespace,
        node: { name: 'node-1', uid: randomUUID() },
        pod: { name: `${account}-5d4f8c7b9-x2x7q`, uid: randomUUID() },
        serviceaccount: { name: account, uid: randomUUID() },
      },
      nbf: now,
      sub: `system:serviceaccount:${name}`,
      ...claims,
    },
  });
}

describe('recipe kubernetes: projected tokens', () => {
  const recipe = recipeOf('kubernetes', key);
  const strict = recipeOf('kubernetes', key, { unbound: false });
  const ask = async (token: string) => await recipe().gateway.ask(token);

  it('is permitted what the policy says, as the service account', async () => {
    expect(await ask(mint('payments:api'))).toEqual({ answer: 'permit', check: undefined });
    const sub = 'system:serviceaccount:payments:api';
    expect(await recipe().gateway.caller()).toMatchObject({ tenant: 'acme', iss: ISSUER, sub, client_id: sub });
  });

  it('J9: keys come from the API server, by the certificates of the cluster', () => {
    expect(recipe().server.requests).toEqual([`GET ${recipe().jwksPath}`]);
    expect(recipe().gateway.alarms).toEqual([]);
  });

  it('is permitted for an older cluster, whose tokens have no jti', async () => {
    expect((await ask(mint('payments:api', { claims: { jti: undefined } }))).answer).toBe('permit');
  });

  it.each([
    [
      'A5: the token for the API server that every pod has',
      () => mint('payments:api', { claims: { aud: [ISSUER, 'k3s'] } }),
    ],
    ['T3: a token that lives longer', () => mint('payments:api', { claims: { exp: NOW() + 607 } })],
    [
      'A3: the token of an older secret, which has no end',
      () => mint('payments:api', { claims: { exp: undefined, iat: undefined, nbf: undefined } }),
    ],
    ['J7: a token of another cluster under the same issuer name', () => mint('payments:api', { by: strangerOf(key) })],
    [
      'J7: a token of another issuer name',
      () => mint('payments:api', { claims: { iss: 'https://kubernetes.default.svc' } }),
    ],
    [
      'A10: a token of somebody else than a service account',
      () => mint('payments:api', { claims: { sub: 'system:node:node-1' } }),
    ],
    ['A10: an ID token', () => mint('payments:api', { claims: { sub: 'alice', at_hash: 'x', nonce: 'y' } })],
    ['A6: a token that has expired', () => mint('payments:api', { claims: { exp: NOW() - 10, iat: NOW() - 610 } })],
  ])('%s is refused', async (_what, token) => {
    expect((await ask(token())).answer).toBe('401 INVALID_TOKEN');
  });

  it.each(['plans:api', 'payments:other', 'payments2:api', 'payments:api2'])(
    'the service account %s is denied',
    async (name) => {
      expect((await ask(mint(name))).answer).toBe('403 DENIED');
    },
  );

  it('I20: is refused where plain bearer tokens are not allowed', async () => {
    expect((await strict().gateway.ask(mint('payments:api'))).answer).toBe('401 BINDING_REQUIRED');
  });

  it('A8: the start says that the scope is everybody’s, and by what claim access tokens are told', () => {
    expect(recipe().gateway.warnings).toEqual(
      expect.arrayContaining([
        `Every token of the issuer ${ISSUER} has the scopes secrets.read, whoever got it.`,
        expect.stringContaining(`The issuer ${ISSUER} has the profile compat: the claim sub (system:serviceaccount:*)`),
      ]),
    );
  });
});
