/** What was not recorded one by one: how often each code, and since when (wall clock, milliseconds). */
export interface Suppressed {
  readonly counts: ReadonlyMap<string, number>;
  readonly since: number;
}

const WINDOW_MS = 1000;

/**
 * Before authentication anybody can cause records: the first `perSecond` of each second are let through, the rest is counted by
 * code (spec, "Audit: what is recorded"). The codes are a closed set, hence so is the memory.
 */
export class Flood {
  readonly #perSecond: number;
  #windowStart = Number.NEGATIVE_INFINITY;
  #letThrough = 0;
  #counts = new Map<string, number>();
  #since = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** @param monotonic milliseconds that only rise */
  lets(monotonic: number): boolean {
    if (monotonic - this.#windowStart >= WINDOW_MS) {
      this.#windowStart = monotonic;
      this.#letThrough = 0;
    }
    if (this.#letThrough >= this.#perSecond) return false;
    this.#letThrough += 1;
    return true;
  }

  /** @param now wall clock, milliseconds */
  count(code: string, now: number): void {
    if (this.#counts.size === 0) this.#since = now;
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
  }

  get counting(): boolean {
    return this.#counts.size > 0;
  }

  /** Milliseconds until the second ends that began with the first refusal let through. */
  left(monotonic: number): number {
    return Math.min(WINDOW_MS, Math.max(0, this.#windowStart + WINDOW_MS - monotonic));
  }

  /** Hands the counts over, and begins anew. */
  take(): Suppressed {
    const taken = { counts: this.#counts, since: this.#since };
    this.#counts = new Map();
    return taken;
  }
}
