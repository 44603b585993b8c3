import { randomBytes } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import { type Changes, makeKey, mintJws, type SigningKey } from '../support/tokens.js';
import { recipeOf, strangerOf } from './recipe.js';

const ISSUER = 'https://acme.eu.auth0.com/';
const CLIENT = 'bIlLiNgClIeNt';
const key = makeKey('RS256', 'NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qg');
const caller = makeKey();

interface Minted {
  readonly by?: SigningKey;
  readonly claims?: Changes;
}

function mint(typ: string, own: Changes, { by = key, claims = {} }: Minted = {}): string {
  const now = Math.floor(Date.now() / 1000);
  return mintJws({
    key: by,
    header: { alg: 'RS256', typ, kid: key.kid },
    claims: {
      iss: ISSUER,
      sub: `${CLIENT}@clients`,
      aud: 'crud.secrets',
      iat: now,
      exp: now + 3600,
      scope: 'secrets.read',
      permissions: ['secrets.read'],
      cnf: { jkt: caller.jkt },
      ...own,
      ...claims,
    },
  });
}

const rfc9068 = (options?: Minted) =>
  mint('at+jwt', { client_id: CLIENT, jti: randomBytes(16).toString('base64url') }, options);
const older = (options?: Minted) => mint('JWT', { azp: CLIENT, gty: 'client-credentials' }, options);
const idToken = (claims: Changes = {}) =>
  mint('JWT', {
    nickname: 'alice',
    email: 'alice@example.com',
    email_verified: true,
    sub: 'auth0|64f0c0ffee',
    aud: CLIENT,
    nonce: 'a1b2c3',
    sid: 'x9y8z7',
    scope: undefined,
    permissions: undefined,
    cnf: undefined,
    ...claims,
  });

describe.each([
  ['of the RFC 9068 profile', 0, rfc9068],
  ['of the older Auth0 profile', 1, older],
] as const)('recipe auth0: access tokens %s', (_name, block, minted) => {
  const recipe = recipeOf('auth0', key, { block });
  const ask = async (token: string) => await recipe().gateway.ask(token, caller);

  it('is permitted what the policy says, as the client', async () => {
    expect((await ask(minted())).answer).toBe('permit');
    const caller = { tenant: 'acme', iss: ISSUER, sub: `${CLIENT}@clients`, client_id: CLIENT };
    expect(await recipe().gateway.caller()).toMatchObject(caller);
    expect(recipe().server.requests).toEqual([`GET ${recipe().jwksPath}`]);
  });

  it('is permitted with the audience in a list', async () => {
    expect((await ask(minted({ claims: { aud: ['crud.secrets', `${ISSUER}userinfo`] } }))).answer).toBe('permit');
  });

  it.each([
    ['A10: an ID token', () => idToken()],
    ['A10: an ID token with our audience', () => idToken({ aud: ['crud.secrets', CLIENT] })],
    ['A10: an ID token with our audience and scopes', () => idToken({ aud: 'crud.secrets', scope: 'secrets.read' })],
    ['A5: a token for the Management API', () => minted({ claims: { aud: `${ISSUER}api/v2/` } })],
    ['A5: a token for /userinfo alone', () => minted({ claims: { aud: [`${ISSUER}userinfo`] } })],
    ['J7: a token of another Auth0 tenant', () => minted({ claims: { iss: 'https://other.eu.auth0.com/' } })],
    ['J7: a token whose issuer lacks the slash', () => minted({ claims: { iss: ISSUER.slice(0, -1) } })],
    ['J7: a token that another key signed under the same kid', () => minted({ by: strangerOf(key) })],
    ['T3: a token that lives a day', () => minted({ claims: { exp: Math.floor(Date.now() / 1000) + 86_400 } })],
  ])('%s is refused', async (_what, token) => {
    expect((await ask(token())).answer).toBe('401 INVALID_TOKEN');
  });

  it('I20: a token that is bound to no key is refused', async () => {
    const outcome = await recipe().gateway.ask(minted({ claims: { cnf: undefined } }));
    expect(outcome.answer).toBe('401 BINDING_REQUIRED');
  });

  it('A11: what a caller asked for is no permission', async () => {
    expect((await ask(minted({ claims: { permissions: [] } }))).answer).toBe('403 INSUFFICIENT_SCOPE');
  });

  it('another client is denied', async () => {
    expect((await ask(minted({ claims: { sub: 'other@clients' } }))).answer).toBe('403 DENIED');
  });
});

describe('recipe auth0: the two configurations', () => {
  const first = recipeOf('auth0', key, { block: 0 });

  it('A1: the older profile is refused under the first', async () => {
    expect(await first().gateway.ask(older(), caller)).toEqual({ answer: '401 INVALID_TOKEN', check: 'A1 typ' });
  });
});
