import { describe, expect, it } from '@jest/globals';

import { authenticate, Caller } from '#libs/identity/access-token.js';
import { ANONYMOUS_ISSUER, anonymousOf, presentsNothing } from '#libs/identity/anonymous.js';
import { bind } from '#libs/identity/bind.js';
import type { Presented } from '#libs/identity/presented.js';
import { checkScope, overlookScope } from '#libs/identity/scopes.js';
import { SCOPE_OF, type Purpose } from '#libs/kernel/purposes.js';
import { Refusal } from '#libs/kernel/refusal.js';

import { admitted } from '../support/admitted.js';
import { NOW_MS } from '../support/tokens.js';
import {
  aToken,
  authenticated,
  bindingRules,
  EPOCH,
  presented,
  refusalFrom,
  refusalOf,
  saysOf,
  tokenRules,
} from './world.js';

const anonymous = anonymousOf('acme');
const rules = { ...tokenRules(), anonymous };
const caller = async (changes: Partial<Presented> = {}): Promise<Caller> =>
  await authenticate(admitted(presented(changes)), rules, NOW_MS);
const bound = async () => bind(await caller(), presented(), bindingRules({ allowUnbound: true }), EPOCH, NOW_MS);

describe('a request without credentials', () => {
  it('B4: is refused where nobody is let in without a token', async () => {
    const refusal = await refusalFrom(authenticate(admitted(presented()), tokenRules(), NOW_MS));
    expect(saysOf(refusal)).toEqual({ code: 'CREDENTIALS_REQUIRED', check: 'B4 nothing sent' });
  });

  it('speaks for the subject anonymous of one tenant where configuration says so', async () => {
    const made = await caller();
    expect(Caller.is(made)).toBe(true);
    expect(made.claims).toBe(anonymous);
    expect([made.scheme, made.tokenHash]).toEqual(['Bearer', '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU']);
    expect(made.claims).toMatchObject({
      iss: 'urn:postern:anonymous',
      sub: 'anonymous',
      clientId: 'anonymous',
      jti: 'anonymous',
      tenant: 'acme',
      groups: [],
      audience: [],
      confirmation: {},
    });
  });

  it('is bound to nothing, and gets nothing where a caller must be bound', async () => {
    expect((await bound()).binding).toEqual({ kind: 'none', iss: ANONYMOUS_ISSUER, jti: 'anonymous' });
    const made = await caller();
    const refusal = refusalOf(() => bind(made, presented(), bindingRules(), EPOCH, NOW_MS));
    expect(refusal.code).toBe('BINDING_REQUIRED');
  });

  it('is never a user and never newly authenticated: no step-up and no age of a sign-in is ever met by it', () => {
    expect(anonymous.subjectType).toBe('service');
    expect(anonymous.iat).toBe(0);
    for (const name of ['acr', 'amr', 'authTime', 'actor']) expect(anonymous).not.toHaveProperty(name);
  });

  it('never ends, as far as times can be written', () => {
    expect(new Date(anonymous.exp * 1000).toISOString()).toBe('9999-12-31T23:59:59.000Z');
  });

  it('has the scope of every purpose but that of the admin listener', async () => {
    const made = await bound();
    for (const purpose of Object.keys(SCOPE_OF) as Purpose[]) {
      const admin = SCOPE_OF[purpose] === 'secrets.admin';
      const refused = (): unknown => checkScope(made, purpose);
      if (admin) expect(saysOf(refusalOf(refused)).code).toBe('INSUFFICIENT_SCOPE');
      else expect(refused).not.toThrow(Refusal);
    }
  });
});

describe('what is presented is judged, also where nobody needs a token', () => {
  it.each([
    ['a token', { authorization: ['Bearer x'] }, 'INVALID_TOKEN'],
    ['an empty line', { authorization: [''] }, 'CREDENTIALS_REQUIRED'],
    ['another scheme', { authorization: ['Basic YTpi'] }, 'CREDENTIALS_REQUIRED'],
    ['a scheme without a token', { authorization: ['DPoP'] }, 'INVALID_TOKEN'],
    ['two lines', { authorization: ['Bearer x', 'Bearer y'] }, 'INVALID_REQUEST'],
    ['a proof alone', { dpop: ['e30.e30.e30'] }, 'CREDENTIALS_REQUIRED'],
  ])('%s is not nothing', async (_, changes, code) => {
    expect(presentsNothing(presented(changes))).toBe(false);
    expect((await refusalFrom(caller(changes))).code).toBe(code);
  });

  it('a good token is its own caller', async () => {
    const made = await authenticated(aToken(), rules);
    expect(made.claims.iss).not.toBe(ANONYMOUS_ISSUER);
  });
});

describe('scopes that are overlooked', () => {
  it('hold nobody back, and look at nothing', async () => {
    const made = bind(
      await authenticated(aToken({ claims: { scope: '' } })),
      presented(),
      bindingRules({ allowUnbound: true }),
      EPOCH,
      NOW_MS,
    );
    for (const purpose of Object.keys(SCOPE_OF) as Purpose[]) {
      expect(overlookScope(made, purpose)).toBeUndefined();
      expect(refusalOf(() => checkScope(made, purpose)).code).toBe('INSUFFICIENT_SCOPE');
    }
  });
});
