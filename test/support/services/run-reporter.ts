import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The part of jest's results that is read here. */
interface Results {
  readonly numFailedTests: number;
  readonly numRuntimeErrorTestSuites: number;
}

/**
 * What one run of jest leaves behind: it counts the suites that were left out, and keeps the logs of real servers when a test
 * failed. Workers find the folder by the environment, which they inherit (`left-out.ts`).
 */
export default class RunReporter {
  readonly #folder = mkdtempSync(join(tmpdir(), 'postern-run-'));
  readonly #logs = join(this.#folder, 'logs');
  #failed = true;

  constructor() {
    mkdirSync(this.#logs);
    process.env['POSTERN_TEST_RUN'] = this.#folder;
    process.once('exit', () => {
      if (!this.#failed || readdirSync(this.#logs).length === 0) rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  onRunComplete(_contexts: unknown, { numFailedTests, numRuntimeErrorTestSuites }: Results): void {
    const path = join(this.#folder, 'left-out.txt');
    const lines = new Set(existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []);
    if (lines.size > 0) say(`Left out: ${lines.size}\n${[...lines].join('\n')}`);
    this.#failed = numFailedTests + numRuntimeErrorTestSuites > 0;
    if (this.#failed && readdirSync(this.#logs).length > 0)
      say(`Logs of the servers that tests started: ${this.#logs}`);
  }
}

function say(text: string): void {
  process.stderr.write(`\n${text}\n`);
}
