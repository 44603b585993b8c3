import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

import { freePort } from '../support/services/ports.ts';

/** A server under measurement: a process of its own, pinned to one core where the machine can pin. */
export class ServerProcess {
  readonly port: number;
  /** Milliseconds from spawn to the first answer. */
  readonly readyMs: number;
  readonly #child: ChildProcess;

  // no parameter properties: this file is run as it stands, and Node only strips types
  private constructor(child: ChildProcess, port: number, readyMs: number) {
    this.#child = child;
    this.port = port;
    this.readyMs = readyMs;
  }

  static async start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
    const port = await freePort();
    const command = [...pinning('1'), process.execPath, ...args];
    const began = performance.now();
    const child = spawn(command[0] ?? '', command.slice(1), {
      env: { ...process.env, ...env, PORT: String(port), LISTEN_ADDR: `127.0.0.1:${port}` },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const stop = (): void => void child.kill('SIGKILL');
    process.once('exit', stop);
    for (;;) {
      if (child.exitCode !== null) throw new Error(`${args.join(' ')} ended with ${child.exitCode}`);
      const answered = await fetch(`http://127.0.0.1:${port}/`).then(
        async (response) => (await response.text(), true),
        () => false,
      );
      if (answered) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return new ServerProcess(child, port, performance.now() - began);
  }

  /** Seconds of CPU, user and system, since the process started. */
  cpuSeconds(): number {
    // /proc/PID/stat: fields 14 and 15, in clock ticks of 10 ms; the command name in field 2 may hold spaces
    const fields = this.#proc('stat')
      .replace(/^.*\) /u, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  /** Resident memory, in MB of 10^6 bytes. */
  rssMb(): number {
    const pages = Number(this.#proc('statm').split(' ')[1]);
    return (pages * 4096) / 1e6;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }

  #proc(file: string): string {
    return readFileSync(`/proc/${this.#child.pid}/${file}`, 'utf8');
  }
}

/** Servers on core 1, the load on core 0 (`run.ts` pins itself). */
export function pinning(core: string): readonly string[] {
  return existsSync('/usr/bin/taskset') ? ['/usr/bin/taskset', '-c', core] : [];
}
