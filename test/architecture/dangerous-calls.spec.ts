import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { nodesOf, ROOT, type SourceFile, sourceFiles } from './source-tree.js';

/** What is called in a file: `name(…)` and `object.name(…)` alike, with the text of the call. */
function callsOf(file: SourceFile): readonly { readonly name: string; readonly text: string }[] {
  const calls = [...nodesOf(file)].filter(({ type }) => type === 'CallExpression' || type === 'NewExpression');
  return calls.flatMap((call) => {
    const callee = call['callee'] as { type: string; value?: string; property?: { value?: string } };
    const name = callee.type === 'Identifier' ? callee.value : callee.property?.value;
    return name === undefined ? [] : [{ name, text: JSON.stringify(call) }];
  });
}

const SOURCES = sourceFiles('src', 'libs');
const CALLS = SOURCES.flatMap((file) => callsOf(file).map((call) => ({ ...call, path: file.path })));

const callers = (...names: readonly string[]): readonly string[] =>
  CALLS.filter(({ name }) => names.includes(name)).map(({ path, name }) => `${path}: ${name}`);

describe('the source', () => {
  it('is read: calls are found where they are', () => {
    expect(callers('createHmac').length).toBeGreaterThan(0);
    expect(CALLS.length).toBeGreaterThan(1_000);
  });

  it('T20: decrypts nothing without saying how long an authentication tag is', () => {
    const silent = CALLS.filter(
      ({ name, text }) => /^create(C|Dec)ipheriv$/.test(name) && !text.includes('authTagLength'),
    );
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  it('J9, J12, J14: runs no text as code, starts no program but on the command line, inflates and decrypts no input', () => {
    expect(callers('eval', 'Function', 'runInContext', 'runInNewContext', 'runInThisContext')).toEqual([]);
    expect(
      callers('exec', 'execSync', 'spawn', 'spawnSync', 'fork').filter((caller) => !/^src\/cli\/|: exec$/.test(caller)),
    ).toEqual([]);
    expect(
      callers('inflate', 'inflateSync', 'gunzip', 'gunzipSync', 'brotliDecompress', 'createGunzip', 'createInflate'),
    ).toEqual([]);
    expect(callers('compactDecrypt', 'jwtDecrypt', 'flattenedDecrypt', 'generalDecrypt')).toEqual([]);
  });

  it('J7, J9: takes no key from a token, and fetches keys by no library of its own choice', () => {
    expect(callers('createRemoteJWKSet', 'EmbeddedJWK', 'importX509', 'importPKCS8')).toEqual([]);
  });

  it('T17: believes no proxy by the framework', () => {
    const app = SOURCES.find(({ path }) => path === 'src/app.ts')?.text ?? '';
    expect(app).toMatch(/trustProxy: false,/);
    expect(SOURCES.filter(({ text }) => /trustProxy: (?!false)/.test(text)).map(({ path }) => path)).toEqual([]);
  });

  it('T21: listens for SIGUSR1 before it imports anything', () => {
    const main = readFileSync(join(ROOT, 'src/main.ts'), 'utf8').replaceAll(/\/\*[^]*?\*\//gu, '');
    expect(main.trimStart()).toMatch(/^process\.on\('SIGUSR1', \(\) => \{\}\);/);
    expect(main).not.toMatch(/^import /m);
  });
});

interface Locked {
  readonly integrity?: string;
  readonly link?: boolean;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly inBundle?: boolean;
}

describe('N34: the packages', () => {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>;
  };
  const installed = Object.entries(lock.packages).filter(
    ([path, { link }]) => path.startsWith('node_modules/') && link !== true,
  );
  const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, Record<string, string>>;

  it('N34: are each named by a hash of their contents, and by no address', () => {
    expect(installed.length).toBeGreaterThan(300);
    const unnamed = installed.filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''));
    expect(unnamed.map(([path]) => path)).toEqual([]);
    expect(installed.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
  });

  it('N34: run no script when they are installed, but for three of the tools for developers', () => {
    const scripted = installed.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([path]) => path);
    expect(scripted.sort()).toEqual([
      'node_modules/@parcel/watcher',
      'node_modules/@swc/core',
      'node_modules/unrs-resolver',
    ]);
    for (const path of scripted) {
      expect(lock.packages[path]).toMatchObject({ dev: true });
    }
  });

  it('N34: are asked for by exact versions', () => {
    const asked = Object.entries({ ...own['dependencies'], ...own['devDependencies'], ...own['optionalDependencies'] });
    expect(asked.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  it('N34: are installed without scripts, and checked against the lockfile, before anything is tested', () => {
    const run = readFileSync(join(ROOT, '.ci/run'), 'utf8');
    expect(run).toContain('npm ci --ignore-scripts');
    expect(run).toContain('npm ls --all');
    expect(existsSync(join(ROOT, '.npmrc'))).toBe(true);
  });
});
