import { describe, expect, it } from '@jest/globals';

import { CODES, type Code } from '#libs/kernel/codes.js';
import { PROBLEMS } from '#src/http/problems.js';

import { sourceFiles } from '../architecture/source-tree.js';
import { blocks, page, type Page } from './markdown.js';

const line = page('docs/one-secret-read.md');
const known: ReadonlySet<string> = new Set(CODES);

/** A code beside the status it stands under; a code without one stands under the status before it on its line. */
interface Told {
  readonly status: number;
  readonly code: string;
}

/** Of "401 A · B · 503" and of "both 403 `A`". */
function told({ text }: Page): readonly Told[] {
  return text.split('\n').flatMap((each) => {
    let status = 0;
    return [...each.matchAll(/\b(?:([2-5]\d\d)\b|([A-Z][A-Z_]{3,}[A-Z])\b)/g)].flatMap(([, number, word = '']) => {
      if (number !== undefined) status = Number(number);
      return number === undefined && known.has(word) && status !== 0 ? { status, code: word } : [];
    });
  });
}

/** Words that look like codes, by how they are spelled. */
function words({ text }: Page): readonly string[] {
  return [...text.matchAll(/\b[A-Z]{2,}(?:_[A-Z]+)+\b/g)].map(([word]) => word);
}

/** The codes that the rules and the line can throw, by their source. */
function thrown(): ReadonlySet<string> {
  const libs = ['kernel', 'limits', 'identity', 'tenancy', 'decision', 'grants', 'providers', 'audit', 'enforcement'];
  const codes = libs
    .flatMap((lib) => sourceFiles(`libs/${lib}`))
    // prefixes belong to the routes that list, not to a read
    .filter(({ path }) => path !== 'libs/kernel/secret-prefix.ts')
    .flatMap(({ text }) => [...text.matchAll(/new Refusal\(\s*'([A-Z_]+)'/g)])
    .map(([, code = '']) => code);
  return new Set(codes);
}

describe('docs/one-secret-read.md', () => {
  it('puts every code under the status that HTTP gives it', () => {
    const all = told(line);
    expect(all.length).toBeGreaterThan(40);
    expect(all.filter(({ status, code }) => PROBLEMS[code as Code].status !== status)).toEqual([]);
  });

  it('draws every code that the rules and the line can throw', () => {
    const codes = thrown();
    expect(codes.size).toBeGreaterThan(30);
    expect([...codes].filter((code) => !new RegExp(`\\b${code}\\b`).test(line.text))).toEqual([]);
  });

  it('names no code that cannot be thrown in a read', () => {
    // what only HTTP refuses
    const http = new Set(['TARGET_TOO_LONG']);
    const named = new Set(told(line).map(({ code }) => code));
    expect([...named].filter((code) => !thrown().has(code) && !http.has(code))).toEqual([]);
  });

  it('counts the codes of the URI as the grammar does', () => {
    const [grammar] = sourceFiles('libs/kernel').filter(({ path }) => path.endsWith('/uri-grammar.ts'));
    const codes = new Set([...(grammar?.text ?? '').matchAll(/new Refusal\('([A-Z_]+)'/g)].map(([, code]) => code));
    expect(line.text).toMatch(/one of the eleven codes of the URI/);
    expect(codes.size).toBe(11);
    const [, list = ''] = /The codes of the URI are 400 ([^]*?)\.\n/.exec(line.text) ?? [];
    expect(new Set([...list.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code))).toEqual(codes);
  });

  it('lists what the edge answers by statuses that there are', () => {
    const [drawing = ''] = blocks(line, '');
    const [edge = ''] = drawing.split('\n');
    const statuses = [...edge.matchAll(/\b4\d\d\b/g)].map(([status]) => Number(status));
    expect(statuses.length).toBeGreaterThan(8);
    const all = new Set(Object.values(PROBLEMS).map(({ status }) => status));
    expect(statuses.filter((status) => !all.has(status))).toEqual([]);
  });
});

describe.each(['README.md', 'docs/one-secret-read.md', 'docs/policies.md', 'docs/architecture.md', 'SECURITY.md'])(
  '%s',
  (path) => {
    it('spells no code and no setting that there is not', () => {
      const settings = new Set(words(page('docs/configuration.md')));
      const strange = words(page(path)).filter((word) => !known.has(word) && !settings.has(word));
      expect(strange.filter((word) => !OTHERS.has(word))).toEqual([]);
    });
  },
);

/** In capitals, and neither a code nor a setting. */
const OTHERS = new Set(['POSTERN_VECTORS']);
