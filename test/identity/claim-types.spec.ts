import { describe, expect, it } from '@jest/globals';

import {
  DIGEST,
  NAME,
  NAME_OR_NAMES,
  NAMES,
  OBJECT,
  SCOPES,
  SCOPES_OR_LIST,
  SECONDS,
} from '#libs/identity/claim-types.js';
import type { Json } from '#libs/kernel/json.js';

const TYPES = { DIGEST, NAME, NAME_OR_NAMES, NAMES, OBJECT, SCOPES, SCOPES_OR_LIST, SECONDS };
const typeOf = (name: keyof typeof TYPES): { words: string; is: (value: Json) => boolean } => TYPES[name];
const digest = 'A'.repeat(43);
const many = (count: number): string[] => Array<string>(count).fill('x');

describe('the type of a claim', () => {
  it.each<[keyof typeof TYPES, string]>([
    ['NAME', 'a printable string of 1 to 256 characters'],
    ['NAMES', 'an array of at most 256 printable strings of 1 to 256 characters'],
    ['NAME_OR_NAMES', 'a printable string or an array of at most 256 of them'],
    ['SECONDS', 'a whole number of seconds'],
    ['SCOPES', 'one string of scopes with single spaces between them'],
    ['SCOPES_OR_LIST', 'one string of scopes with single spaces between them, or an array of scopes'],
    ['OBJECT', 'an object'],
    ['DIGEST', 'a SHA-256 digest in base64url, of 43 characters'],
  ])('A3: %s says to the caller that it is %s', (name, words) => {
    expect(typeOf(name).words).toBe(words);
  });

  it.each<[keyof typeof TYPES, Json[], Json[]]>([
    ['NAME', ['x', 'x'.repeat(256), 'é'], ['', 'x'.repeat(257), 'a\n', '\u2028', '\u2029', 1, null, ['x'], {}]],
    ['NAMES', [[], ['x'], many(256)], [many(257), [''], ['x', ''], [1], [['x']], 'x', null, {}]],
    ['NAME_OR_NAMES', ['x', ['x'], []], ['', [''], many(257), 1, null, {}]],
    ['SECONDS', [0, 1, 2 ** 53 - 1], [-1, 0.5, 2 ** 53, '1', null, [1], true]],
    ['SCOPES', ['', 'a', 'a b', '!~'], [' ', 'a  b', ' a', 'a ', 'a\tb', 'a"', 'a\\', 'é', 1, null, ['a']]],
    ['SCOPES_OR_LIST', ['', 'a b', ['a', 'b'], []], ['a  b', ['a b'], ['a', 'b"'], [''], many(257), 1, null, {}]],
    ['OBJECT', [{}, { a: 1 }], [[], null, 'x', 1]],
    ['DIGEST', [digest], [digest.slice(1), `${digest}A`, `${digest.slice(1)}B`, `${digest.slice(1)}=`, '', 1, null]],
  ])('A3, T2: %s is what it says and nothing near it', (name, good, bad) => {
    expect(good.filter((value) => !typeOf(name).is(value))).toEqual([]);
    expect(bad.filter((value) => typeOf(name).is(value))).toEqual([]);
  });
});
