import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { Built, type Ended } from '../cli/built.js';

/** A clean clone after `npm start`, but on a free port: what a person does next is done beside it. */
export class Running {
  readonly #built: Built;
  readonly #gateway: ChildProcess;
  /** What the start printed for people. */
  readonly greeting: string;
  readonly origin: string;

  private constructor(built: Built, gateway: ChildProcess, greeting: string) {
    this.#built = built;
    this.#gateway = gateway;
    this.greeting = greeting;
    this.origin = /http:\/\/127\.0\.0\.1:\d+/.exec(greeting)?.[0] ?? '';
  }

  /** @param settings what stands before `npm start` on a page */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<Running> {
    const built = new Built();
    const program = join(built.root, 'dist/src/main.js');
    const gateway = spawn(process.execPath, [program, '--profile', 'local'], {
      cwd: built.root,
      env: { PATH: process.env['PATH'], LISTEN_ADDR: '127.0.0.1:0', ...settings },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const kill = (): void => void gateway.kill('SIGKILL');
    process.once('exit', kill);
    gateway.once('close', () => process.off('exit', kill));
    try {
      return new Running(built, gateway, await greetingOf(gateway));
    } catch (error) {
      kill();
      built.remove();
      throw error;
    }
  }

  /**
   * One pasted command, in the folder of the clone. The port is the only thing that differs from what a page says, and no command
   * may need a registry.
   */
  async shell(command: string): Promise<Ended> {
    const env = {
      PATH: process.env['PATH'] ?? '',
      LISTEN_ADDR: this.origin.replace('http://', ''),
      npm_config_offline: 'true',
      npm_config_update_notifier: 'false',
    };
    const pasted = command.replaceAll('http://127.0.0.1:8080', this.origin);
    return await new Promise((resolve) => {
      execFile('sh', ['-c', pasted], { cwd: this.#built.root, env, timeout: 25_000 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      });
    });
  }

  async stop(): Promise<void> {
    if (this.#gateway.exitCode === null) {
      const ended = once(this.#gateway, 'close');
      this.#gateway.kill('SIGTERM');
      await ended;
    }
    this.#built.remove();
  }
}

/** Ends with the second of the two commands. */
async function greetingOf(gateway: ChildProcess): Promise<string> {
  return await new Promise((resolve, reject) => {
    let said = '';
    gateway.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (/^ +npx postern dev curl .*\n/m.test(said)) resolve(said);
    });
    gateway.once('close', () => reject(new Error(`the gateway did not start, and said: ${said}`)));
  });
}
