import { policySetTextToParts } from '@cedar-policy/cedar-wasm/nodejs';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { lineAt, splitPolicies, type PolicyText } from '#libs/cedar/split-policies.js';

const parts = (text: string): readonly PolicyText[] => {
  const split = splitPolicies(text);
  if ('tooDeepAt' in split) throw new Error('too deep');
  return split;
};
const P = 'permit (principal, action, resource);';
const F = 'forbid (principal, action, resource);';

describe('splitting policies', () => {
  it.each<[string, string, readonly PolicyText[]]>([
    ['nothing', '', []],
    ['only comments', '// a;\n  // b', []],
    ['one', P, [{ text: P, line: 1 }]],
    [
      'two on one line',
      `${P} ${F}`,
      [
        { text: P, line: 1 },
        { text: F, line: 1 },
      ],
    ],
    [
      'a comment before and between',
      `// x;\n${P}\n\n// y;\n${F}\n// z`,
      [
        { text: P, line: 2 },
        { text: F, line: 5 },
      ],
    ],
    [
      'what is not finished',
      `${P}\npermit (`,
      [
        { text: P, line: 1 },
        { text: 'permit (', line: 2 },
      ],
    ],
    [
      'a semicolon in a string',
      '@id("a;b") permit (principal, action, resource);',
      [{ text: '@id("a;b") permit (principal, action, resource);', line: 1 }],
    ],
    ['an escaped quote', String.raw`@id("a\";b") ${P}`, [{ text: String.raw`@id("a\";b") ${P}`, line: 1 }]],
    [
      'two slashes in a string',
      `@id("a//b") ${P} ${F}`,
      [
        { text: `@id("a//b") ${P}`, line: 1 },
        { text: F, line: 1 },
      ],
    ],
    ['a quote in a comment', `// it's "so\n${P}`, [{ text: P, line: 2 }]],
  ])('takes %s', (_name, text, expected) => {
    expect(parts(text)).toEqual(expected);
  });

  it('does not take a policy for a comment that ended at a lone CR', () => {
    expect(parts(`// note\r${F}`)).toEqual([{ text: F, line: 1 }]);
  });

  it('finds as many as Cedar does, each the same, whatever stands between them', () => {
    const policy = fc.constantFrom(P, F, '@id("a;//b") permit (principal, action, resource) when { "\\";" == "//;" };');
    const between = fc.constantFrom('', ' ', '\n', '\r\n', '\r', '// c;\n', '// "\r\n', '//;\r', '\t');
    fc.assert(
      fc.property(fc.array(fc.tuple(between, policy)), between, (some, tail) => {
        const text = some.map((pair) => pair.join('')).join('') + tail;
        const cedar = policySetTextToParts(text);
        if (cedar.type !== 'success') throw new Error(JSON.stringify(cedar.errors));
        expect(parts(text)).toHaveLength(cedar.policies.length);
        expect(parts(text).map(({ text: each }) => each)).toEqual(some.map(([, each]) => each));
      }),
    );
  });

  it.each(['(', '[', '{'])('tells the line where %s is nested too deeply', (bracket) => {
    expect(splitPolicies(`${P}\n${bracket.repeat(65)}`)).toEqual({ tooDeepAt: 2 });
    expect(splitPolicies(bracket.repeat(64))).toHaveLength(1);
  });

  it('counts lines from 1', () => {
    expect([0, 1, 2, 3].map((index) => lineAt('a\nb\n', index))).toEqual([1, 1, 2, 2]);
  });
});
