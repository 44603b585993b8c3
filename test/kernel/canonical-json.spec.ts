import { describe, expect, it, jest } from '@jest/globals';
import * as fc from 'fast-check';

import { canonicalJson } from '#libs/kernel/canonical-json.js';
import type { Json } from '#libs/kernel/json.js';
import { parseStrictJson } from '#libs/kernel/strict-json.js';

import { readVectors, vectorsFolder } from '../support/vectors.js';

describe('the canonical text', () => {
  it.each<[string, Json, string]>([
    [
      'orders members by UTF-16 code units, not by code points',
      { '\u{1F600}': 1, '\ufb33': 2, a: 3, A: 4, '': 5, 10: 6, 9: 7 },
      '{"":5,"10":6,"9":7,"A":4,"a":3,"\u{1F600}":1,"\ufb33":2}',
    ],
    ['orders members at every depth', [{ b: { d: 1, c: 2 }, a: [] }], '[{"a":[],"b":{"c":2,"d":1}}]'],
    ['keeps the order of elements', [3, 1, 2], '[3,1,2]'],
    ['is short for what is empty', [{}, [], ''], '[{},[],""]'],
    ['writes the words', [null, true, false], '[null,true,false]'],
    [
      'writes numbers as ECMAScript does',
      [1e21, 1e-7, 0.000001, 1e20, -0, 5e-324, 4.5, 333333333.3333333],
      '[1e+21,1e-7,0.000001,100000000000000000000,0,5e-324,4.5,333333333.3333333]',
    ],
    [
      'escapes what must be escaped and nothing else',
      '"\\\b\f\n\r\t\0\u001f/\u007f\u2028\u20ac',
      '"\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f/\u007f\u2028\u20ac"',
    ],
    ['escapes in names too', { 'a"\n': 1 }, '{"a\\"\\n":1}'],
  ])('%s', (_title, value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  it('has a member whose name is __proto__ when the value has', () => {
    expect(canonicalJson(JSON.parse('{"__proto__":1}') as Json)).toBe('{"__proto__":1}');
  });

  it.each<[string, unknown, string]>([
    ['NaN', NaN, 'A number that is not finite has no canonical JSON.'],
    ['an infinity', [Infinity], 'A number that is not finite has no canonical JSON.'],
    ['a lone surrogate', 'a\ud800', 'A lone surrogate has no canonical JSON.'],
    ['a lone surrogate in a name', { 'a\udc00': 1 }, 'A lone surrogate has no canonical JSON.'],
    ['an undefined member', { a: undefined }, 'There is no canonical JSON of type undefined.'],
    ['undefined', undefined, 'There is no canonical JSON of type undefined.'],
    ['a hole', Array(1), 'There is no canonical JSON of type undefined.'],
    ['a bigint', 1n, 'There is no canonical JSON of type bigint.'],
    ['a function', () => 1, 'There is no canonical JSON of type function.'],
  ])('is refused for %s, by its kind and not by its value', (_what, value, message) => {
    expect(() => canonicalJson(value as Json)).toThrow(new TypeError(message));
  });
});

describe('the way of the engine', () => {
  const calls = (value: Json): readonly unknown[] => {
    const stringify = jest.spyOn(JSON, 'stringify');
    try {
      canonicalJson(value);
      return stringify.mock.calls.map((given): unknown => given[0]);
    } finally {
      stringify.mockRestore();
    }
  };

  it.each<[Json]>([
    ['text'],
    [1.5],
    [false],
    [null],
    [[]],
    [['b', 'a', [true, null]]],
    [{}],
    [{ A: 1 }],
    [{ '': { b: [0], c: 'x' }, a: null, aa: [], b: {} }],
  ])('is taken once and for the whole when every member stands in order: %j', (value) => {
    expect(calls(value)).toEqual([value]);
  });

  it.each<[Json]>([[{ b: 1, a: 2 }], [[{ a: 1 }, { b: 1, a: 2 }]], [{ a: 1, b: { d: 1, c: 2 } }]])(
    'is not taken for the whole when a member stands out of order: %j',
    (value) => {
      expect(calls(value)).not.toContainEqual(value);
    },
  );
});

describe('any value', () => {
  const values = fc.jsonValue({ maxDepth: 5 }).map((value) => JSON.parse(JSON.stringify(value)) as Json);

  it('means in its canonical text what it meant before', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(value);
      }),
    );
  });

  it('has a canonical text that the strict reader gives back to the same text', () => {
    const texts = fc.jsonValue({ maxDepth: 5 }).map((value) => JSON.stringify(value));
    let taken = 0;
    fc.assert(
      fc.property(texts, (text) => {
        fc.pre(!/__proto__|\d{16}|e\+/.test(text));
        const once = canonicalJson(JSON.parse(text) as Json);
        expect(canonicalJson(parseStrictJson(once))).toBe(once);
        taken += 1;
      }),
    );
    expect(taken).toBeGreaterThan(50);
  });

  it('has one text in whatever order its members were put', () => {
    const members = fc.dictionary(fc.string(), fc.integer()).map((value) => Object.entries(value));
    fc.assert(
      fc.property(
        members.chain((entries) => fc.tuple(fc.constant(entries), fc.shuffledSubarray(entries, all(entries)))),
        ([entries, shuffled]) => {
          expect(canonicalJson(Object.fromEntries(shuffled))).toBe(canonicalJson(Object.fromEntries(entries)));
        },
      ),
    );
  });
});

/** Every one of them: only the order is open. */
function all(entries: readonly unknown[]): fc.ShuffledSubarrayConstraints {
  return { minLength: entries.length, maxLength: entries.length };
}

if (vectorsFolder('RFC 8785 vectors')) {
  interface Vectors {
    readonly cases: readonly { name: string; input_b64: string; canonical_hex: string }[];
  }
  const { cases } = readVectors('jcs/jcs.json') as Vectors;

  describe('the vectors of RFC 8785', () => {
    it('are all there', () => {
      expect(cases.length).toBe(6);
    });

    it.each(cases)('$name', ({ input_b64, canonical_hex }) => {
      const value = JSON.parse(Buffer.from(input_b64, 'base64').toString()) as Json;
      expect(Buffer.from(canonicalJson(value)).toString('hex')).toBe(canonical_hex);
    });
  });
}
