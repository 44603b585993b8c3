import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { keep } from '#libs/decision/obligations.js';
import { GRANT_TERMS, readGrantTerms, strictest, type Terms } from '#libs/decision/terms.js';

import type { JsonObject } from '#libs/kernel/json.js';

import { aGrant, refusalOf } from './asking.js';

const NOW = 1_790_000_000;
const by = { nowMs: NOW * 1000 };

describe('obligations of a permit', () => {
  it('ask for nothing when there are none', () => {
    expect(keep([], by)).toEqual({ obligations: [], terms: { oneHolder: false, requiresReason: false } });
  });

  it('are read member by member', () => {
    const properties = {
      ttl_seconds: 300,
      max_uses: 5,
      quota: { uses: 5, period_seconds: 86_400 },
      one_holder: true,
      max_auth_age: 900,
      requires_reason: true,
    };
    expect(keep([aGrant(properties)], { ...by, reason: 'INC-1', authTime: NOW }).terms).toEqual({
      ttlSeconds: 300,
      maxUses: 5,
      quota: { uses: 5, periodSeconds: 86_400 },
      oneHolder: true,
      maxAuthAge: 900,
      requiresReason: true,
    });
  });

  it.each<[string, unknown, string]>([
    ['not an array', {}, 'array'],
    ['null', null, 'array'],
    ['a text among them', ['grant'], 'element'],
    ['an array among them', [[]], 'element'],
    ['one without id', [{ type: 'custom', properties: {} }], 'members'],
    ['one with an empty id', [{ id: '', type: 'custom', properties: {} }], 'members'],
    ['one without type', [{ id: 'a', properties: {} }], 'members'],
    ['one without properties', [{ id: 'a', type: 'custom' }], 'members'],
    ['one whose properties are a list', [{ id: 'a', type: 'custom', properties: [] }], 'members'],
    ['two of one id', [aGrant({ max_uses: 1 }), aGrant({ max_uses: 1 })], 'duplicate id'],
    ['an unknown type beside a known one', [aGrant({}), { id: 'b', type: 'dance', properties: {} }], 'unknown'],
    ['step-up', [{ id: 'a', type: 'step-up', properties: { acr_value: 'gold' } }], 'unknown'],
    ['a notification', [{ id: 'a', type: 'notification', properties: { to: 'x', body: 'y' } }], 'unknown'],
    ['session_termination', [{ id: 'a', type: 'session_termination', properties: { subject: 'x' } }], 'unknown'],
    ['custom of nobody', [{ id: 'a', type: 'custom', properties: {} }], 'unknown'],
    ['another vendor', [{ id: 'a', type: 'custom', properties: { vendor: 'else', action: 'grant' } }], 'unknown'],
    ['another action', [{ id: 'a', type: 'custom', properties: { vendor: 'postern', action: 'approval' } }], 'unknown'],
    ['an unknown member', [aGrant({ max_use: 5 })], 'properties'],
    ['a member named like an inherited one', [aGrant({ constructor: 5 })], 'properties'],
    ['remote audit, which nothing here can wait for', [aGrant({ audit: 'remote' })], 'properties'],
    ['a text as number', [aGrant({ ttl_seconds: '300' })], 'properties'],
    ['zero seconds', [aGrant({ ttl_seconds: 0 })], 'properties'],
    ['half a use', [aGrant({ max_uses: 0.5 })], 'properties'],
    ['negative uses', [aGrant({ max_uses: -1 })], 'properties'],
    ['more seconds than ten years', [aGrant({ ttl_seconds: 315_360_001 })], 'properties'],
    ['more uses than a billion', [aGrant({ max_uses: 1_000_000_001 })], 'properties'],
    ['a quota without period', [aGrant({ quota: { uses: 1 } })], 'properties'],
    ['a quota with more', [aGrant({ quota: { uses: 1, period_seconds: 1, burst: 1 } })], 'properties'],
    ['a quota of no uses', [aGrant({ quota: { uses: 0, period_seconds: 1 } })], 'properties'],
    ['a quota that is a text', [aGrant({ quota: '5/24h' })], 'properties'],
    ['one_holder as a text', [aGrant({ one_holder: 'true' })], 'properties'],
    ['requires_reason as a number', [aGrant({ requires_reason: 1 })], 'properties'],
  ])('deny: %s', (_name, raw, what) => {
    expect(refusalOf(() => keep(raw, by))).toMatchObject({ code: 'DENIED', check: `obligation ${what}` });
  });

  it('require a reason that came, and only when they say so', () => {
    const asks = [aGrant({ requires_reason: true })];
    expect(refusalOf(() => keep(asks, by))).toMatchObject({ code: 'REASON_REQUIRED' });
    expect(keep(asks, { ...by, reason: 'INC-1' }).terms.requiresReason).toBe(true);
    expect(keep([aGrant({ requires_reason: false })], by).terms.requiresReason).toBe(false);
  });

  it.each([
    ['of exactly the age', NOW - 900, true],
    ['one second older', NOW - 901, false],
    ['of this second', NOW, true],
    ['of the future', NOW + 1, false],
    ['that is missing', undefined, false],
  ])('with max_auth_age take an auth_time %s as told', (_name, authTime, passes) => {
    const read = () => keep([aGrant({ max_auth_age: 900 })], { ...by, ...(authTime !== undefined && { authTime }) });
    if (passes) expect(read().terms.maxAuthAge).toBe(900);
    else expect(refusalOf(read)).toMatchObject({ code: 'DENIED', check: 'obligation max_auth_age' });
  });

  it('deny for age before they ask for a reason that would not help', () => {
    const both = [aGrant({ max_auth_age: 900, requires_reason: true })];
    expect(refusalOf(() => keep(both, by)).code).toBe('DENIED');
  });

  it('combine by the strictest of each field', () => {
    const { terms } = keep(
      [
        aGrant({ ttl_seconds: 300, max_uses: 9, quota: { uses: 3, period_seconds: 60 } }, 'a'),
        aGrant({ ttl_seconds: 600, max_uses: 2, quota: { uses: 5, period_seconds: 3_600 }, one_holder: true }, 'b'),
        aGrant({}, 'c'),
      ],
      by,
    );
    expect(terms).toEqual({
      ttlSeconds: 300,
      maxUses: 2,
      quota: { uses: 3, periodSeconds: 3_600 },
      oneHolder: true,
      requiresReason: false,
    });
  });
});

