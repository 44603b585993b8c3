import { PosternError } from './error.js';

/** How long one read may take: its own limit, and the caller's signal. Whichever ends it is what the caller hears. */
export class Patience {
  /** For `fetch`. */
  readonly signal: AbortSignal;
  readonly #caller: AbortSignal | undefined;
  readonly #ms: number;
  readonly #ends: number;

  constructor(ms: number, caller: AbortSignal | undefined) {
    const limit = AbortSignal.timeout(ms);
    this.signal = caller === undefined ? limit : AbortSignal.any([caller, limit]);
    this.#caller = caller;
    this.#ms = ms;
    this.#ends = performance.now() + ms;
  }

  /** @throws the caller's reason, or PosternError TIMED_OUT; else whatever the work throws */
  async within<T>(work: Promise<T>): Promise<T> {
    let stop: () => void = () => undefined;
    const stopped = new Promise<never>((_resolve, reject) => {
      stop = () => {
        reject(this.#ended());
      };
      this.signal.addEventListener('abort', stop, { once: true });
      if (this.signal.aborted) stop();
    });
    try {
      return await Promise.race([stopped, work]);
    } finally {
      this.signal.removeEventListener('abort', stop);
    }
  }

  /** Waits, and says whether it did: what would outlast the limit is not worth waiting for. */
  async pause(ms: number): Promise<boolean> {
    if (performance.now() + ms >= this.#ends) return false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await this.within(new Promise<void>((resolve) => (timer = setTimeout(resolve, ms))));
    } finally {
      clearTimeout(timer);
    }
    return true;
  }

  #ended(): unknown {
    if (this.#caller?.aborted === true) return this.#caller.reason;
    return new PosternError({ code: 'TIMED_OUT', status: 0, title: `No answer within ${this.#ms} ms` });
  }
}
