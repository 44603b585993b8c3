import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { stringify } from 'yaml';

import { MAX_YAML_BYTES, parseStrictYaml, YamlFault, type YamlTree } from '#libs/yaml-file/strict-yaml.js';
import { parseVault, type Folder } from '#libs/yaml-file/vault.js';

function faultOf(text: string, parse: (text: string) => unknown = parseVault): YamlFault {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof YamlFault) return error;
    throw error;
  }
  throw new Error('no fault');
}

describe('strict YAML', () => {
  it.each([
    ['an alias', 'a: &x {b: c}\nd: *x', 1, 7, /anchors/],
    ['an alias of nothing', 'a: *x', 1, 4, /not YAML|aliases/],
    ['an alias as a name', 'a: {? &x b : c, *x : d}', 1, 10, /anchors/],
    ['a tag', 'a: !!binary aGk=', 1, 13, /tags/],
    ['a foreign tag', 'a: !python/object x', 1, 4, /tags/],
    ['a repeated name', 'a: 1\nb: 2\na: 3', 3, 1, /twice/],
    ['a repeated name in flow style', '{a: {b: c, b: d}}', 1, 12, /twice/],
    ['a name that repeats in another spelling', 'a: 1\n"\\x61": 2', 2, 1, /twice/],
    ['a name that is a map', '? {a: b}\n: c', 1, 3, /name must be text/],
    ['a name that is a number', '1: c', 1, 1, /name must be text/],
    ['a name that is null', '~: c', 1, 1, /name must be text/],
    ['a second document', 'a: 1\n---\nb: 2', 2, 1, /more than one document/],
    ['a directive', '%YAML 1.1\n---\na: yes', 1, 1, /directives/],
    ['a tab as indentation', 'a:\n\tb: c', 2, 1, /tab/],
    ['a missing quote', 'a: "b', 1, 6, /missing/],
    ['two names on one line', 'a: b: c', 1, 4, /one line/],
  ])('refuses %s and says where', (_, text, line, column, what) => {
    const fault = faultOf(text, parseStrictYaml);
    expect(fault.place).toEqual({ line, column });
    expect(fault.what).toMatch(what);
  });

  it('refuses the billion laughs before it expands anything', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (let at = 1; at < 30; at += 1)
      lines.push(`b${at}: &b${at} [${`*${at === 1 ? 'a' : `b${at - 1}`}, `.repeat(9)}]`);
    expect(faultOf(lines.join('\n'), parseStrictYaml).what).toMatch(/anchors/);
  });

  it.each([
    ['flow lists', '['.repeat(200_000)],
    ['flow maps', '{a: '.repeat(200_000)],
    ['block lists', '- '.repeat(200_000)],
    ['closed lists', `${'['.repeat(40)}${']'.repeat(40)}`],
    ['block maps', Array.from({ length: 60 }, (__, at) => `${' '.repeat(at)}a:`).join('\n')],
  ])('refuses %s nested without end', (_, text) => {
    expect(faultOf(text, parseStrictYaml).what).toMatch(/nested deeper|missing|not YAML|indentation/);
  });

  it('refuses one byte more than 1 MiB, and takes 1 MiB', () => {
    const filler = (bytes: number): string => `a: b\n#${'é'.repeat((bytes - 6) / 2)}`;
    expect(Buffer.byteLength(filler(MAX_YAML_BYTES))).toBe(MAX_YAML_BYTES);
    expect(parseStrictYaml(filler(MAX_YAML_BYTES))?.kind).toBe('map');
    expect(faultOf(`${filler(MAX_YAML_BYTES)} `, parseStrictYaml).what).toMatch(/1 MiB/);
  });

  it('takes a map of many names in a time that grows with its size only', () => {
    const text = Array.from({ length: 30_000 }, (_, at) => `name-${at}: value`).join('\n');
    const tree = parseStrictYaml(text);
    expect(tree?.kind === 'map' && tree.entries.size).toBe(30_000);
  });

  it('quotes nothing of the text in a fault, whatever the text is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (noise) => {
        const text = `a: CANARY\nb: ${noise}`;
        try {
          parseStrictYaml(text);
        } catch (error) {
          expect(error).toBeInstanceOf(YamlFault);
          expect(String(error)).not.toContain('CANARY');
        }
      }),
      { numRuns: 500 },
    );
  });

  it('reads what a YAML writer writes', () => {
    const leaf = fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean(), fc.constant(null));
    const name = fc.stringMatching(/^[a-z]{1,8}$/);
    const tree = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('node'), { maxLength: 4 }),
        fc.dictionary(name, tie('node'), { maxKeys: 4 }),
      ),
    })).node;
    fc.assert(
      fc.property(tree, (value) => {
        const text = stringify(value, { aliasDuplicateObjects: false });
        const read = parseStrictYaml(text);
        expect(read === undefined ? null : plain(read)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('a vault file', () => {
  it.each([
    ['a number', 'dev: {app: {token: 42}}', 1, 20, /string: put it in quotes/],
    ['a boolean', 'dev: {app: {token: true}}', 1, 20, /string/],
    ['a null', 'dev:\n  app:\n    token:\n', 3, 11, /string/],
    ['a binary', 'dev: {app: {token: !!binary aGk=}}', 1, 29, /tags/],
    ['a wrapped binary', 'dev: {app: {token: {$base64: aGk=}}}', 1, 21, /no secret URI can spell/],
    ['a list', 'dev: {app: {token: [a, b]}}', 1, 20, /not a list/],
    ['a string as a mount', 'dev: text', 1, 1, /mount is a map/],
    ['a key right under a mount', 'dev: {token: text}', 1, 7, /needs a folder/],
    ['a list as the whole', '- a', 1, 1, /expected a map/],
    ['a text as the whole', 'text', 1, 1, /expected a map/],
    ['nothing', '', 1, 1, /empty/],
    ['a comment alone', '# later', 1, 1, /empty/],
    ['a name with a space', 'dev: {"my app": {token: x}}', 1, 7, /no secret URI can spell/],
    ['a name with a slash', 'dev: {"a/b": {token: x}}', 1, 7, /no secret URI can spell/],
    ['an empty name', 'dev: {"": {token: x}}', 1, 7, /no secret URI can spell/],
    ['the name ..', 'dev: {..: {token: x}}', 1, 7, /no secret URI can spell/],
    ['the name __proto__', 'dev: {app: {__proto__: x}}', 1, 13, /no secret URI can spell/],
    ['the name constructor', 'dev: {constructor: {token: x}}', 1, 7, /no secret URI can spell/],
    ['a name of 129 characters', `dev: {app: {${'a'.repeat(129)}: x}}`, 1, 13, /no secret URI can spell/],
  ])('refuses %s and says where', (_, text, line, column, what) => {
    const fault = faultOf(text);
    expect(fault.place).toEqual({ line, column });
    expect(fault.what).toMatch(what);
  });

  it('may hold nothing when it says so', () => {
    expect(parseVault('{}').folders.size).toBe(0);
    expect(parseVault('dev: {}').folders.get('dev')?.whole).toBeUndefined();
  });

  it('keeps keys beside folders apart from what lies in them', () => {
    const app = at(parseVault('dev: {app: {token: a, deep: {token: b}}}'), 'dev', 'app');
    expect(app?.whole).toEqual({ token: 'a' });
    expect(at(app, 'deep')?.whole).toEqual({ token: 'b' });
  });

  it('hands out maps that nobody can change', () => {
    expect(Object.isFrozen(at(parseVault('dev: {app: {token: a}}'), 'dev', 'app')?.whole)).toBe(true);
  });

  it('takes the texts that YAML 1.1 would have made something else of', () => {
    const whole = at(parseVault('dev: {app: {a: yes, b: 2026-01-01, c: 1:30, d: "12"}}'), 'dev', 'app')?.whole;
    expect(whole).toEqual({ a: 'yes', b: '2026-01-01', c: '1:30', d: '12' });
  });
});

function at(folder: Folder | undefined, ...path: string[]): Folder | undefined {
  return path.reduce((found, name) => found?.folders.get(name), folder);
}

function plain(tree: YamlTree): unknown {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(plain);
  return Object.fromEntries([...tree.entries].map(([name, { value }]) => [name, plain(value)]));
}
