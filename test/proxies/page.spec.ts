import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { packageRoot } from '#src/config/disk.js';

import { blocks, page } from '../docs/markdown.js';

const FILES = ['nginx.conf', 'haproxy.cfg'];
/** Of the lines for a gateway on another machine. */
const LINK = ['PROXY_CERTIFICATE', 'PROXY_KEY', 'GATEWAY_CA', 'GATEWAY_NAME'];

const shipped = (name: string): string => readFileSync(join(packageRoot(), 'docs/proxies', name), 'utf8');
const names = (text: string): Set<string> => new Set([...text.matchAll(/@([A-Z_]+)@/g)].map(([, name = '']) => name));
/** What a server reads: comments taken out. */
const active = (text: string): string => text.replace(/^\s*#.*$/gm, '');

describe('the files of docs/proxies', () => {
  it.each(FILES)('%s explains each name that it holds, and no other', (file) => {
    const text = shipped(file);
    const [head = '', ...rest] = text.split('\n\n');
    expect([...names(head)].sort()).toEqual([...names(rest.join('\n\n'))].sort());
  });
});

describe('the commands of docs/proxies.md', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-page-'));
    mkdirSync(join(folder, 'docs/proxies'), { recursive: true });
    for (const file of FILES)
      copyFileSync(join(packageRoot(), 'docs/proxies', file), join(folder, 'docs/proxies', file));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('fill in every name, as printed', () => {
    const [nginx = '', haproxy = '', link = '', ...more] = blocks(page('docs/proxies.md'), 'sh');
    expect(more).toEqual([]);
    const run = (command: string) => execFileSync('/bin/sh', ['-ec', command], { cwd: folder });
    const made = (file: string): string => readFileSync(join(folder, file), 'utf8');

    run(nginx);
    run(haproxy);
    for (const file of FILES) {
      expect([...names(active(made(file)))]).toEqual([]);
      expect([...names(made(file))].every((name) => LINK.includes(name))).toBe(true);
    }
    run(link);
    for (const file of FILES) {
      expect([...names(active(made(file)))]).toEqual([]);
      expect(active(made(file))).toContain('postern.internal');
      expect(active(made(file))).not.toContain('# plain');
    }
  });
});
