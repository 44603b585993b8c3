import type { KeyObject } from 'node:crypto';

import type { KeySource } from '#libs/identity/issuers.js';
import { type KeySet, keySetFrom, NoUsableKey } from '#libs/identity/key-set.js';
import type { Clock } from '#libs/kernel/clock.js';
import { parseStrictJson, StrictJsonError } from '#libs/kernel/strict-json.js';

import { type FetchedJwks, fetchJwks, type JwksPlace } from './fetch-jwks.js';
import { JwksFault } from './jwks-fault.js';

export interface HttpKeySourceOptions {
  readonly place: JwksPlace;
  readonly clock: Clock;
  /** JWKS_GRACE_SECONDS in milliseconds: how long the last good set serves on from when its successor was due. */
  readonly graceMs: number;
  /** The most that a request waits for a fetch. */
  readonly waitMs: number;
  /** Told half a sentence about the set, when something about it becomes wrong. */
  readonly alarm: (what: string) => void;
}

/** Milliseconds. Together they are the promises of `docs/decisions/0014-keys-over-http.md`. */
export const TIMES = {
  /** For one fetch as a whole. With `retry` it stays below the 5 s in which a gateway must recover (spec, I24). */
  timeout: 2_000,
  /** Between the end of a fetch that failed and the next. */
  retry: 2_000,
  /** Between two fetches that unknown kids cause. */
  cooldown: 10_000,
  /** What a set's own `max-age` may make of the time to the next fetch. */
  refresh: { least: 60_000, most: 300_000 },
} as const;

/** What was fetched last and may be used. */
interface GoodSet {
  readonly bytes: Uint8Array;
  readonly keys: KeySet;
  /** Monotonic milliseconds; excluded. */
  readonly until: number;
}

/**
 * The keys of one issuer, from its JWKS endpoint (spec, "Trusted issuers"; T18, T19).
 *
 * A timer fetches: when the set is due, and every few seconds while that fails. A request never does, but for a kid that nobody knows,
 * and that at most once in `cooldown`, for all requests together. While fetching fails, the last good set serves on for the grace,
 * and an unknown kid is trouble of ours: it may be a new one.
 */
export class HttpKeySource implements KeySource {
  readonly #options: HttpKeySourceOptions;
  #good: GoodSet | undefined;
  #generation = 0;
  /** Why the last fetch failed; undefined: it did not. */
  #trouble: string | undefined;
  #flight: Promise<void> | undefined;
  #abort = new AbortController();
  #begun = Number.NEGATIVE_INFINITY;
  #cancelTimer: () => void = () => {};
  #closed = false;

  private constructor(options: HttpKeySourceOptions) {
    this.#options = options;
  }

  /** Ends with the first fetch, however that ends: without keys it goes on trying, and its tokens are 503 meanwhile. */
  static async open(options: HttpKeySourceOptions): Promise<HttpKeySource> {
    const source = new HttpKeySource(options);
    await source.#fetch();
    return source;
  }

  get generation(): number {
    this.#usable();
    return this.#generation;
  }

