import { execFile, type ExecFileOptions, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { packageRoot } from '#src/config/disk.js';

/** What a command said and how it ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The package, compiled into a folder of its own: its command line runs there with its own `var/`. */
export class Built {
  readonly root = mkdtempSync(join(tmpdir(), 'postern-built-'));

  constructor() {
    const from = packageRoot();
    const args = [join(from, 'node_modules/@swc/cli/bin/swc.js'), 'src', 'libs', '-d', join(this.root, 'dist'), '-q'];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: from, encoding: 'utf8' });
    if (status !== 0) throw new Error(`the build failed: ${stderr}`);
    for (const path of ['package.json', 'config', 'policies', 'src/preflight.mjs', 'src/cli/postern.mjs']) {
      cpSync(join(from, path), join(this.root, path), { recursive: true });
    }
    mkdirSync(join(this.root, 'docs'));
    symlinkSync(join(from, 'node_modules'), join(this.root, 'node_modules'));
  }

  /** `postern …`, with nothing of this process's environment but the PATH. */
  async postern(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return await this.node([join(this.root, 'src/cli/postern.mjs'), ...args], env);
  }

  async node(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const options: ExecFileOptions = {
      cwd: this.root,
      env: { PATH: process.env['PATH'] ?? '', ...env },
      timeout: 25_000,
    };
    return await new Promise((resolve) => {
      execFile(process.execPath, [...args], options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout: String(stdout), stderr: String(stderr) });
      });
    });
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
