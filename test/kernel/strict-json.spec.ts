import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { parseStrictJson, StrictJsonError, type StrictJsonReason } from '#libs/kernel/strict-json.js';

import { anyText } from '../support/any-text.js';
import { readVectors, vectorsFolder } from '../support/vectors.js';

describe('a text that both readers take', () => {
  it.each([
    'null',
    ' [ ] ',
    '\t{"a":1,\r\n"b":[true,false,null,{"":""}]}\n',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uD83d\\uDe00\u007f\u2028"',
    '[0,-0,1,-1,0.5,-0.5,1e3,1E+3,12.5e-1,9007199254740991,-9007199254740991,0e0,0.1e-400]',
    '{"constructor":1,"toString":2,"prototype":3,"__proto":4}',
    '["\u{1F600}"]',
  ])('%j means the same to both', (text) => {
    expect(parseStrictJson(text)).toEqual(JSON.parse(text));
    expect(parseStrictJson(Buffer.from(text))).toEqual(JSON.parse(text));
  });

  it('has every hexadecimal digit of an escape, in either case, and none beside them', () => {
    for (const digit of '0123456789abcdefABCDEF') {
      expect(parseStrictJson(`"\\u00${digit}${digit}"`)).toBe(String.fromCharCode(Number.parseInt(digit, 16) * 17));
    }
    for (const digit of '/:@G`g') expect(refused(`"\\u000${digit}"`)[0]).toBe('syntax');
  });

  it('tells minus zero from zero as JSON.parse does', () => {
    expect(Object.is(parseStrictJson('-0'), -0)).toBe(true);
  });

  it('yields objects that know no name which was not sent', () => {
    const value = parseStrictJson('{"sub":"a"}') as Record<string, unknown>;
    expect(value['constructor']).toBeUndefined();
    expect(value['hasOwnProperty']).toBeUndefined();
    expect(Object.getPrototypeOf(value)).toBeNull();
  });
});

describe('a text that JSON.parse takes and we refuse', () => {
  it.each<[string, StrictJsonReason, number]>([
    ['{"a":1,"a":1}', 'duplicate name', 7],
    ['{"a":1,"\\u0061":2}', 'duplicate name', 7],
    ['{"":1,"":2}', 'duplicate name', 6],
    ['[{"toString":1,"toString":2}]', 'duplicate name', 15],
    ['{"__proto__":{}}', 'reserved name', 1],
    ['{"a":{"__pro\\u0074o__":1}}', 'reserved name', 6],
    ['1e400', 'number out of range', 0],
    ['[-1e400]', 'number out of range', 1],
    ['9007199254740992', 'number out of range', 0],
    ['-9007199254740992', 'number out of range', 0],
    ['9007199254740993', 'number out of range', 0],
    ['9007199254740991.9', 'number out of range', 0],
    ['1e300', 'number out of range', 0],
    ['100000000000000000000', 'number out of range', 0],
    ['"\\ud800"', 'lone surrogate', 0],
    ['{"\\udc00":1}', 'lone surrogate', 1],
    ['["\\udc00\\ud800"]', 'lone surrogate', 1],
    ['"\ud800"', 'lone surrogate', 0],
    ['"\ud83d\\ude00"', 'lone surrogate', 0],
    ['"\\ud83d\ude00"', 'lone surrogate', 0],
    [`${'['.repeat(33)}${']'.repeat(33)}`, 'depth', 32],
    [`${'{"a":'.repeat(33)}1${'}'.repeat(33)}`, 'depth', 160],
  ])('%j is refused for its %s', (text, reason, at) => {
    expect(() => JSON.parse(text) as unknown).not.toThrow();
    expect(refused(text)).toEqual([reason, at]);
  });

  it('may be as deep as the limit, and the limit can be set', () => {
    const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(parseStrictJson(deep(32))).toEqual(JSON.parse(deep(32)));
    expect(parseStrictJson('7', { maxDepth: 0 })).toBe(7);
    expect(() => parseStrictJson('[]', { maxDepth: 0 })).toThrow('depth');
    expect(() => parseStrictJson('[{}]', { maxDepth: 1 })).toThrow('depth');
  });

  it('is refused without running out of stack however deep it is', () => {
    expect(refused('['.repeat(100_000))).toEqual(['depth', 32]);
    expect(refused('{"a":'.repeat(100_000))).toEqual(['depth', 160]);
  });
});

