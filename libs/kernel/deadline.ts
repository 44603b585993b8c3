import type { Clock } from './clock.js';
import { Refusal } from './refusal.js';

/**
 * One request's time. Every call to a port goes through `call` or `wait`, which give it its share of what is left: a late answer is
 * a refusal (`UNAVAILABLE`), and whatever the port says afterwards is not heard.
 */
export class Deadline {
  readonly #clock: Clock;
  readonly #ends: number;

  private constructor(clock: Clock, ends: number) {
    this.#clock = clock;
    this.#ends = ends;
  }

  /** @param budgetMs for the whole request (REQUEST_DEADLINE_MS) */
  static start(clock: Clock, budgetMs: number): Deadline {
    return new Deadline(clock, clock.monotonic() + budgetMs);
  }

  /** A deadline of its own for what must be done even when this one has run out (the record of a refusal). */
  fresh(budgetMs: number): Deadline {
    return Deadline.start(this.#clock, budgetMs);
  }

  /** Milliseconds left, never below zero. */
  left(): number {
    return Math.max(0, this.#ends - this.#clock.monotonic());
  }

  /**
   * @param dependency named in the audit: `store`, `pdp`, `provider`, `audit`, `jwks`
   * @param shareMs the most that this call may take
   * @param work of a port that can be told to stop: its signal is aborted when the share runs out
   * @throws Refusal UNAVAILABLE when the share ran out, or when the port failed in a way that is no Refusal
   */
  async call<T>(dependency: string, shareMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController();
    return await this.#timed(dependency, shareMs, { start: () => work(abort.signal), stop: () => abort.abort() });
  }

  /** The same for a port that cannot be told to stop: its answer comes too late, that is all. */
  async wait<T>(dependency: string, shareMs: number, work: () => Promise<T>): Promise<T> {
    return await this.#timed(dependency, shareMs, { start: work, stop: nothing });
  }

  #timed<T>(dependency: string, shareMs: number, { start, stop }: Work<T>): Promise<T> {
    const share = Math.min(shareMs, this.left());
    return new Promise<T>((resolve, reject) => {
      const cancel = this.#clock.after(share, () => {
        reject(unavailable(`${dependency} late`));
        stop();
      });
      if (share === 0) return;
      started(start).then(
        (value) => {
          cancel();
          resolve(value);
        },
        (error: unknown) => {
          cancel();
          reject(error instanceof Refusal ? error : unavailable(`${dependency} failed`, error));
        },
      );
    });
  }
}

interface Work<T> {
  readonly start: () => Promise<T>;
  readonly stop: () => void;
}

function nothing(): void {}

/** A port that throws before its first await has failed like one that rejects. */
async function started<T>(work: () => Promise<T>): Promise<T> {
  return await work();
}

function unavailable(check: string, cause?: unknown): Refusal {
  return new Refusal('UNAVAILABLE', { check, retryAfterSeconds: 1, cause });
}
