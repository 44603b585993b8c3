import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { ROOT } from '../architecture/source-tree.js';

const page = readFileSync(join(ROOT, 'docs/specs.md'), 'utf8');
/** `[file](../path): title`, up to the next cell or line break. */
const named = [...page.matchAll(/\]\(\.\.\/(test\/[^)]+\.ts)\): ((?:\\\||(?!<br>)[^|])+?) *(?=\||<br>)/gu)].map(
  ([, path = '', title = '']) => ({
    path,
    title: title.replaceAll('\\|', '|'),
  }),
);

/** The text of a test file with its quotes unescaped, since a title may hold one. */
function titlesIn(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8').replaceAll("\\'", "'");
}

describe('docs/specs.md', () => {
  it('names tests that are there, by the titles that they have', () => {
    expect(named.length).toBeGreaterThan(100);
    const missing = named.filter(({ path, title }) => !existsSync(join(ROOT, path)) || !titlesIn(path).includes(title));
    expect(missing).toEqual([]);
  });

  it('has a row for every check of a proof, and for every trap and rule of tokens that is built', () => {
    const expected = [
      ...Array.from({ length: 26 }, (_, at) => `D${at + 1}`),
      ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 22, 23].map((trap) => `T${trap}`),
      ...Array.from({ length: 12 }, (_, at) => `A${at + 1}`),
      ...Array.from({ length: 14 }, (_, at) => `J${at + 1}`),
      ...Array.from({ length: 10 }, (_, at) => `M${at + 1}`),
      ...Array.from({ length: 7 }, (_, at) => `S${at + 1}`),
      ...Array.from({ length: 5 }, (_, at) => `B${at + 1}`),
      ...[1, 2, 3, 4, 5, 7, 8].map((problem) => `P${problem}`),
      ...Array.from({ length: 9 }, (_, at) => `R${at + 1}`),
      'T17',
    ];
    const ids = new Set(
      page.split('\n').flatMap((line) => /^\| ((?:[A-Z]+\d+(?:, )?)+) *\|/u.exec(line)?.[1]?.split(', ') ?? []),
    );
    expect(expected.filter((id) => !ids.has(id))).toEqual([]);
  });

  it('names functions of files that are there', () => {
    const files = [...page.matchAll(/`((?:libs|src)\/[\w/.-]+\.ts)`/gu)].map(([, path = '']) => path);
    expect(files.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});
