import { randomBytes } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import { type Changes, makeKey, mintJws, type SigningKey } from '../support/tokens.js';
import { jtiHash, recipeOf, strangerOf } from './recipe.js';

const TENANT = '11111111-2222-4333-8444-555555555555';
const ISSUER = `https://login.microsoftonline.com/${TENANT}/v2.0`;
const API = '99999999-8888-4777-8666-555555555555';
const CLIENT = 'dddddddd-1111-4222-8333-444444444444';
const key = makeKey('RS256', '-KI3Q9nNR7bRofxmeZoXqbHZGew');

/** As Entra ID publishes a key: without `alg`, so that it serves RS256 alone. */
const PUBLISHED = {
  kid: key.kid,
  use: 'sig',
  x5t: key.kid,
  x5c: ['MIIC/TCCAeWgAwIBAgIIUd7j/OIahkYwDQYJKoZIhvcNAQELBQAw'],
  cloud_instance_name: 'microsoftonline.com',
  issuer: ISSUER,
};

interface Minted {
  readonly by?: SigningKey;
  readonly claims?: Changes;
}

/** Version 2.0, as the v2 endpoint issues it for an API of one's own. */
function mint(own: Changes, { by = key, claims = {} }: Minted = {}): string {
  const now = Math.floor(Date.now() / 1000);
  return mintJws({
    key: by,
    header: { typ: 'JWT', alg: 'RS256', kid: key.kid },
    claims: {
      aud: API,
      iss: ISSUER,
      iat: now - 300,
      nbf: now - 300,
      exp: now + 4_000,
      aio: `E2ZgYPj/${randomBytes(24).toString('base64')}`,
      oid: 'cccccccc-dddd-4eee-8fff-000000000000',
      rh: '0.AXoAabcd.',
      tid: TENANT,
      uti: randomBytes(16).toString('base64url'),
      ver: '2.0',
      ...own,
      ...claims,
    },
  });
}

const PERSON = {
  name: 'Alice Example',
  preferred_username: 'alice@example.com',
  sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
  groups: ['aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'],
};
const ofUser = (options?: Minted) =>
  mint({ ...PERSON, azp: CLIENT, azpacr: '1', scp: 'secrets.read User.Read' }, options);
const ofService = (options?: Minted) =>
  mint(
    { azp: CLIENT, azpacr: '2', idtyp: 'app', roles: ['secrets.read'], sub: 'cccccccc-dddd-4eee-8fff-000000000000' },
    options,
  );
const idToken = (claims: Changes = {}) => mint({ ...PERSON, aud: CLIENT, nonce: '678910', ...claims });

