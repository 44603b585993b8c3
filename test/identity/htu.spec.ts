import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { isSpelledAlike, namesTarget, parseHtu } from '#libs/identity/htu.js';

import { anyText } from '../support/any-text.js';

function names(htu: string, origin: string, path: string): boolean {
  const parsed = parseHtu(htu);
  return parsed !== undefined && namesTarget(parsed, [origin], path);
}

describe('htu as most clients write it', () => {
  const origins = ['http://localhost:8080', 'https://h.example'];

  it('D10: is one of the origins and the path, octet for octet', () => {
    expect(isSpelledAlike('https://h.example/a', origins, '/a')).toBe(true);
    expect(isSpelledAlike('http://localhost:8080/a', origins, '/a')).toBe(true);
    for (const other of [
      'https://h.example/b',
      'HTTPS://h.example/a',
      'https://h.example/a?x',
      '/a',
      'https://evil.example/a',
    ]) {
      expect(isSpelledAlike(other, origins, '/a')).toBe(false);
    }
    expect(isSpelledAlike('https://h.example/a', [], '/a')).toBe(false);
  });

  it('T13: has no character that is none of a URI, not even where the target has it too', () => {
    for (const path of ['/a b', '/a\\b', '/é', '/a\n', '/\u007f']) {
      expect(isSpelledAlike(`https://h.example${path}`, origins, path)).toBe(false);
    }
  });
});

describe('htu and the target', () => {
  it.each([
    ['https://h.example/a', 'https://h.example', '/a'],
    ['HTTPS://H.Example/a', 'https://h.example', '/a'],
    ['https://h.example/a', 'HTTPS://H.EXAMPLE', '/a'],
    ['https://h.example:443/a', 'https://h.example', '/a'],
    ['https://h.example:/a', 'https://h.example', '/a'],
    ['https://h.example/a', 'https://h.example:443', '/a'],
    ['http://h.example:80/a', 'http://h.example', '/a'],
    ['http://127.0.0.1:8080/a', 'http://127.0.0.1:8080', '/a'],
    ['http://[::1]:8080/a', 'http://[::1]:8080', '/a'],
    ['https://h.example/a?x=1', 'https://h.example', '/a'],
    ['https://h.example/a#f', 'https://h.example', '/a'],
    ['https://h.example/a?x#y?z', 'https://h.example', '/a'],
    ['https://h.example?x', 'https://h.example', '/'],
    ['https://h.example', 'https://h.example', '/'],
    ['https://h.example/a%2fb', 'https://h.example', '/a%2Fb'],
    ['https://h.example/%61%2D%7e', 'https://h.example', '/a-~'],
    ['https://h.example/a-~', 'https://h.example', '/%61%2d%7E'],
    ['https://h.example/%c3%a9', 'https://h.example', '/%C3%A9'],
    ['https://h.example/%', 'https://h.example', '/%'],
    ['https://h.example/a;b=c,d:e@f!$&()*+=', 'https://h.example', '/a;b=c,d:e@f!$&()*+='],
  ])('D10: %s under %s names %s', (htu, origin, path) => {
    expect(names(htu, origin, path)).toBe(true);
  });

  it('D10: comes apart into an origin and a path, each in its one spelling', () => {
    expect(parseHtu('HTTPS://H.Example:443/%7e%2f%c3?x#y')).toEqual({ origin: 'https://h.example', path: '/~%2F%C3' });
    expect(parseHtu('http://h.example:8080')).toEqual({ origin: 'http://h.example:8080', path: '/' });
  });

  it.each([
    ['https://h.example/a%2Fb', '/a/b'],
    ['https://h.example/a/', '/a'],
    ['https://h.example/a', '/a/'],
    ['https://h.example/A', '/a'],
    ['https://h.example//a', '/a'],
    ['https://h.example/./a', '/a'],
    ['https://h.example/b/../a', '/a'],
    ['https://h.example/b/%2e%2e/a', '/a'],
    ['https://h.example/%2561', '/a'],
    ['https://h.example/%41', '/a'],
    ['https://h.example/a%20b', '/a b'],
    ['https://h.example/a%3Fb', '/a?b'],
    ['https://h.example/a+b', '/a%20b'],
    ['https://h.example/a', '/a#b'],
    ['https://h.example/a', '/a?b'],
    ['https://h.example:0443/a', '/a'],
    ['https://h.example:80/a', '/a'],
    ['http://h.example/a', '/a'],
    ['https://h.example./a', '/a'],
    ['https://hxexample/a', '/a'],
    ['https://h.example.evil.example/a', '/a'],
  ])('D10: %s does not name %s', (htu, path) => {
    expect(names(htu, 'https://h.example', path)).toBe(false);
  });

  it.each([
    'https://h.example@evil.example/a',
    'https://@h.example/a',
    'https://h.example:443@evil.example/a',
    'https://h.example\\@evil.example/a',
    'https://h.exa\tmple/a',
    'https://h.example/a\r\n',
    'https://h.example/a b',
    'https:///a',
    'https:h.example/a',
    'https//h.example/a',
    'https://h.example:x/a',
    'https://h.example:1:2/a',
    'https://h%2Eexample/a',
    'https://[h.example/a',
    'https://ｈ.example/a',
    'https://h.example/\u007f',
    'file:///a',
    'javascript:alert(1)',
  ])('T13: %j is no URI that a proof may name', (htu) => {
    expect(parseHtu(htu)).toBeUndefined();
  });

  it('D11: an origin that is no absolute URI names nothing', () => {
    for (const origin of ['', '*', 'h.example', 'https://'])
      expect(names('https://h.example/a', origin, '/a')).toBe(false);
  });

  /** All spellings of one character stand in one row; characters of two rows are never equal. */
  const rows = [
    ['a', '%61'],
    ['Z', '%5A', '%5a'],
    ['~', '%7E', '%7e'],
    ['/'],
    ['%2F', '%2f'],
    ['%C3', '%c3'],
    [':'],
    ['%3A', '%3a'],
  ];
  const character = fc.record({ row: fc.nat(rows.length - 1), one: fc.nat(2), other: fc.nat(2), swapped: fc.nat(20) });
  const spelt = (row: number, spelling: number) =>
    rows[row % rows.length]!.at(spelling % rows[row % rows.length]!.length)!;

  it('D10: paths are equal exactly when each character is, however it is escaped', () => {
    fc.assert(
      fc.property(fc.array(character, { maxLength: 8 }), (characters) => {
        const one = characters.map((at) => spelt(at.row, at.one)).join('');
        const other = characters.map((at) => spelt(at.swapped === 0 ? at.row + 1 : at.row, at.other)).join('');
        const same = characters.every(({ swapped }) => swapped !== 0);
        expect(names(`https://h.example/${one}`, 'https://h.example', `/${other}`)).toBe(same);
      }),
      { numRuns: 3000 },
    );
  });

  it('T13: never throws, whatever the text', () => {
    fc.assert(
      fc.property(anyText({ maxLength: 60 }), (tail) => {
        const parsed = parseHtu(`https://h.example/${tail}`);
        expect(parsed === undefined || parsed.origin === 'https://h.example').toBe(true);
        expect(parseHtu(tail) === undefined || /^https?:\/\//i.test(tail)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});
