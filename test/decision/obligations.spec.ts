import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { checkAsked, keep, type Fulfilment } from '#libs/decision/obligations.js';
import { GRANT_TERMS, readGrantTerms, strictest, type Terms } from '#libs/decision/terms.js';

import type { JsonObject } from '#libs/kernel/json.js';

import { aGrant, aStepUp, refusalOf } from './asking.js';

const NOW = 1_790_000_000;
const by: Fulfilment = {
  signIn: { subjectType: 'user' },
  acceptedAcr: ['silver', 'gold'],
  time: { nowMs: NOW * 1000, leewaySeconds: 5 },
};
const signedIn = (claims: Partial<Fulfilment['signIn']>): Fulfilment => ({
  ...by,
  signIn: { subjectType: 'user', ...claims },
});

describe('obligations of a permit', () => {
  it('ask for nothing when there are none', () => {
    expect(keep([], by)).toEqual({
      obligations: [],
      terms: { oneHolder: false, requiresReason: false, acrDemands: [] },
    });
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
    expect(keep([aGrant(properties)], { ...signedIn({ authTime: NOW }), reason: 'INC-1' }).terms).toEqual({
      acrDemands: [],
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
    ['a step-up without acr', [{ id: 'a', type: 'step-up', properties: {} }], 'properties'],
    ['a step-up to what the tenant does not accept', [aStepUp('platinum')], 'acr not accepted'],
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
    ['beyond the leeway', NOW + 6, false],
    ['that is missing', undefined, false],
  ])('S3, S5: with max_auth_age take an auth_time %s as told', (_name, authTime, passes) => {
    const read = () => keep([aGrant({ max_auth_age: 900 })], signedIn(authTime === undefined ? {} : { authTime }));
    if (passes) expect(read().terms.maxAuthAge).toBe(900);
    else expect(refusalOf(read)).toMatchObject({ code: 'STEP_UP_REQUIRED', hints: { maxAge: 900 } });
  });

  it('S4: with a step-up take the acr that it names, and tell it to whoever has another', () => {
    expect(keep([aStepUp('gold')], signedIn({ acr: 'gold' })).terms.acrDemands).toEqual(['gold']);
    expect(refusalOf(() => keep([aStepUp('gold')], signedIn({ acr: 'silver' })))).toMatchObject({
      code: 'STEP_UP_REQUIRED',
      check: 'S4 acr',
      hints: { acrValues: ['gold'] },
    });
  });

  it('S2: with a step-up and an age tell both', () => {
    const all = [aStepUp('gold'), aStepUp('silver', 'step-up-2'), aGrant({ max_auth_age: 900 })];
    expect(refusalOf(() => keep(all, signedIn({ acr: 'gold' }))).hints).toEqual({ acrValues: ['gold'], maxAge: 900 });
  });

  it('S5: tell a caller without a user that it cannot sign in, and not what for', () => {
    const service = { ...by, signIn: { subjectType: 'service', acr: 'gold' } as const };
    expect(refusalOf(() => keep([aStepUp('gold')], service))).toMatchObject({ code: 'STEP_UP_IMPOSSIBLE', hints: {} });
  });

  it('S7: ask for no sign-in when the decision carries none, however weak it is', () => {
    expect(keep([aGrant({ max_uses: 1 })], by).terms.maxUses).toBe(1);
  });

  it('deny for what nobody can keep before they ask anybody to sign in', () => {
    const dance = { id: 'b', type: 'dance', properties: {} };
    expect(refusalOf(() => keep([aStepUp('gold'), dance], by))).toMatchObject({ code: 'DENIED' });
  });

  it('ask for a sign-in before they ask for a reason that would not help', () => {
    const both = [aGrant({ max_auth_age: 900, requires_reason: true })];
    expect(refusalOf(() => keep(both, by)).code).toBe('STEP_UP_REQUIRED');
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
      acrDemands: [],
      ttlSeconds: 300,
      maxUses: 2,
      quota: { uses: 3, periodSeconds: 3_600 },
      oneHolder: true,
      requiresReason: false,
    });
  });
});

describe('a deny', () => {
  const gold = { obligations: [aStepUp('gold')], context: undefined };

  it('S7: asks for the sign-in that stands beside it, as an obligation or in its context', () => {
    const asked = { obligations: [], context: { acr_values: 'gold silver', max_age: 60 } };
    expect(refusalOf(() => checkAsked(gold, by))).toMatchObject({
      code: 'STEP_UP_REQUIRED',
      hints: { acrValues: ['gold'] },
    });
    expect(refusalOf(() => checkAsked(asked, by)).hints).toEqual({ acrValues: ['silver', 'gold'], maxAge: 60 });
  });

  it('S7: sends nobody to sign in who has that sign-in already, so that there is no circle', () => {
    expect(checkAsked(gold, signedIn({ acr: 'gold' }))).toBeUndefined();
  });

  it.each<[string, { obligations: unknown; context: unknown }]>([
    ['nothing', { obligations: [], context: undefined }],
    ['another obligation', { obligations: [{ id: 'b', type: 'dance', properties: {} }], context: {} }],
    ['obligations that are no list', { obligations: 'step-up', context: undefined }],
    [
      'a step-up that is malformed',
      { obligations: [{ id: 'a', type: 'step-up', properties: {} }], context: undefined },
    ],
    ['two of one id', { obligations: [aStepUp('gold'), aStepUp('gold')], context: undefined }],
    ['what the tenant does not accept', { obligations: [], context: { acr_values: 'platinum' } }],
  ])('S7: asks for none beside %s', (_, denied) => {
    expect(checkAsked(denied, by)).toBeUndefined();
  });

  it('asks for a step-up beside an obligation that is not known here', () => {
    const obligations = [{ id: 'b', type: 'dance', properties: {} }, aStepUp('gold')];
    expect(refusalOf(() => checkAsked({ obligations, context: undefined }, by)).code).toBe('STEP_UP_REQUIRED');
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
