import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';
import { parseSync } from '@swc/core';

import { packageRoot } from '#src/config/disk.js';
// Plain JavaScript, hence without types.
// @ts-expect-error there is no declaration file beside it
import { preflight } from '../../src/preflight.mjs';

const FILES = ['src/preflight.mjs', 'src/cli/postern.mjs'];
const check = preflight as (version: string) => string | undefined;

describe('the Node preflight', () => {
  it.each(['v24.9.0', 'v24.21.0', 'v25.0.0', 'v26.10.0', 'v100.0.0'])('lets %s pass', (version) => {
    expect(check(version)).toBeUndefined();
  });

  it.each(['v24.8.9', 'v24.0.0', 'v23.11.0', 'v22.22.0', 'v20.20.2', 'v12.0.0', 'v9.99.0', 'nonsense'])(
    'stops %s with one sentence that says which is needed and how it comes',
    (version) => {
      const sentence = check(version) ?? '';
      expect(sentence).toContain(`needs Node 24.9 or later and this is ${version}`);
      expect(sentence).toMatch(/`npm ci` brings the right one/);
      expect(sentence).not.toContain('\n');
    },
  );

  it('passes in this process when it is run as a script', () => {
    expect(execFileSync(process.execPath, [join(packageRoot(), 'src/preflight.mjs')], { encoding: 'utf8' })).toBe('');
  });

  it.each(FILES)('%s is written in JavaScript that Node 12 parses', (file) => {
    const text = readFileSync(join(packageRoot(), file), 'utf8');
    expect(() => parseSync(text, { syntax: 'ecmascript', target: 'es2019' })).not.toThrow();
    // the parser takes newer syntax too: these came after Node 12
    const code = text.replaceAll(/\/\*[^]*?\*\/|\/\/.*|'[^'\n]*'/g, '');
    expect(code).not.toMatch(/\?\.[^0-9]|\?\?|^\s*await |#[a-z]|\bclass\b|replaceAll|node:/m);
    expect(text).not.toContain("from 'node:");
  });
});