describe.each([
  ['users', 0, ofUser, PERSON.sub, 'scp'],
  ['services', 1, ofService, 'cccccccc-dddd-4eee-8fff-000000000000', 'roles'],
] as const)('recipe entra-id: tokens of %s', (_who, block, minted, sub, scopes) => {
  const recipe = recipeOf('entra-id', key, { published: PUBLISHED, block });
  const strict = recipeOf('entra-id', key, { published: PUBLISHED, block, unbound: false });
  const ask = async (token: string) => await recipe().gateway.ask(token);

  it('is permitted what the policy says, under azp and uti', async () => {
    expect((await ask(minted({ claims: { uti: 'the-uti' } }))).answer).toBe('permit');
    expect(await recipe().gateway.caller()).toEqual({
      tenant: 'acme',
      iss: ISSUER,
      sub,
      client_id: CLIENT,
      token_jti_hash: jtiHash(ISSUER, 'the-uti'),
    });
    expect(recipe().server.requests).toEqual([`GET ${recipe().jwksPath}`]);
  });

  it.each([
    ['A10: an ID token of a client', () => idToken()],
    ['A10: an ID token whose audience is the API', () => idToken({ aud: API })],
    [
      'A10: an ID token whose audience is the API, with scopes',
      () => idToken({ aud: API, scp: 'secrets.read', roles: ['secrets.read'] }),
    ],
    ['A5: a token for Microsoft Graph', () => minted({ claims: { aud: '00000003-0000-0000-c000-000000000000' } })],
    ['A5: a token for the URI of the API, which version 1.0 has', () => minted({ claims: { aud: `api://${API}` } })],
    ['J7: a token of another tenant', () => minted({ claims: { iss: ISSUER.replace('1111', '2222') } })],
    ['J7: a token of version 1.0', () => minted({ claims: { iss: `https://sts.windows.net/${TENANT}/`, ver: '1.0' } })],
    ['J7: a token that another key signed under the same kid', () => minted({ by: strangerOf(key) })],
    ['A6: a token that has expired', () => minted({ claims: { exp: Math.floor(Date.now() / 1000) - 10 } })],
    ['T3: a token that lives a day', () => minted({ claims: { exp: Math.floor(Date.now() / 1000) + 86_400 } })],
  ])('%s is refused', async (_what, token) => {
    expect((await ask(token())).answer).toBe('401 INVALID_TOKEN');
  });

  it('A11: a token without the scope is told so', async () => {
    expect((await ask(minted({ claims: { [scopes]: undefined } }))).answer).toBe('403 INSUFFICIENT_SCOPE');
    expect((await ask(minted({ claims: { [scopes]: 'secrets.reader' } }))).answer).toBe('403 INSUFFICIENT_SCOPE');
    const borrowed = scopes === 'scp' ? { roles: ['secrets.read'] } : { scp: 'secrets.read' };
    const scope = 'secrets.read';
    expect((await ask(minted({ claims: { [scopes]: undefined, ...borrowed, scope } }))).answer).toBe(
      '403 INSUFFICIENT_SCOPE',
    );
  });

  it('I20: is refused where plain bearer tokens are not allowed', async () => {
    expect((await strict().gateway.ask(minted())).answer).toBe('401 BINDING_REQUIRED');
  });

  it('gets one grant for one token, and no second one by being sent again', async () => {
    const token = minted();
    for (let uses = 0; uses < 10; uses += 1) expect((await ask(token)).answer).toBe('permit');
    expect((await ask(token)).answer).toBe('401 TOKEN_REPLAYED');
    expect((await ask(minted())).answer).toBe('permit');
  });

  it('A10: the start says by what it is weaker', () => {
    expect(recipe().gateway.warnings).toContainEqual(
      expect.stringContaining(`The issuer ${ISSUER} has the profile compat`),
    );
  });
});

describe('recipe entra-id: who is who', () => {
  const users = recipeOf('entra-id', key, { published: PUBLISHED, block: 0 });
  const services = recipeOf('entra-id', key, { published: PUBLISHED, block: 1 });

  it("A10: a user's token is refused where services are configured", async () => {
    const outcome = await services().gateway.ask(ofUser({ claims: { roles: ['secrets.read'] } }));
    expect(outcome).toEqual({ answer: '401 INVALID_TOKEN', check: 'A10 claim' });
    expect((await services().gateway.ask(ofUser({ claims: { idtyp: 'user' } }))).check).toBe('A10 claim');
  });

  it("a public client's token is refused where confidential ones are configured", async () => {
    const outcome = await users().gateway.ask(ofUser({ claims: { azpacr: '0' } }));
    expect(outcome).toEqual({ answer: '401 INVALID_TOKEN', check: 'A10 claim' });
  });

  it('a user of another group, or of too many, is denied', async () => {
    const group = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeef';
    expect((await users().gateway.ask(ofUser({ claims: { groups: [group] } }))).answer).toBe('403 DENIED');
    const overage = {
      groups: undefined,
      _claim_names: { groups: 'src1' },
      _claim_sources: { src1: { endpoint: 'https://graph.example' } },
    };
    expect((await users().gateway.ask(ofUser({ claims: overage }))).answer).toBe('403 DENIED');
  });

  it('another service is denied', async () => {
    const sub = 'cccccccc-dddd-4eee-8fff-000000000001';
    expect((await services().gateway.ask(ofService({ claims: { sub, oid: sub } }))).answer).toBe('403 DENIED');
  });
});
