import { type Bucket, draw, fullAtMs, type Rate } from '#libs/limits/rate.js';

import { ExpiringTable } from './expiring-table.js';

/** The callers' rate buckets: each is kept until it is full again, which is what one that is not there is. */
export class SubjectRates {
  readonly #buckets = new ExpiringTable<Bucket>();

  /** @returns undefined, or in how many milliseconds a token will be there */
  take(key: string, rate: Rate, nowMs: number): number | undefined {
    const drawn = draw(rate, this.#buckets.get(key, nowMs), nowMs);
    this.#buckets.set(key, drawn.bucket, fullAtMs(rate, drawn.bucket), nowMs);
    return drawn.kind === 'limited' ? drawn.retryAfterMs : undefined;
  }

  sweep(nowMs: number): void {
    this.#buckets.sweep(nowMs);
  }

  get size(): number {
    return this.#buckets.size;
  }
}
