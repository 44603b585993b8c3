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
  async call<T>(dependency: string, shareMs: number, work: (signal: AbortSignal) => Awaitable<T>): Promise<T> {
    const abort = new AbortController();
    return await this.#timed(dependency, shareMs, { start: () => work(abort.signal), stop: () => abort.abort() });
  }

  /** The same for a port that cannot be told to stop: its answer comes too late, that is all. */
  async wait<T>(dependency: string, shareMs: number, work: () => Awaitable<T>): Promise<T> {
    return await this.#timed(dependency, shareMs, { start: work, stop: nothing });
  }

  /** A port that answers at once needs no timer; one that throws at once has failed like one that rejects. */
  #timed<T>(dependency: string, shareMs: number, { start, stop }: Work<T>): Awaitable<T> {
    const share = Math.min(shareMs, this.left());
    if (share === 0) throw late(dependency);
    let answer: Awaitable<T>;
    try {
      answer = start();
    } catch (error) {
      throw failed(dependency, error);
    }
    return isLater(answer) ? this.#inTime(dependency, share, answer, stop) : answer;
  }

  #inTime<T>(dependency: string, share: number, answer: Promise<T>, stop: () => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const cancel = this.#clock.after(share, () => {
        reject(late(dependency));
        stop();
      });
      answer.then(
        (value) => {
          cancel();
          resolve(value);
        },
        (error: unknown) => {
          cancel();
          reject(failed(dependency, error));
        },
      );
    });
  }
}

/** What a port answers: at once, when it has no need to wait, or later. */
export type Awaitable<T> = T | Promise<T>;

interface Work<T> {
  readonly start: () => Awaitable<T>;
  readonly stop: () => void;
}

/** By `then`, as `await` tells it: a promise of another library or realm must not escape its time. No answer of a port has one. */
function isLater<T>(answer: Awaitable<T>): answer is Promise<T> {
  return typeof answer === 'object' && answer !== null && 'then' in answer;
}

function nothing(): void {}

function late(dependency: string): Refusal {
  return unavailable(`${dependency} late`);
}

function failed(dependency: string, error: unknown): Refusal {
  return error instanceof Refusal ? error : unavailable(`${dependency} failed`, error);
}

function unavailable(check: string, cause?: unknown): Refusal {
  return new Refusal('UNAVAILABLE', { check, retryAfterSeconds: 1, cause });
}
