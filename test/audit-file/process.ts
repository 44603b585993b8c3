import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { afterAll } from '@jest/globals';

const ROOT = join(import.meta.dirname, '..', '..');

/** libs as plain JavaScript in a folder of its own, for processes that are killed. */
export function compiledLibs(): string {
  const dir = mkdtempSync(join(tmpdir(), 'postern-libs-'));
  folders.push(dir);
  const sources = ['libs/audit', 'libs/audit-file', 'libs/kernel', 'test/audit-file'];
  execFileSync(join(ROOT, 'node_modules/.bin/swc'), [...sources, '-d', join(dir, 'dist'), '-q'], { cwd: ROOT });
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ type: 'module', imports: { '#libs/*': './dist/libs/*' } }));
  return dir;
}

const folders: string[] = [];
const children = new Set<ChildProcess>();
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  for (const dir of folders) rmSync(dir, { recursive: true, force: true });
});

export interface Run {
  readonly child: ChildProcess;
  /** What it has printed so far, line by line. */
  readonly printed: readonly string[];
  /** How it ended: an exit code or a signal. */
  readonly ended: Promise<number | string>;
}

/** @param shell set before the process starts, such as `ulimit -f 20` */
export function run(libs: string, script: string, args: readonly string[], shell = 'true'): Run {
  const command = `${shell}; exec "$@"`;
  const child = spawn(
    'bash',
    ['-c', command, 'bash', process.execPath, join(libs, 'dist/test/audit-file', script), ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  children.add(child);
  const printed: string[] = [];
  const reading = createInterface({ input: child.stdout });
  reading.on('line', (line) => printed.push(line));
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => {
      children.delete(child);
      resolve(signal ?? code ?? 0);
    });
  });
  return { child, printed, ended };
}
