import type { Clock } from '#libs/kernel/clock.js';

interface Timer {
  readonly due: number;
  readonly fire: () => void;
}

/** A clock that moves only when a test says so. Timers fire inside `advance`, in the order in which they are due. */
export class ManualClock implements Clock {
  #wall: number;
  #monotonic = 1_000;
  readonly #timers = new Set<Timer>();

  /** @param wall milliseconds since the epoch; the default is 2026-01-01T00:00:00Z */
  constructor(wall: number = Date.UTC(2026, 0, 1)) {
    this.#wall = wall;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  after(ms: number, then: () => void): () => void {
    const timer: Timer = { due: this.#monotonic + ms, fire: then };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** No time passes in a turn of the event loop. */
  soon(then: () => void): void {
    setImmediate(then);
  }

  /**
   * Moves both clocks. A timer sees the time at which it was due; one that it sets itself fires in the same call when it
   * is due in time. Promises settle only when the caller awaits.
   */
  advance(ms: number): void {
    const end = this.#monotonic + ms;
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#timers.delete(timer);
      this.#move(Math.max(timer.due, this.#monotonic));
      timer.fire();
    }
    this.#move(end);
  }

  /** Steps the wall clock alone, as an operator or NTP does; timers and `monotonic` do not notice. */
  stepWall(ms: number): void {
    this.#wall += ms;
  }

  /** How many timers are armed: a test that ends with some has found a leak. */
  get armed(): number {
    return this.#timers.size;
  }

  #move(to: number): void {
    this.#wall += to - this.#monotonic;
    this.#monotonic = to;
  }

  #next(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.due <= end && (first === undefined || timer.due < first.due)) first = timer;
    }
    return first;
  }
}
