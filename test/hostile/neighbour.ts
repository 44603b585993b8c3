import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { GatewayProcess } from './gateway-process.js';
import type { Told } from './well-behaved.js';
import { tokenFor } from './world.js';

/** How an honest client fared. Milliseconds. */
export interface Pace {
  readonly during: string;
  readonly reads: number;
  readonly p50: number;
  readonly p99: number;
  readonly slowest: number;
  readonly statuses: Readonly<Record<string, number>>;
}

/** The process of the well-behaved client. */
export class Neighbour {
  readonly #child: ChildProcess;
  readonly #jkt: string;

  private constructor(child: ChildProcess, jkt: string) {
    this.#child = child;
    this.#jkt = jkt;
  }

  static async start(): Promise<Neighbour> {
    const at = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
    const child = fork(at('well-behaved.ts'), { execArgv: ['--import', at('typescript-imports.ts')] });
    const { jkt } = await next<{ jkt: string }>(child);
    return new Neighbour(child, jkt);
  }

  async begin({ aim, port }: GatewayProcess, perSecond: number): Promise<void> {
    // Its own subject, whose token outlives the longest phase.
    const now = Math.floor(Date.now() / 1000);
    const claims = { sub: 'svc-neighbour', cnf: { jkt: this.#jkt }, exp: now + 3_000 };
    const { caller, ...keys } = aim.keys;
    const token = tokenFor({ ...aim, keys: { ...keys, caller: { ...caller, jkt: this.#jkt } } }, { claims });
    this.#child.send({ kind: 'begin', port, token, perSecond });
  }

  async end(): Promise<Omit<Pace, 'during'>> {
    const told = next<Told>(this.#child);
    this.#child.send({ kind: 'end' });
    const { latencies, statuses } = await told;
    const sorted = [...latencies].sort((one, other) => one - other);
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
    return { reads: sorted.length, p50: at(0.5), p99: at(0.99), slowest: at(1), statuses };
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}

async function next<T>(child: ChildProcess): Promise<T> {
  return await new Promise<T>((resolve) => {
    child.once('message', (message) => resolve(message as T));
  });
}
