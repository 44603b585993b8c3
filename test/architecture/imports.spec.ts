import { describe, expect, it } from '@jest/globals';

import { ALLOWED, KNOWS_ADAPTERS, PURE_NODE_MODULES } from './allowed-imports.js';
import { importsOf, nodesOf, resolveOurs, sourceFiles, type SourceFile } from './source-tree.js';

const libs = sourceFiles('libs');
const src = sourceFiles('src');
const everything = [...libs, ...src, ...sourceFiles('test')];

const libOf = (path: string): string | undefined => (path.startsWith('libs/') ? path.split('/')[1] : undefined);
const isAdapter = (lib: string): boolean => ALLOWED[lib]?.ring === 3;
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

describe('the allowed-imports table', () => {
  it('has a row for every lib, and no row for a lib that is not there', () => {
    expect(new Set(libs.map(({ path }) => libOf(path)))).toEqual(new Set(Object.keys(ALLOWED)));
  });

  it('lets arrows point inward only', () => {
    for (const row of Object.values(ALLOWED)) {
      if (row.ring === 'alone') continue;
      for (const name of row.libs) expect(ALLOWED[name]?.ring).toBeLessThanOrEqual(Math.min(row.ring, 2));
    }
  });

  it('is kept by every file below libs', () => {
    expect(libs.flatMap(violationsOf)).toEqual([]);
  });

  it('lets only composition and the command line name an adapter', () => {
    const strangers = src
      .filter(({ path }) => !KNOWS_ADAPTERS.some((folder) => path.startsWith(folder)))
      .flatMap((file) =>
        importsOf(file)
          .map((specifier) => libOf(resolveOurs(file, specifier) ?? ''))
          .filter((lib) => lib !== undefined && isAdapter(lib))
          .map((lib) => `${file.path} names ${lib}`),
      );
    expect(strangers).toEqual([]);
  });

  it('knows no import cycle', () => {
    expect(cyclesIn([...libs, ...src])).toEqual([]);
  });
});

describe('rings 0 to 2', () => {
  const inner = libs.filter(({ path }) => {
    const ring = ALLOWED[libOf(path) ?? '']?.ring;
    return typeof ring === 'number' && ring <= 2;
  });

  it('know no clock, no randomness and no environment: time and ids are arguments', () => {
    const forbidden = new Set([
      'Date',
      'performance',
      'process',
      'globalThis',
      'setTimeout',
      'setInterval',
      'setImmediate',
      'queueMicrotask',
      'randomBytes',
      'randomUUID',
      'randomInt',
      'getRandomValues',
      'generateKeyPairSync',
      'generateKeyPair',
      'console',
      'require',
    ]);
    const found = inner.flatMap((file) =>
      [...nodesOf(file)]
        .filter((node) => node['type'] === 'Identifier' && forbidden.has(String(node['value'])))
        .map((node) => `${file.path}: ${String(node['value'])}`)
        // `new Date(ms)` only writes a given time as text
        .filter((hit) => !hit.endsWith(': Date') || /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)/u.test(textOf(hit))),
    );
    expect(found).toEqual([]);

    function textOf(hit: string): string {
      return inner.find(({ path }) => hit.startsWith(`${path}:`))?.text ?? '';
    }
  });
});

describe('the tree', () => {
  it('has no drawers and no barrels', () => {
    const drawers = everything.filter(({ path }) =>
      /(?:^|\/)(?:utils?|helpers?|common|shared|misc|index)(?:\.ts$|\/)/u.test(path),
    );
    expect(drawers.map(({ path }) => path)).toEqual([]);
    const stars = everything.filter((file) =>
      [...nodesOf(file)].some((node) => node['type'] === 'ExportAllDeclaration'),
    );
    expect(stars.map(({ path }) => path)).toEqual([]);
  });

  it('keeps the framework out of everything below libs, and security out of guards, pipes and interceptors', () => {
    const names = new Set([
      'CanActivate',
      'NestInterceptor',
      'PipeTransform',
      'UseGuards',
      'UseInterceptors',
      'UsePipes',
      'ValidationPipe',
      'forwardRef',
      'Global',
    ]);
    const found = src.flatMap((file) =>
      [...nodesOf(file)]
        .filter((node) => node['type'] === 'Identifier' && names.has(String(node['value'])))
        .map((node) => `${file.path}: ${String(node['value'])}`),
    );
    expect(found).toEqual([]);
  });
});

function violationsOf(file: SourceFile): readonly string[] {
  const own = libOf(file.path) ?? '';
  const row = ALLOWED[own];
  if (row === undefined) return [`${file.path}: no row`];
  return importsOf(file).flatMap((specifier) => {
    const ours = resolveOurs(file, specifier);
    const allowed =
      ours === undefined
        ? specifier.startsWith('node:')
          ? row.ring === 3 || PURE_NODE_MODULES.includes(specifier)
          : row.packages.includes(packageOf(specifier))
        : libOf(ours) === own || row.libs.includes(libOf(ours) ?? '');
    return allowed ? [] : [`${file.path} imports ${specifier}`];
  });
}

function cyclesIn(files: readonly SourceFile[]): readonly string[] {
  const graph = new Map(
    files.map((file) => [file.path, importsOf(file).flatMap((specifier) => resolveOurs(file, specifier) ?? [])]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const walk = (path: string, above: readonly string[]): void => {
    const start = above.indexOf(path);
    if (start >= 0) cycles.push([...above.slice(start), path].join(' → '));
    if (start >= 0 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) walk(next, [...above, path]);
    done.add(path);
  };
  for (const path of graph.keys()) walk(path, []);
  return cycles;
}
