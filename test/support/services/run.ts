import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { RUN_FOLDER } from './left-out.js';
import type { Installation, Launch } from './service.js';

const PATIENCE_MS = 20_000;
const LOOK_AGAIN_MS = 20;
const WATCHDOG = fileURLToPath(new URL('watchdog.ts', import.meta.url));

/** Where one server lives. */
export interface Home {
  /** Configuration, keys, data: cleared away with the server. */
  readonly path: string;
  /** What it says. Kept after the run when a test failed; nothing that must not be seen goes here. */
  readonly logs: string;
}

export async function makeHome(name: string): Promise<Home> {
  const path = await mkdtemp(join(tmpdir(), `postern-${name}-`));
  const run = process.env[RUN_FOLDER];
  const logs = run === undefined ? `${path}.logs` : join(run, 'logs', basename(path));
  mkdirSync(logs, { recursive: true });
  return { path, logs };
}

/** A server that runs. */
export class Running {
  readonly #home: Home;
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;

  private constructor(home: Home, child: ChildProcess) {
    this.#home = home;
    this.#child = child;
    this.#gone = new Promise((resolve) => child.once('exit', () => resolve()));
  }

  /**
   * Starts a server, and resolves once it is ready.
   *
   * @throws Error with the end of its logs when it ends before, or is not ready in time
   */
  static async start({ binary, env }: Installation, home: Home, launch: Launch): Promise<Running> {
    const output = openSync(join(home.logs, 'output.log'), 'a');
    const command = ['--disable-warning=ExperimentalWarning', WATCHDOG, home.path, binary, ...launch.args];
    const child = spawn(process.execPath, command, {
      cwd: home.path,
      detached: true,
      stdio: ['pipe', output, output],
      env: { PATH: process.env['PATH'], LC_ALL: 'C', ...env, ...launch.env },
    });
    closeSync(output);
    // A test that forgets to stop it does not hang: the pipe closes with the test's process, and that ends the server.
    child.unref();
    const running = new Running(home, child);
    await running.#until(launch.ready);
    return running;
  }

  /** All that it has said so far. */
  said(): string {
    const { logs } = this.#home;
    return readdirSync(logs)
      .map((name) => readFileSync(join(logs, name), 'utf8'))
      .join('');
  }

  /** Resolves once the server and everything that it started are gone, and its folder with them. */
  async stop(): Promise<void> {
    this.#child.ref();
    this.#child.stdin?.destroy();
    await this.#gone;
    if (process.env[RUN_FOLDER] === undefined) rmSync(this.#home.logs, { recursive: true, force: true });
  }

  async #until(ready: () => Promise<boolean>): Promise<void> {
    const until = performance.now() + PATIENCE_MS;
    while (!(await ready())) {
      const ended = this.#child.exitCode !== null || this.#child.signalCode !== null;
      if (ended || performance.now() > until) {
        const said = this.said().slice(-2_000);
        await this.stop();
        throw new Error(`${ended ? 'ended at start' : 'not ready in time'}: ${said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }
}

/** Ready means for most servers: somebody listens. */
export async function listens(port: number): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
