import type { AuditSink } from '#libs/audit/audit-sink.js';

/** A sink whose every answer a test gives: it rejects, it hangs, and it keeps what it resolved. */
export class MemorySink implements AuditSink {
  readonly lines: string[] = [];
  readonly calls: number[] = [];
  mode: 'accept' | 'reject' | 'hang' = 'accept';
  closed = false;
  readonly #hanging: (() => void)[] = [];

  append(lines: readonly string[]): Promise<void> {
    this.calls.push(lines.length);
    if (this.mode === 'reject') return Promise.reject(new Error('no'));
    if (this.mode === 'accept') {
      this.lines.push(...lines);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#hanging.push(() => {
        this.lines.push(...lines);
        resolve();
      });
    });
  }

  /** The hanging calls succeed after all. */
  release(): void {
    this.mode = 'accept';
    for (const release of this.#hanging.splice(0)) release();
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  get records(): Record<string, unknown>[] {
    return this.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

/** Lets everything settle that waits for nothing but promises. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
