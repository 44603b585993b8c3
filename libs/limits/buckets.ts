import { LRUCache } from 'lru-cache';

import type { Clock } from '#libs/kernel/clock.js';

import { type Bucket, draw, type Rate } from './rate.js';

/** The most buckets that are known at once: some megabytes. */
export const MOST_BUCKETS = 16_384;

/**
 * The buckets of one limit, in this process. However many keys callers have, no more than so many buckets are known; the one that was
 * asked for longest ago is forgotten, which makes it full again. Whoever calls from more addresses than that is not held back here:
 * the tenant's and the subject's limits count whom they know for certain.
 */
export class Buckets {
  readonly #known: LRUCache<string, Bucket>;

  constructor(
    readonly rate: Rate,
    private readonly clock: Pick<Clock, 'monotonic'>,
    most: number = MOST_BUCKETS,
  ) {
    this.#known = new LRUCache({ max: most });
  }

  /**
   * Takes a token of a key's bucket.
   *
   * @returns undefined, or in how many milliseconds a token will be there; above zero
   */
  take(key: string): number | undefined {
    const drawn = draw(this.rate, this.#known.get(key), this.clock.monotonic());
    this.#known.set(key, drawn.bucket);
    return drawn.kind === 'limited' ? drawn.retryAfterMs : undefined;
  }

  get size(): number {
    return this.#known.size;
  }
}
