import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const HERE = fileURLToPath(new URL('../../libs/client/', import.meta.url));
const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));

interface Manifest {
  readonly exports: { readonly '.': { readonly types: string; readonly default: string } };
  readonly files: readonly string[];
  readonly scripts: { readonly prepack: string };
  readonly dependencies: Readonly<Record<string, string>>;
}

describe('the package that is published', () => {
  const manifest = JSON.parse(readFileSync(join(HERE, 'package.json'), 'utf8')) as Manifest;
  let out: string;

  beforeAll(() => {
    out = mkdtempSync(join(tmpdir(), 'postern-client-'));
    const [command, ...flags] = manifest.scripts.prepack.split(' ');
    expect(command).toBe('tsc');
    execFileSync(process.execPath, [TSC, ...flags, '--outDir', out], { cwd: HERE, stdio: 'pipe' });
  });
  afterAll(() => {
    rmSync(out, { recursive: true, force: true });
  });

  it('has the entry and the types that its manifest names, in a folder that is packed', () => {
    const named = Object.values(manifest.exports['.']);
    expect(manifest.files).toContain('dist');
    expect(named).toHaveLength(2);
    for (const file of named) expect(readdirSync(out)).toContain(file.replace('./dist/', ''));
  });

  it('imports nothing but its own files and the packages that it declares', () => {
    const wanted = new Set<string>();
    for (const file of readdirSync(out)) {
      const text = readFileSync(join(out, file), 'utf8');
      for (const [, from = ''] of text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)) wanted.add(from);
    }
    const outside = [...wanted].filter((from) => !from.startsWith('./'));
    expect(outside.sort()).toEqual(Object.keys(manifest.dependencies));
  });
});