  /** `kept`: the last good set serves, and its successor cannot be had. */
  get state(): 'good' | 'kept' | 'none' {
    if (this.#usable() === undefined) return 'none';
    return this.#trouble === undefined ? 'good' : 'kept';
  }

  /** Whether a fetch is under way. */
  get fetching(): boolean {
    return this.#flight !== undefined;
  }

  /** @throws JwksFault when the keys, or the answer whether there is such a key, cannot be had now */
  async key(kid: string, algorithm: string): Promise<KeyObject | undefined> {
    const known = this.#usable()?.keys;
    if (known?.has(kid) === true) return await known.key(kid, algorithm);
    await this.#lookAgain();
    const keys = this.#usable()?.keys;
    if (keys === undefined || this.#trouble !== undefined) throw new JwksFault(this.#trouble ?? 'not fetched yet');
    return await keys.key(kid, algorithm);
  }

  /** Ends a fetch that is under way, and all that would follow. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer();
    this.#abort.abort();
  }

  /** One fetch for all that ask; none soon after the last, and none while fetching fails, when the timer goes on trying. */
  async #lookAgain(): Promise<void> {
    if (this.#trouble !== undefined || this.#closed) return;
    const { clock, waitMs } = this.#options;
    if (this.#flight === undefined && clock.monotonic() - this.#begun >= TIMES.cooldown) void this.#fetch();
    const flight = this.#flight;
    if (flight === undefined) return;
    await new Promise<void>((resolve, reject) => {
      const cancel = clock.after(waitMs, () => reject(new JwksFault('it is being fetched')));
      void flight.then(() => {
        cancel();
        resolve();
      });
    });
  }

  /** Never rejects. The timer for the next one is set when it has ended. */
  #fetch(): Promise<void> {
    const { clock } = this.#options;
    this.#cancelTimer();
    this.#begun = clock.monotonic();
    this.#flight = this.#attempt().then((nextMs) => {
      this.#flight = undefined;
      if (!this.#closed) this.#cancelTimer = clock.after(nextMs, () => void this.#fetch());
    });
    return this.#flight;
  }

  /** @returns milliseconds to the next attempt */
  async #attempt(): Promise<number> {
    const { clock, place } = this.#options;
    const abort = new AbortController();
    this.#abort = abort;
    const cancel = clock.after(TIMES.timeout, () => abort.abort());
    try {
      return this.#took(await fetchJwks(place, abort.signal));
    } catch (error) {
      return this.#failed(error);
    } finally {
      cancel();
    }
  }

  /** The same bytes are the same keys. Others may lack one: whatever was verified before is verified anew (N32). */
  #took({ bytes, maxAgeSeconds }: FetchedJwks): number {
    const { graceMs, alarm } = this.#options;
    const last = this.#good;
    const same = last !== undefined && Buffer.compare(last.bytes, bytes) === 0;
    const keys = same ? last.keys : keysIn(bytes);
    if (!same) {
      if (last !== undefined) this.#generation += 1;
      for (const fault of keys.faults.slice(0, MAX_ALARMS)) alarm(`leave one out: ${fault}`);
    }
    const refreshMs = refreshOf(maxAgeSeconds);
    this.#good = { bytes, keys, until: this.#begun + refreshMs + graceMs };
    this.#trouble = undefined;
    return refreshMs;
  }

  /** A set without a usable key is an answer all the same: those of before are gone. */
  #failed(error: unknown): number {
    const why = error instanceof JwksFault || error instanceof NoUsableKey ? error.message : 'a defect of ours';
    if (error instanceof NoUsableKey) this.#drop();
    if (why !== this.#trouble && !this.#closed) {
      const meanwhile =
        this.#good === undefined
          ? 'its tokens are 503 until they can'
          : 'the last good ones serve on for JWKS_GRACE_SECONDS';
      this.#options.alarm(`cannot be had: ${why.replace(/\.$/, '')}; ${meanwhile}`);
    }
    this.#trouble = why;
    return TIMES.retry;
  }

  /** Looks at the time at every use, since no timer comes to the moment. */
  #usable(): GoodSet | undefined {
    if (this.#good !== undefined && this.#options.clock.monotonic() >= this.#good.until) {
      this.#drop();
      this.#options.alarm('are too old to be believed: its tokens are 503 until they can be fetched');
    }
    return this.#good;
  }

  #drop(): void {
    if (this.#good !== undefined) this.#generation += 1;
    this.#good = undefined;
  }
}

/** How many keys of one set an alarm is raised for. */
const MAX_ALARMS = 10;

/** @throws NoUsableKey, JwksFault */
function keysIn(bytes: Uint8Array): KeySet {
  try {
    return keySetFrom(parseStrictJson(bytes));
  } catch (error) {
    if (error instanceof NoUsableKey) throw error;
    if (error instanceof StrictJsonError) throw new JwksFault(`it is no strict JSON: ${error.message}`, error);
    throw error instanceof Error ? new JwksFault(error.message, error) : error;
  }
}

function refreshOf(maxAgeSeconds: number | undefined): number {
  const { least, most } = TIMES.refresh;
  return maxAgeSeconds === undefined ? most : Math.min(most, Math.max(least, maxAgeSeconds * 1000));
}
