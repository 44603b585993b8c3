import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { clampLimits, expiryOf, windowOf, windowStart, type GrantLimits } from '#libs/grants/grant.js';
import type { VerifiedClaims } from '#libs/identity/access-token.js';
import { Refusal } from '#libs/kernel/refusal.js';

const bounds = { ttlDefaultSeconds: 300, ttlMaxSeconds: 3_600, maxUsesDefault: 1, maxUsesMax: 1_000 };
const limits: GrantLimits = { ttlSeconds: 60, maxUses: 1, quota: null, oneHolder: false, maxAuthAge: null };
const NOW = 1_790_000_000_000;
const claims = (over: Partial<VerifiedClaims>): VerifiedClaims => ({
  iss: 'https://issuer.test',
  sub: 'svc',
  clientId: 'svc',
  jti: 'jti-1',
  iat: NOW / 1000 - 10,
  exp: NOW / 1000 + 600,
  audience: ['crud.secrets'],
  scopes: new Set(),
  subjectType: 'user',
  groups: [],
  confirmation: {},
  ...over,
});

const refusalOf = (work: () => unknown): Refusal => {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('clampLimits', () => {
  it('uses the defaults where the decision asks for nothing', () => {
    expect(clampLimits({ oneHolder: false }, bounds)).toEqual({ ...limits, ttlSeconds: 300 });
  });

  it('keeps what a decision asks for, below the maxima', () => {
    const quota = { uses: 5, periodSeconds: 86_400 };
    const wanted = { ttlSeconds: 20, maxUses: 7, quota, oneHolder: true, maxAuthAge: 900 };
    expect(clampLimits(wanted, bounds)).toEqual(wanted);
  });

  it('clamps what is above the maxima, the defaults too', () => {
    expect(clampLimits({ ttlSeconds: 3_601, maxUses: 1_001, oneHolder: false }, bounds)).toMatchObject({
      ttlSeconds: 3_600,
      maxUses: 1_000,
    });
    const tight = { ...bounds, ttlMaxSeconds: 10, maxUsesDefault: 9, maxUsesMax: 3 };
    expect(clampLimits({ oneHolder: false }, tight)).toMatchObject({ ttlSeconds: 10, maxUses: 3 });
  });

  it.each([0, -1, 1.5, Number.NaN, Infinity, 2 ** 53, 1e12, true, '5', [5], null])(
    'denies a limit of %j: an obligation that cannot be kept',
    (value) => {
      const bad = value as number;
      for (const [check, wanted] of [
        ['obligation ttl', { ttlSeconds: bad }],
        ['obligation max_uses', { maxUses: bad }],
        ['obligation quota', { quota: { uses: bad, periodSeconds: 60 } }],
        ['obligation quota', { quota: { uses: 1, periodSeconds: bad } }],
        ['obligation max_auth_age', { maxAuthAge: bad }],
      ] as const) {
        const refusal = refusalOf(() => clampLimits({ oneHolder: false, ...wanted }, bounds));
        expect([refusal.code, refusal.check]).toEqual(['DENIED', check]);
      }
    },
  );

  it('takes a hundred years, and not a second more', () => {
    const years = 100 * 366 * 86_400;
    expect(clampLimits({ oneHolder: false, maxAuthAge: years }, bounds).maxAuthAge).toBe(years);
    expect(refusalOf(() => clampLimits({ oneHolder: false, maxAuthAge: years + 1 }, bounds)).code).toBe('DENIED');
  });
});

describe('expiryOf', () => {
  it('is the TTL from the store’s time, the token’s end when that is earlier', () => {
    expect(expiryOf(limits, claims({}), 5, NOW)).toBe(NOW + 60_000);
    expect(expiryOf(limits, claims({ exp: NOW / 1000 + 20 }), 5, NOW)).toBe(NOW + 20_000);
  });

  it('gives a token that only the leeway accepts what is left of the leeway, and nothing after', () => {
    const ended = claims({ exp: NOW / 1000 - 3 });
    expect(expiryOf(limits, ended, 5, NOW)).toBe(NOW + 2_000);
    expect(refusalOf(() => expiryOf(limits, ended, 3, NOW))).toMatchObject({
      code: 'INVALID_TOKEN',
      check: 'token ended',
      detail: 'The token has expired: get a new one.',
    });
  });

  it('counts the leeway from the very moment in which the token ends', () => {
    expect(expiryOf(limits, claims({ exp: NOW / 1000 }), 5, NOW - 1)).toBe(NOW);
    expect(expiryOf(limits, claims({ exp: NOW / 1000 }), 5, NOW)).toBe(NOW + 5_000);
  });

  it('is never later than auth_time and max_auth_age', () => {
    const aged = { ...limits, maxAuthAge: 900 };
    const authTime = NOW / 1000 - 880;
    expect(expiryOf(aged, claims({ authTime }), 5, NOW)).toBe(NOW + 20_000);
  });

  it('lets an age of exactly max_auth_age whole seconds pass, and not one second more', () => {
    const aged = { ...limits, maxAuthAge: 900 };
    const authTime = NOW / 1000 - 900;
    expect(expiryOf(aged, claims({ authTime }), 5, NOW + 999)).toBe(NOW + 1_000);
    const refusal = refusalOf(() => expiryOf(aged, claims({ authTime }), 5, NOW + 1_000));
    expect(refusal).toMatchObject({ code: 'STEP_UP_REQUIRED', check: 'max_auth_age', hints: { maxAge: 900 } });
  });

  it('asks for a step-up when the authentication is of unknown age', () => {
    expect(refusalOf(() => expiryOf({ ...limits, maxAuthAge: 900 }, claims({}), 5, NOW)).code).toBe('STEP_UP_REQUIRED');
  });

  it('is in the future and within every limit, whenever it is one at all', () => {
    const seconds = fc.integer({ min: -2_000, max: 2_000 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3_600 }),
        seconds,
        seconds,
        fc.option(fc.integer({ min: 1, max: 2_000 })),
        fc.nat(2_000),
        (ttlSeconds, expIn, authIn, maxAuthAge, ms) => {
          const now = NOW + ms;
          const token = claims({ exp: NOW / 1000 + expIn, authTime: NOW / 1000 + authIn });
          let end: number;
          try {
            end = expiryOf({ ...limits, ttlSeconds, maxAuthAge }, token, 5, now);
          } catch (error) {
            return error instanceof Refusal;
          }
          expect(end).toBeGreaterThan(now);
          expect(end).toBeLessThanOrEqual(now + ttlSeconds * 1000);
          expect(end).toBeLessThanOrEqual((token.exp + 5) * 1000);
          if (now < token.exp * 1000) expect(end).toBeLessThanOrEqual(token.exp * 1000);
          if (maxAuthAge !== null)
            expect(Math.ceil(end / 1000)).toBeLessThanOrEqual((token.authTime ?? 0) + maxAuthAge + 1);
          return true;
        },
      ),
    );
  });
});

describe('quota windows', () => {
  it('are aligned, follow each other without a gap, and hold the moment that they are of', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 366 * 86_400 }), fc.integer({ min: 0, max: NOW * 2 }), (period, now) => {
        const window = windowOf(period, now);
        expect(windowStart(period, window)).toBeLessThanOrEqual(now);
        expect(windowStart(period, window + 1)).toBeGreaterThan(now);
        expect(windowOf(period, windowStart(period, window))).toBe(window);
        expect(windowOf(period, windowStart(period, window + 1) - 1)).toBe(window);
      }),
    );
  });
});