describe('combining terms', () => {
  const count = fc.integer({ min: 1, max: 1_000 });
  const terms: fc.Arbitrary<Terms> = fc
    .record(
      {
        ttl_seconds: count,
        max_uses: count,
        max_auth_age: count,
        quota: fc.record({ uses: count, period_seconds: count }, { requiredKeys: ['uses', 'period_seconds'] }),
        one_holder: fc.boolean(),
        requires_reason: fc.boolean(),
      },
      { requiredKeys: [] },
    )
    .map((properties) => readGrantTerms(JSON.parse(JSON.stringify(properties)) as JsonObject)!);

  it('does not depend on order, grouping or repetition', () => {
    fc.assert(
      fc.property(terms, terms, terms, (a, b, c) => {
        expect(strictest(a, b)).toEqual(strictest(b, a));
        expect(strictest(strictest(a, b), c)).toEqual(strictest(a, strictest(b, c)));
        expect(strictest(a, a)).toEqual(a);
        expect(strictest(a, GRANT_TERMS)).toEqual(a);
      }),
    );
  });

  it('is never looser than either', () => {
    fc.assert(
      fc.property(terms, terms, (a, b) => {
        const both = strictest(a, b);
        expect(both.ttlSeconds ?? Infinity).toBeLessThanOrEqual(a.ttlSeconds ?? Infinity);
        expect(both.maxUses ?? Infinity).toBeLessThanOrEqual(b.maxUses ?? Infinity);
        expect(both.maxAuthAge ?? Infinity).toBeLessThanOrEqual(a.maxAuthAge ?? Infinity);
        expect(both.quota?.uses ?? Infinity).toBeLessThanOrEqual(b.quota?.uses ?? Infinity);
        expect(both.quota?.periodSeconds ?? 0).toBeGreaterThanOrEqual(a.quota?.periodSeconds ?? 0);
        expect(both.oneHolder).toBe(a.oneHolder || b.oneHolder);
        expect(both.requiresReason).toBe(a.requiresReason || b.requiresReason);
      }),
    );
  });
});
