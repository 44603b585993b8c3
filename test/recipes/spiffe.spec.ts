import { describe, expect, it } from '@jest/globals';

import { keySetFrom, NoUsableKey } from '#libs/identity/key-set.js';
import type { JsonObject } from '#libs/kernel/json.js';

import { type Changes, jwksOf, makeKey, mintJws, respell, type SigningKey, signBytes } from '../support/tokens.js';
import { recipeOf, strangerOf } from './recipe.js';

const ISSUER = 'https://oidc.prod.example.com';
const OURS = 'spiffe://prod.example.com/ns/payments/sa/api';
const key = makeKey('ES256', 'GnQ0jVb3xYyR6sT9uW2zA5cF8hK1mP4o');
const NOW = (): number => Math.floor(Date.now() / 1000);

/** As SPIRE's discovery provider publishes a key: without `use`. */
const PUBLISHED = { kid: key.kid, alg: 'ES256' };

interface Minted {
  readonly by?: SigningKey;
  readonly header?: Changes;
  readonly claims?: Changes;
}

/** As SPIRE makes it with `jwt_issuer` configured. */
function mint({ by = key, header = {}, claims = {} }: Minted = {}): string {
  const now = NOW();
  return mintJws({
    key: by,
    header: { alg: 'ES256', kid: key.kid, typ: 'JWT', ...header },
    claims: { aud: ['crud.secrets'], exp: now + 300, iat: now, iss: ISSUER, sub: OURS, ...claims },
  });
}

describe('recipe spiffe: JWT-SVIDs', () => {
  const recipe = recipeOf('spiffe', key, { published: PUBLISHED });
  const strict = recipeOf('spiffe', key, { published: PUBLISHED, unbound: false });
  const ask = async (options: Minted = {}) => await recipe().gateway.ask(mint(options));

  it('is permitted what the policy says, as the workload', async () => {
    expect(await ask()).toEqual({ answer: 'permit', check: undefined });
    expect(await recipe().gateway.caller()).toMatchObject({ tenant: 'acme', iss: ISSUER, sub: OURS, client_id: OURS });
    expect(recipe().server.requests).toEqual([`GET ${recipe().jwksPath}`]);
  });

  it('is permitted with as little as the standard asks for, but for iss and kid', async () => {
    expect((await ask({ header: { typ: undefined }, claims: { iat: undefined, exp: NOW() + 290 } })).answer).toBe(
      'permit',
    );
  });

  it('T1: a token that was signed twice, or given the twin of its signature, is one token: it gets one grant', async () => {
    const token = mint({ claims: { sub: OURS, exp: NOW() + 299 } });
    const again = respell(token, 2, () =>
      Buffer.from(signBytes(key, Buffer.from(token.slice(0, token.lastIndexOf('.'))))).toString('base64url'),
    );
    expect(again).not.toBe(token);
    expect((await recipe().gateway.ask(token)).answer).toBe('permit');
    const first = await recipe().gateway.lastIntent();
    expect((await recipe().gateway.ask(again)).answer).toBe('permit');
    const second = await recipe().gateway.lastIntent();
    expect(second['token_jti_hash']).toBe(first['token_jti_hash']);
    expect([second['grant_id'], second['use_no']]).toEqual([first['grant_id'], Number(first['use_no']) + 1]);
  });

  it.each([
    ['J7: a token that names no issuer', { claims: { iss: undefined } }, 'A3 iss'],
    ['J7: a token that names another', { claims: { iss: 'https://oidc.example.com' } }, 'J7 issuer'],
    ['J7: a token that another trust domain signed under the same kid', { by: strangerOf(key) }, 'J3 signature'],
    [
      'A10: a token of another trust domain by our issuer',
      { claims: { sub: 'spiffe://test.example.com/ns/payments/sa/api' } },
      'A10 claim',
    ],
    [
      'A10: a token of a trust domain whose name begins like ours',
      { claims: { sub: 'spiffe://prod.example.com.evil/a' } },
      'A10 claim',
    ],
    ['A10: a token that is no SVID', { claims: { sub: 'alice', nonce: 'x' } }, 'A10 claim'],
    ['T23: a token without kid', { header: { kid: undefined } }, 'T23 kid'],
    ['A5: a token for another audience', { claims: { aud: ['other'] } }, 'A5 aud'],
    ['A3: a token without an end', { claims: { exp: undefined } }, 'A3 exp'],
    ['T3: a token that ends too far from now', { claims: { exp: NOW() + 900, iat: undefined } }, 'T3 iat'],
    ['T3: a token that lives too long', { claims: { exp: NOW() + 900 } }, 'T3 lifetime'],
  ] as [string, Minted, string][])('%s is refused', async (_what, options, check) => {
    expect(await ask(options)).toEqual({ answer: '401 INVALID_TOKEN', check });
  });

  it('another workload is denied', async () => {
    expect((await ask({ claims: { sub: 'spiffe://prod.example.com/ns/payments/sa/other' } })).answer).toBe(
      '403 DENIED',
    );
    expect((await ask({ claims: { sub: `${OURS}/deeper` } })).answer).toBe('403 DENIED');
  });

  it('I20: is refused where plain bearer tokens are not allowed', async () => {
    expect((await strict().gateway.ask(mint())).answer).toBe('401 BINDING_REQUIRED');
  });

  it('J4: the keys of a trust bundle are not taken: they say use jwt-svid', () => {
    const [jwk] = jwksOf(key)['keys'] as [JsonObject];
    expect(() => keySetFrom({ keys: [{ ...jwk, use: 'jwt-svid' }] })).toThrow(NoUsableKey);
    expect(keySetFrom({ keys: [jwk] }).has(key.kid)).toBe(true);
  });
});