describe('bytes', () => {
  it.each<[string, number[], StrictJsonReason]>([
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x31], 'byte order mark'],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22], 'encoding'],
    ['a lone continuation', [0x22, 0x80, 0x22], 'encoding'],
    ['a cut sequence', [0x22, 0xe2, 0x82], 'encoding'],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22], 'encoding'],
    ['what lies beyond U+10FFFF', [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22], 'encoding'],
    ['UTF-16', [0x31, 0x00], 'syntax'],
  ])('with %s are refused', (_what, bytes, reason) => {
    expect(refused(Uint8Array.from(bytes))[0]).toBe(reason);
  });

  it('are refused after one another without remembering anything', () => {
    expect(refused(Uint8Array.from([0x22, 0xe2]))[0]).toBe('encoding');
    expect(parseStrictJson(Uint8Array.from([0x22, 0xe2, 0x82, 0xac, 0x22]))).toBe('\u20ac');
  });

  it('with a byte order mark as text are refused too', () => {
    expect(refused('\ufeff1')).toEqual(['byte order mark', 0]);
  });
});

describe('what is no JSON', () => {
  it.each([
    '',
    ' ',
    '[',
    ']',
    '{',
    '{]',
    '[}',
    '[1',
    '[1,',
    '[1,]',
    '[,1]',
    '[1 2]',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{,}',
    '{a:1}',
    "{'a':1}",
    '{"a":1 "b":2}',
    '{"a"::1}',
    '1 2',
    '[]]',
    'nul',
    'nulls',
    'True',
    'NaN',
    'Infinity',
    '-Infinity',
    '-',
    '+1',
    '.5',
    '1.',
    '1.e1',
    '1e',
    '1e+',
    '01',
    '-01',
    '00',
    '0x10',
    '1_000',
    '"',
    '"a',
    '"\\',
    '"\\x41"',
    '"\u001f"',
    '"\\u"',
    '"\\u004"',
    '"\\u00g0"',
    '"\\u+041"',
    '"\\u 041"',
    '"\n"',
    '"\t"',
    '"\0"',
    '\f1',
    '\u00a01',
    '1\u2028',
    '\v[]',
    '/**/1',
    '1//',
    '[1]#',
    '"a"\0',
    '\0',
    'tru\u0065x',
    '1\ufeff',
    '[\ufeff]',
    '"\\\u0000"',
    '{"a":1,"b"',
    '"a\\',
    '1-1',
    '1e1.5',
    '--1',
  ])('%j is refused by both', (text) => {
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
    expect(refused(text)[0]).toBe('syntax');
  });

  it('is never repeated in the error', () => {
    const error = errorOf('{"token":"do-not-repeat" x}');
    expect(`${error.message}${error.stack}`).not.toContain('do-not-repeat');
    expect([error.name, error.message]).toEqual(['StrictJsonError', 'syntax at character 25']);
  });
});

