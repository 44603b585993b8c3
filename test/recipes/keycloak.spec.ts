import { randomUUID } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import { type Changes, jwksOf, makeKey, mintJws, type SigningKey } from '../support/tokens.js';
import { type Recipe, recipeOf, strangerOf } from './recipe.js';

const ISSUER = 'https://keycloak.example.com/realms/acme';
const realm = makeKey('RS256', 'qGxL3r0fH7sJ0bVQyP5l9Y8mX2d1wN4cT6kE_uR7iZo');
const caller = makeKey();
const TYP = { now: 'at+jwt', before: 'JWT' };

/** An access token as Keycloak 26 makes it for a client of its own: `client_credentials`, DPoP, the mappers of the recipe. */
function accessToken(typ: string, { key = realm, claims = {} }: { key?: SigningKey; claims?: Changes } = {}): string {
  const now = Math.floor(Date.now() / 1000);
  return mintJws({
    key,
    header: { alg: 'RS256', typ, kid: realm.kid },
    claims: {
      exp: now + 300,
      iat: now,
      jti: `trrtcc:${randomUUID()}`,
      iss: ISSUER,
      aud: ['crud.secrets', 'account'],
      sub: 'f2f8f0a3-6f5c-4c9e-9b0a-0a4f1d1c9d52',
      typ: 'DPoP',
      azp: 'billing',
      acr: '1',
      'allowed-origins': ['/*'],
      realm_access: { roles: ['offline_access', 'uma_authorization', 'default-roles-acme'] },
      resource_access: { account: { roles: ['manage-account', 'view-profile'] } },
      scope: 'profile secrets.read email',
      clientHost: '192.0.2.7',
      clientAddress: '192.0.2.7',
      email_verified: false,
      preferred_username: 'service-account-billing',
      client_id: 'billing',
      groups: ['payments'],
      sub_type: 'service',
      cnf: { jkt: caller.jkt },
      ...claims,
    },
  });
}

/** What a browser of a user holds. */
function idToken(claims: Changes = {}): string {
  return accessToken('JWT', {
    claims: {
      typ: 'ID',
      auth_time: Math.floor(Date.now() / 1000) - 20,
      nonce: 'n-0S6_WzA2Mj',
      at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng',
      sid: randomUUID(),
      scope: undefined,
      client_id: undefined,
      cnf: undefined,
      ...claims,
    },
  });
}

const without = { client_id: undefined };

describe.each([
  ['of RFC 9068', 0, TYP.now, {}],
  ['of an older release', 1, TYP.before, without],
])('recipe keycloak: access tokens %s', (_name, block, typ, older) => {
  const recipe = recipeOf('keycloak', realm, { block });
  const ask = async (token: string, key: SigningKey | undefined = caller) => await recipe().gateway.ask(token, key);
  const mint = (options: { key?: SigningKey; claims?: Changes } = {}) =>
    accessToken(typ, { ...options, claims: { ...older, ...options.claims } });

  it('is permitted what the policy says, as itself', async () => {
    expect((await ask(mint())).answer).toBe('permit');
    expect(await recipe().gateway.caller()).toMatchObject({ tenant: 'acme', iss: ISSUER, client_id: 'billing' });
    expect(recipe().server.requests).toEqual([`GET ${recipe().jwksPath}`]);
  });

  it('finds the signing key beside one for encryption, without an alarm', async () => {
    const enc = { ...makeKey('RS256', 'enc').jwk, kid: 'enc', alg: 'RSA-OAEP', use: 'enc' };
    recipe().server.answers({ keys: [enc, ...(jwksOf(realm)['keys'] as [])] });
    expect((await ask(mint())).answer).toBe('permit');
    expect(recipe().gateway.alarms).toEqual([]);
  });

  it.each([
    ['A10: an ID token for its client', () => idToken({ aud: 'billing' })],
    ['A10: an ID token with our audience', () => idToken()],
    ['A10: an ID token with our audience, without at_hash', () => idToken({ at_hash: undefined })],
    [
      'A10: a refresh token',
      () =>
        mintJws({
          key: realm,
          header: { alg: 'RS256', typ: 'JWT', kid: realm.kid },
          claims: { iss: ISSUER, aud: ISSUER, typ: 'Refresh', sub: 'x' },
        }),
    ],
    ['A5: a token for the account console alone', () => mint({ claims: { aud: 'account' } })],
    ['J7: a token that another realm signed under the same kid', () => mint({ key: strangerOf(realm) })],
    ['J7: a token of another realm', () => mint({ claims: { iss: `${ISSUER}2` } })],
    [
      'T3: a token that lives longer than the realm says',
      () => mint({ claims: { exp: Math.floor(Date.now() / 1000) + 301 } }),
    ],
  ])('%s is refused', async (_what, token) => {
    expect((await ask(token())).answer).toBe('401 INVALID_TOKEN');
  });

  it('I20: a token that is bound to no key is refused, and so is a bound one without its proof', async () => {
    const unbound = mint({ claims: { cnf: undefined, typ: 'Bearer' } });
    expect((await recipe().gateway.ask(unbound)).answer).toBe('401 BINDING_REQUIRED');
    expect((await recipe().gateway.ask(mint())).answer).toBe('401 INVALID_TOKEN');
    expect((await ask(mint(), makeKey())).answer).toBe('401 INVALID_TOKEN');
  });

  it('A11: a token without the scope is told so, and one without the group is denied', async () => {
    expect((await ask(mint({ claims: { scope: 'profile email' } }))).answer).toBe('403 INSUFFICIENT_SCOPE');
    expect((await ask(mint({ claims: { groups: ['plans'] } }))).answer).toBe('403 DENIED');
  });
});

describe('recipe keycloak: the two configurations', () => {
  const now = recipeOf('keycloak', realm, { block: 0 });
  const before = recipeOf('keycloak', realm, { block: 1 });
  const ask = async (recipe: Recipe, token: string) => await recipe.gateway.ask(token, caller);

  it('A1: typ JWT is refused under the first', async () => {
    expect(await ask(now(), accessToken('JWT'))).toEqual({ answer: '401 INVALID_TOKEN', check: 'A1 typ' });
  });

  it('A1: a realm that has moved on to at+jwt is still served under the second', async () => {
    expect((await ask(before(), accessToken('at+jwt'))).answer).toBe('permit');
  });

  it('A10: the second says at start by what it is weaker, and the first says nothing', () => {
    const weaker = expect.stringContaining('the claim typ (Bearer, DPoP) alone tells its access tokens');
    expect(before().gateway.warnings).toContainEqual(weaker);
    expect(now().gateway.warnings.join()).not.toContain('compat');
  });
});
