import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { askedIn, demandOf, readStepUp } from '#libs/decision/step-up-demand.js';
import { GRANT_TERMS, strictest } from '#libs/decision/terms.js';
import type { JsonObject } from '#libs/kernel/json.js';

const LIST = ['bronze', 'silver', 'gold', 'gold+hardware'];

/** Of obligations as a PDP sends them; each is the list of values that will do. */
function together(accepted: readonly string[], ...demands: readonly (readonly string[])[]): unknown {
  const terms = demands.map((values) => readStepUp({ acr_value: values[0] ?? '', acr_values: values }) ?? GRANT_TERMS);
  return demandOf(terms.reduce(strictest, GRANT_TERMS), accepted);
}

describe('several step-ups of one decision', () => {
  it.each([
    ['one value', [['silver']], { acrValues: ['silver'] }],
    ['equal ones', [['silver'], ['silver']], { acrValues: ['silver'] }],
    ['the later in the tenant’s list', [['gold'], ['silver']], { acrValues: ['gold'] }],
    ['of three, the last', [['silver'], ['gold+hardware'], ['gold']], { acrValues: ['gold+hardware'] }],
    ['a set, in the order of the list', [['gold', 'silver']], { acrValues: ['silver', 'gold'] }],
    [
      'what both have',
      [
        ['silver', 'gold'],
        ['gold', 'bronze'],
      ],
      { acrValues: ['gold'] },
    ],
    ['one inside the other', [['silver', 'gold'], ['silver']], { acrValues: ['silver'] }],
    ['nothing in common: the strictest', [['bronze', 'silver'], ['gold']], { acrValues: ['gold'] }],
  ])('S4: come to %s', (_, demands, expected) => {
    expect(together(LIST, ...demands)).toEqual(expected);
  });

  it('S4: a value that the tenant does not accept never passes and is never told', () => {
    expect(together(LIST, ['silver', 'platinum'])).toEqual({ acrValues: ['silver'] });
    expect(together(LIST, ['platinum'])).toBeUndefined();
    expect(together(LIST, ['platinum'], ['gold'])).toBeUndefined();
    expect(together([], ['gold'])).toBeUndefined();
  });

  it('S2: carry the shortest age beside the acr values', () => {
    const terms = [
      readStepUp({ acr_value: 'gold' })!,
      { ...GRANT_TERMS, maxAuthAge: 900 },
      { ...GRANT_TERMS, maxAuthAge: 60 },
    ];
    expect(demandOf(terms.reduce(strictest), LIST)).toEqual({ acrValues: ['gold'], maxAge: 60 });
    expect(demandOf(GRANT_TERMS, LIST)).toEqual({});
  });

  it('S4: come to the same in any order, and to nothing but accepted and demanded values', () => {
    const demand = fc.uniqueArray(fc.constantFrom(...LIST, 'platinum'), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(demand, { minLength: 1, maxLength: 4 }), fc.subarray(LIST), (demands, accepted) => {
        const found = together(accepted, ...demands) as { acrValues: string[] } | undefined;
        expect(together(accepted, ...demands.toReversed())).toEqual(found);
        expect(together(accepted, ...demands, ...demands)).toEqual(found);
        if (found === undefined) {
          expect(demands.some((one) => !one.some((acr) => accepted.includes(acr)))).toBe(true);
          return;
        }
        expect(found.acrValues.length).toBeGreaterThan(0);
        for (const acr of found.acrValues) {
          expect(accepted).toContain(acr);
          expect(demands.flat()).toContain(acr);
        }
        const inAll = accepted.filter((acr) => demands.every((one) => one.includes(acr)));
        if (inAll.length > 0) expect(found.acrValues).toEqual(inAll);
        else expect(found.acrValues).toHaveLength(1);
      }),
    );
  });
});