describe('any text', () => {
  const unit = fc.constantFrom(
    ...'[]{}:,"\\/0123456789eE+-.tfnrulsa bu\n\u0000\ud83d\ude00\ufeff'.split(''),
    'true',
    '\\u00',
    'null',
    '"a"',
  );
  const texts = fc.oneof(
    fc.json(),
    anyText(),
    fc.array(unit, { maxLength: 12 }).map((units) => units.join('')),
    broken(fc.json()),
  );

  it('that we take means to JSON.parse what it means to us, and what JSON.parse refuses we refuse', () => {
    let [tried, taken] = [0, 0];
    fc.assert(
      fc.property(texts, (text) => {
        tried += 1;
        let ours: unknown;
        try {
          ours = parseStrictJson(text);
        } catch (error) {
          expect(error).toBeInstanceOf(StrictJsonError);
          return;
        }
        taken += 1;
        expect(ours).toEqual(JSON.parse(text));
        expect(parseStrictJson(Buffer.from(text))).toEqual(ours);
      }),
      { numRuns: 5_000 },
    );
    expect(taken).toBeGreaterThan(tried / 10);
  });

  it('that JSON.stringify made of a value within our rules is taken', () => {
    const values = fc.jsonValue({ maxDepth: 5 });
    fc.assert(
      fc.property(values, (value) => {
        const text = JSON.stringify(value);
        fc.pre(!/__proto__|\\ud[89a-f]|\d{16}|e\+/i.test(text));
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });
});

/** One character changed, left out or put in: texts that are almost JSON. */
function broken(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const mark = fc.constantFrom(...'[]{}:,"\\0e.- \u0001'.split(''), '');
  return fc.tuple(texts, fc.nat(), mark, fc.boolean()).map(([text, place, with_, over]) => {
    const at = place % (text.length + 1);
    return text.slice(0, at) + with_ + text.slice(over ? at + 1 : at);
  });
}

if (vectorsFolder('JSON test suite')) {
  interface Suite {
    readonly cases: readonly { name: string; expect: 'accept' | 'reject' | 'either'; b64: string }[];
  }
  const { cases } = readVectors('json/json-test-suite.json') as Suite;

  /** Legal by RFC 8259, refused by our rules. */
  const STRICTER: ReadonlyMap<string, StrictJsonReason> = new Map([
    ['y_object_duplicated_key.json', 'duplicate name'],
    ['y_object_duplicated_key_and_value.json', 'duplicate name'],
    ['y_number.json', 'number out of range'],
    ['y_number_real_capital_e.json', 'number out of range'],
    ['y_number_real_exponent.json', 'number out of range'],
    ['y_number_real_fraction_exponent.json', 'number out of range'],
    ['y_object_extreme_numbers.json', 'number out of range'],
  ]);

  describe('the JSON test suite', () => {
    it('is all there', () => {
      expect(cases.length).toBe(316);
    });

    it.each(cases.filter(({ expect: wanted }) => wanted === 'accept'))(
      '$name is taken, or refused by a rule of ours',
      ({ name, b64 }) => {
        const bytes = Buffer.from(b64, 'base64');
        const reason = STRICTER.get(name);
        if (reason !== undefined) expect(refused(bytes)[0]).toBe(reason);
        else expect(parseStrictJson(bytes)).toEqual(JSON.parse(bytes.toString()));
      },
    );

    it.each(cases.filter(({ expect: wanted }) => wanted === 'reject'))('$name is refused', ({ b64 }) => {
      expect(() => parseStrictJson(Buffer.from(b64, 'base64'))).toThrow(StrictJsonError);
    });

    it.each(cases.filter(({ expect: wanted }) => wanted === 'either'))(
      '$name is refused or means what it says',
      ({ b64 }) => {
        const bytes = Buffer.from(b64, 'base64');
        let ours: unknown;
        try {
          ours = parseStrictJson(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(StrictJsonError);
          return;
        }
        expect(ours).toEqual(JSON.parse(bytes.toString()));
      },
    );
  });
}

function refused(text: string | Uint8Array): [StrictJsonReason, number] {
  const { reason, at } = errorOf(text);
  return [reason, at];
}

function errorOf(text: string | Uint8Array): StrictJsonError {
  try {
    parseStrictJson(text);
  } catch (error) {
    if (error instanceof StrictJsonError) return error;
    throw error;
  }
  throw new Error(`was taken: ${JSON.stringify(text)}`);
}
