import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { nodesOf, ROOT } from '../architecture/source-tree.js';
import { vectorsFolder } from '../support/vectors.js';

const page = readFileSync(join(ROOT, 'docs/security-checks.md'), 'utf8');

/** How many lines each list has (spec, Security, sections 1, 2.1 to 2.7, 3 and 6). P6 is no line of its list. */
const LISTS: Readonly<Record<string, number>> = {
  T: 24,
  D: 26,
  M: 10,
  S: 7,
  J: 14,
  A: 12,
  B: 5,
  P: 8,
  R: 9,
  N: 34,
  I: 44,
};
const IDS = Object.entries(LISTS).flatMap(([list, lines]) =>
  Array.from({ length: lines }, (_, at) => `${list}${at + 1}`).filter((id) => id !== 'P6'),
);

/** What is not built yet: nothing else may be waited for. */
const LATER = [
  'wraps',
  'the shared store',
  'the shared store and Kafka',
  'Kafka',
  'signed events',
  'agents',
  'the admin listener',
  'wraps, events and the admin listener',
  'the KV v2 provider',
  'revocation',
  'the AuthZEN decision point over HTTP',
  'the notary',
  'several instances',
  'OpenAPI',
];

interface Row {
  readonly id: string;
  readonly shown: readonly { readonly path: string; readonly title: string }[];
  readonly later: string | undefined;
}

const rows: readonly Row[] = page.split('\n').flatMap((line) => {
  const [, id, shownBy] = /^\| ([A-Z]+\d+) \| (?:[^|])+ \| (.+) \|$/u.exec(line) ?? [];
  if (id === undefined || shownBy === undefined) return [];
  const cells = shownBy.split('<br>');
  const shown = cells.flatMap((cell) => {
    const [, path, title] = /^\[[^\]]+\]\(\.\.\/(test\/[^)]+\.ts)\): (.+)$/u.exec(cell.trim()) ?? [];
    return path === undefined || title === undefined ? [] : [{ path, title: title.replaceAll('\\|', '|') }];
  });
  const later = cells.flatMap((cell) => /^(?:the rest )?comes with (.+)$/u.exec(cell.trim())?.[1] ?? [])[0];
  expect({ id, cells: cells.length }).toEqual({ id, cells: shown.length + Number(later !== undefined) });
  return [{ id, shown, later }];
});

/** Ids before a colon, then a sentence. */
const TITLE = /^((?:[TDMSJABPRNIZ]\d+(?:,? |(?=:)))+): ?/u;
const idsOf = (title: string): readonly string[] => TITLE.exec(title)?.[1]?.match(/[A-Z]\d+/gu) ?? [];

/** Every text in a file of tests that is a title with ids, template or not; the parts of a template behind its first are left out. */
function titlesIn(path: string): readonly string[] {
  const file = { path, text: readFileSync(join(ROOT, path), 'utf8') };
  return [...nodesOf(file)].flatMap((node) => {
    const first = node['type'] === 'TemplateLiteral' ? (node['quasis'] as { cooked: string }[])[0]?.cooked : undefined;
    const text = node['type'] === 'StringLiteral' ? String(node['value']) : first;
    return text !== undefined && TITLE.test(`${text} `) ? [text] : [];
  });
}

const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(spec|contract)\.ts$/u.test(name))
  .map((name) => `test/${name}`);
const titles = new Map(files.map((path) => [path, titlesIn(path)]));

describe('docs/security-checks.md', () => {
  it('has one row for every line of the checklists', () => {
    expect(rows.map(({ id }) => id)).toEqual(IDS);
  });

  it('names tests that are there, each by a title that begins with the id of the row', () => {
    const wrong = rows.flatMap(({ id, shown }) =>
      shown.filter(({ path, title }) => {
        const starts = (text: string): boolean => text === title || (title.includes('${') && title.startsWith(text));
        return !idsOf(title).includes(id) || !(titles.get(path) ?? []).some(starts);
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('names a test for every line of D, M, S, J, A, B, P, R and every trap T', () => {
    expect(rows.filter(({ id, shown }) => !/^[NI]/u.test(id) && shown.length === 0)).toEqual([]);
  });

  it('names a test for every attack and invariant, or what it comes with', () => {
    expect(rows.filter(({ shown, later }) => shown.length === 0 && later === undefined)).toEqual([]);
    expect(rows.filter(({ later }) => later !== undefined && !LATER.includes(later))).toEqual([]);
  });

  it('waits for nothing that has tests already', () => {
    const tested = new Set([...titles.values()].flat().flatMap(idsOf));
    expect(rows.filter(({ id, shown }) => shown.length === 0 && tested.has(id)).map(({ id }) => id)).toEqual([]);
  });
});

describe('the titles of the tests', () => {
  it('name every line of the checklists that must be shown', () => {
    const tested = new Set([...titles.values()].flat().flatMap(idsOf));
    const expected = IDS.filter(
      (id) => !/^[NI]/u.test(id) || rows.some((row) => row.id === id && row.shown.length > 0),
    );
    expect(expected.filter((id) => !tested.has(id))).toEqual([]);
  });

  it('name no line that there is not', () => {
    const known = new Set([...IDS, ...Array.from({ length: 14 }, (_, at) => `Z${at + 1}`)]);
    const unknown = [...titles].flatMap(([path, of]) =>
      of.filter((title) => !idsOf(title).every((id) => known.has(id))).map((title) => `${path}: ${title}`),
    );
    expect(unknown).toEqual([]);
  });
});

describe('the published vectors', () => {
  const listed = [...page.matchAll(/^\| ([\w-]+(?:\/[\w.-]+| \(all files\))) \| (.+) \|$/gmu)].map(
    ([, name = '', by = '']) => ({ name, by }),
  );

  it('are listed with the suite that reads them, or with what they wait for', () => {
    expect(listed.length).toBeGreaterThan(20);
    for (const { name, by } of listed) {
      const path = /\(\.\.\/(test\/[^)]+)\)/u.exec(by)?.[1];
      if (path === undefined) expect({ name, by }).toEqual({ name, by: expect.stringMatching(/^comes with /u) });
      else {
        expect({ name, there: existsSync(join(ROOT, path)) }).toEqual({ name, there: true });
        const [folder = '', file = ''] = name.split('/');
        const text = readFileSync(join(ROOT, path), 'utf8');
        const read =
          text.includes(name) ||
          (text.includes(`${folder}/\${`) && text.includes(file.replace(/\.(schema\.)?json$/u, '')));
        expect({ name, path, read }).toEqual({ name, path, read: true });
      }
    }
  });

  const folder = vectorsFolder('the list of published vectors');
  it('are all listed, where they are there', () => {
    const there =
      folder === undefined
        ? []
        : readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
    expect(there.length > 0).toBe(folder !== undefined);
    const unlisted = there.filter(
      (name) => !listed.some((row) => row.name === name || row.name === `${name.split('/', 1)[0]} (all files)`),
    );
    expect(unlisted).toEqual([]);
  });
});