describe('a step-up obligation', () => {
  it('is read as the profile has it, and with several values as ours has it', () => {
    expect(readStepUp({ acr_value: 'gold' })?.acrDemands).toEqual(['gold']);
    expect(readStepUp({ acr_value: 'gold', acr_values: ['gold', 'bronze'] })?.acrDemands).toEqual(['bronze gold']);
  });

  it.each<[string, JsonObject]>([
    ['no acr_value', {}],
    ['an acr_value that is a number', { acr_value: 3 }],
    ['an empty one', { acr_value: '' }],
    ['one with a space', { acr_value: 'gold silver' }],
    ['one that would end a quoted string', { acr_value: 'a"b' }],
    ['one that would escape in it', { acr_value: 'a\\b' }],
    ['one with a line break', { acr_value: 'a\r\nb' }],
    ['one beyond ASCII', { acr_value: 'gøld' }],
    ['one that is too long', { acr_value: 'x'.repeat(257) }],
    ['a text as acr_values', { acr_value: 'gold', acr_values: 'gold' }],
    ['an empty list', { acr_value: 'gold', acr_values: [] }],
    ['a list that begins with another', { acr_value: 'gold', acr_values: ['silver', 'gold'] }],
    ['a list that holds a number', { acr_value: 'gold', acr_values: ['gold', 1] }],
    ['a list without end', { acr_value: 'v0', acr_values: Array.from({ length: 17 }, (_, at) => `v${at}`) }],
    ['methods, which no challenge can name', { acr_value: 'gold', amr_values: ['hwk'] }],
    ['a member that nobody knows', { acr_value: 'gold', max_age: 60 }],
  ])('cannot be kept with %s', (_, properties) => {
    expect(readStepUp(properties)).toBeUndefined();
  });
});

describe('whatever a PDP sends', () => {
  const acr = fc.oneof(fc.constantFrom('gold', 'silver', 'go"ld', 'a b', ''), fc.string(), fc.jsonValue());
  const sent = fc.record(
    {
      acr_value: acr,
      acr_values: fc.oneof(acr, fc.array(acr, { maxLength: 3 })),
      max_age: fc.oneof(fc.integer(), fc.double(), fc.string()),
      amr_values: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );

  it('S2, S7: nothing of it reaches a challenge but accepted values and whole seconds', () => {
    fc.assert(
      fc.property(sent, (made) => {
        const properties = JSON.parse(JSON.stringify(made)) as JsonObject;
        for (const terms of [readStepUp(properties), askedIn(properties)]) {
          const demand = terms && demandOf(terms, LIST);
          for (const value of demand?.acrValues ?? []) expect(LIST).toContain(value);
          if (demand?.maxAge !== undefined) expect(String(demand.maxAge)).toMatch(/^\d{1,9}$/);
        }
        // A demand is read whole or not at all: what was asked for beside something strange would be less than was asked.
        const kept = readStepUp(properties);
        if (kept !== undefined) expect(Object.keys(properties).filter((name) => !name.startsWith('acr_'))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the context of a deny (AuthZEN 1.0 section 5.5.1, example 3)', () => {
  it('S7: is read by the names of RFC 9470', () => {
    const context = { acr_values: 'urn:com:example:loa:3', amr_values: 'mfa hwk' };
    expect(askedIn(context)).toEqual({ ...GRANT_TERMS, acrDemands: ['urn:com:example:loa:3'] });
    expect(askedIn({ acr_values: 'silver gold', max_age: 0 })).toEqual({
      ...GRANT_TERMS,
      acrDemands: ['gold silver'],
      maxAuthAge: 0,
    });
  });

  it.each<[string, unknown]>([
    ['none', undefined],
    ['a text', 'acr_values'],
    ['a list', [{ acr_values: 'gold' }]],
    ['another member', { reason_user: { '403': 'no' } }],
    ['methods alone', { amr_values: 'mfa' }],
    ['values as a list', { acr_values: ['gold'] }],
    ['two spaces', { acr_values: 'gold  silver' }],
    ['a quote', { acr_values: 'go"ld' }],
    ['an empty text', { acr_values: '' }],
    ['a text as age', { max_age: '900' }],
    ['a negative age', { max_age: -1 }],
    ['half a second', { max_age: 0.5 }],
    ['an age without end', { max_age: Infinity }],
  ])('S7: asks for nothing when it is %s: a step-up is never invented', (_, context) => {
    expect(askedIn(context)).toEqual(GRANT_TERMS);
  });
});
