import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { checkSignIn, type SignIn, type StepUpDemand } from '#libs/identity/step-up.js';
import { parseTokenClaims } from '#libs/identity/token-claims.js';
import type { JsonObject } from '#libs/kernel/json.js';
import { Refusal } from '#libs/kernel/refusal.js';

import { makeIssuer, makeKey, mintToken, decodeJws, NOW_MS } from '../support/tokens.js';

const NOW = NOW_MS / 1000;
const time = { nowMs: NOW_MS, leewaySeconds: 5 };
const user = (claims: Partial<SignIn> = {}): SignIn => ({ subjectType: 'user', ...claims });

/** `met`, or the refusal's code and check. */
function judged(signIn: SignIn, demand: StepUpDemand, at = time): string {
  try {
    checkSignIn(signIn, demand, at);
    return 'met';
  } catch (error) {
    if (error instanceof Refusal) return `${error.code} ${error.check}`;
    throw error;
  }
}

describe('a demanded sign-in', () => {
  const both = { acrValues: ['silver', 'gold'], maxAge: 900 };

  it('S3: is judged by acr and auth_time, never by when the token was issued', () => {
    const key = makeKey();
    const refreshed = mintToken({ key, claims: { sub_type: 'user', auth_time: NOW - 901, iat: NOW } });
    const claims = parseTokenClaims(decodeJws(refreshed).claims, makeIssuer([key]));
    expect(judged(claims, { maxAge: 900 })).toBe('STEP_UP_REQUIRED S3 auth_time');
    expect(judged({ ...claims, authTime: NOW - 900 }, { maxAge: 900 })).toBe('met');
  });

  it.each([
    ['of no age', 0, 'met'],
    ['of exactly the age', 900, 'met'],
    ['one second older', 901, 'STEP_UP_REQUIRED S3 auth_time'],
    ['of the day that Unix began', NOW, 'STEP_UP_REQUIRED S3 auth_time'],
    ['that the leeway still covers', -5, 'met'],
    ['one second further in the future', -6, 'STEP_UP_REQUIRED S5 auth_time in the future'],
  ])('S3, S5: takes an auth_time %s as told', (_, age, expected) => {
    expect(judged(user({ authTime: NOW - age }), { maxAge: 900 })).toBe(expected);
  });

  it('S3: ages by whole seconds, and the leeway does not lengthen the age', () => {
    const signIn = user({ authTime: NOW - 900 });
    expect(judged(signIn, { maxAge: 900 }, { ...time, nowMs: NOW_MS + 999 })).toBe('met');
    expect(judged(signIn, { maxAge: 900 }, { nowMs: NOW_MS + 1_000, leewaySeconds: 60 })).toContain('S3 auth_time');
  });

  it.each([Number.NaN, Infinity, -Infinity])('S5: believes no auth_time of %p', (authTime) => {
    expect(judged(user({ authTime }), { maxAge: 900 })).toMatch(/^STEP_UP_REQUIRED /);
    if (authTime !== -Infinity)
      expect(judged(user({ acr: 'gold', authTime }), { acrValues: ['gold'] })).not.toBe('met');
  });

  it.each([
    ['one of them', 'gold', 'met'],
    ['the other', 'silver', 'met'],
    ['in other letters', 'Gold', 'STEP_UP_REQUIRED S4 acr'],
    ['that begins like one', 'gold2', 'STEP_UP_REQUIRED S4 acr'],
    ['that one begins with', 'gol', 'STEP_UP_REQUIRED S4 acr'],
    ['that one ends in', 'old', 'STEP_UP_REQUIRED S4 acr'],
    ['with a space behind it', 'gold ', 'STEP_UP_REQUIRED S4 acr'],
    ['that lists them all', 'silver gold', 'STEP_UP_REQUIRED S4 acr'],
    ['that an issuer would call higher', 'platinum', 'STEP_UP_REQUIRED S4 acr'],
    ['that is missing', undefined, 'STEP_UP_REQUIRED S5 acr missing'],
  ])('S4: compares an acr octet for octet with the demanded set, without an order: %s', (_, acr, expected) => {
    const signIn = user(acr === undefined ? {} : { acr });
    expect(judged(signIn, { acrValues: both.acrValues })).toBe(expected);
  });

  it('S4: a token with gold does not meet a demand of silver alone', () => {
    expect(judged(user({ acr: 'gold' }), { acrValues: ['silver'] })).toBe('STEP_UP_REQUIRED S4 acr');
  });

  it('S5: needs auth_time where an age is demanded, and acr where one is, each by itself', () => {
    expect(judged(user({ acr: 'gold' }), both)).toBe('STEP_UP_REQUIRED S5 auth_time missing');
    expect(judged(user({ authTime: NOW }), both)).toBe('STEP_UP_REQUIRED S5 acr missing');
    expect(judged(user({ acr: 'gold', authTime: NOW }), both)).toBe('met');
    expect(judged(user({ acr: 'gold' }), { acrValues: ['gold'] })).toBe('met');
    expect(judged(user({ authTime: NOW }), { maxAge: 0 })).toBe('met');
  });

  it('S5: a sign-in that is yet to come does not vouch for an acr', () => {
    expect(judged(user({ acr: 'gold', authTime: NOW + 6 }), { acrValues: ['gold'] })).toContain('in the future');
  });

  it('S5: amr alone never satisfies acr', () => {
    const key = makeKey();
    const token = mintToken({ key, claims: { sub_type: 'user', amr: ['mfa', 'hwk', 'gold'], auth_time: NOW } });
    const claims = parseTokenClaims(decodeJws(token).claims, makeIssuer([key]));
    expect(claims.amr).toContain('gold');
    expect(judged(claims, { acrValues: ['gold'] })).toBe('STEP_UP_REQUIRED S5 acr missing');
  });

  it.each(['service', 'agent'] as const)('S5: is impossible for a %s, whatever its token claims', (subjectType) => {
    for (const claims of [{}, { acr: 'gold', authTime: NOW }]) {
      expect(judged({ subjectType, ...claims }, both)).toBe('STEP_UP_IMPOSSIBLE S5 no user');
    }
    expect(() => checkSignIn({ subjectType }, both, time)).toThrow(
      expect.objectContaining({ detail: expect.stringContaining('speaks for no user'), hints: {} }),
    );
  });

  it('asks nothing of anybody when nothing is demanded', () => {
    expect(judged({ subjectType: 'service' }, {})).toBe('met');
    expect(judged(user({ authTime: NOW + 999 }), {})).toBe('met');
  });

  it('S2: tells all that is demanded, not only what was lacking', () => {
    const told = (demand: StepUpDemand): Refusal => {
      try {
        checkSignIn(user(), demand, time);
      } catch (error) {
        if (error instanceof Refusal) return error;
      }
      throw new Error('nothing was refused');
    };
    expect(Object.entries(told(both).hints)).toEqual([
      ['acrValues', ['silver', 'gold']],
      ['maxAge', 900],
    ]);
    expect(Object.keys(told({ acrValues: ['gold'] }).hints)).toEqual(['acrValues']);
    expect(Object.keys(told({ maxAge: 900 }).hints)).toEqual(['maxAge']);
    expect(told(both).detail).toMatch(
      /^The policy asks for another sign-in: .*acr_values and max_age of the challenge/,
    );
    expect(told(both).detail).not.toMatch(/gold|silver|900/);
  });

  it('S3, S4, S5: is met exactly by a user whose acr is in the set and whose sign-in is young enough', () => {
    const acrs = fc.constantFrom('a', 'b', 'c');
    fc.assert(
      fc.property(
        fc.constantFrom('user', 'service', 'agent'),
        fc.option(acrs, { nil: undefined }),
        fc.option(fc.integer({ min: -20, max: 40 }), { nil: undefined }),
        fc.option(fc.uniqueArray(acrs, { minLength: 1 }), { nil: undefined }),
        fc.option(fc.nat(30), { nil: undefined }),
        (subjectType, acr, age, acrValues, maxAge) => {
          const signIn = {
            subjectType,
            ...(acr !== undefined && { acr }),
            ...(age !== undefined && { authTime: NOW - age }),
          };
          const demand = { ...(acrValues !== undefined && { acrValues }), ...(maxAge !== undefined && { maxAge }) };
          const demanded = acrValues !== undefined || maxAge !== undefined;
          const acrFits = acrValues === undefined || acrValues.some((value) => value === acr);
          const ageFits = maxAge === undefined || (age !== undefined && age <= maxAge);
          const past = age === undefined || age >= -5;
          const met = !demanded || (subjectType === 'user' && acrFits && ageFits && past);
          expect(judged(signIn, demand) === 'met').toBe(met);
        },
      ),
    );
  });
});

describe('claims of the sign-in', () => {
  const key = makeKey();
  it.each<[string, JsonObject]>([
    ['a text', { auth_time: `${NOW}` }],
    ['a fraction', { auth_time: NOW + 0.5 }],
    ['a negative time', { auth_time: -1 }],
    ['null', { auth_time: null }],
    ['a list as acr', { acr: ['gold'] }],
    ['an empty acr', { acr: '' }],
  ])('S5: are no claims when they are %s: the token is refused', (_, claims) => {
    const token = decodeJws(mintToken({ key, claims })).claims;
    expect(() => parseTokenClaims(token, makeIssuer([key]))).toThrow(
      expect.objectContaining({ code: 'INVALID_TOKEN', check: expect.stringMatching(/^A7 /) }),
    );
  });
});
