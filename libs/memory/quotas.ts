import { windowOf, windowStart, type Quota } from '#libs/grants/grant.js';
import type { QuotaWindow } from '#libs/grants/grant-store.js';

import { ExpiringTable } from './expiring-table.js';

interface Tally extends QuotaWindow {
  readonly used: number;
}

export type QuotaState =
  | { readonly kind: 'open' }
  | { readonly kind: 'quota_exhausted'; readonly resetsAtMs: number }
  | { readonly kind: 'quota_unknown'; readonly resetsAtMs: number };

/** The counters of quotas: under each key, one tally for each period that a grant there has named, in the window that is running. */
export class Quotas {
  readonly #tallies = new ExpiringTable<readonly Tally[]>();

  /** @param knownFromMs windows that began earlier cannot be known: the store may have lost uses of them */
  check(key: string, quota: Quota | null, nowMs: number, knownFromMs: number): QuotaState {
    if (quota === null) return { kind: 'open' };
    const { periodSeconds } = quota;
    const window = windowOf(periodSeconds, nowMs);
    const resetsAtMs = windowStart(periodSeconds, window + 1);
    const running = this.#running(key, nowMs);
    if (usedIn(running, periodSeconds) >= quota.uses) return { kind: 'quota_exhausted', resetsAtMs };
    if (windowStart(periodSeconds, window) < knownFromMs) return { kind: 'quota_unknown', resetsAtMs };
    return { kind: 'open' };
  }

  /** Counts one use in every running window, those of the quotas given included, and names them. */
  count(key: string, quotas: readonly (Quota | null)[], nowMs: number): readonly QuotaWindow[] {
    let running = this.#running(key, nowMs);
    for (const quota of quotas) {
      if (quota === null || running.some(({ periodSeconds }) => periodSeconds === quota.periodSeconds)) continue;
      const { periodSeconds } = quota;
      running = [
        ...running,
        { periodSeconds, window: windowOf(periodSeconds, nowMs), used: usedIn(running, periodSeconds) },
      ];
    }
    this.#keep(
      key,
      running.map((tally) => ({ ...tally, used: tally.used + 1 })),
      nowMs,
    );
    return running.map(({ periodSeconds, window }) => ({ periodSeconds, window }));
  }

  /** @returns whether a window that still runs was lowered */
  giveBack(key: string, windows: readonly QuotaWindow[], nowMs: number): boolean {
    let lowered = false;
    const tallies = this.#running(key, nowMs).map((tally) => {
      const counted = windows.some(
        ({ periodSeconds, window }) => periodSeconds === tally.periodSeconds && window === tally.window,
      );
      if (!counted || tally.used === 0) return tally;
      lowered = true;
      return { ...tally, used: tally.used - 1 };
    });
    if (lowered) this.#keep(key, tallies, nowMs);
    return lowered;
  }

  sweep(nowMs: number): void {
    this.#tallies.sweep(nowMs);
  }

  get size(): number {
    return this.#tallies.size;
  }

  #running(key: string, nowMs: number): readonly Tally[] {
    const tallies = this.#tallies.get(key, nowMs) ?? [];
    return tallies.map((tally) => {
      const window = windowOf(tally.periodSeconds, nowMs);
      return tally.window === window ? tally : { periodSeconds: tally.periodSeconds, window, used: 0 };
    });
  }

  #keep(key: string, tallies: readonly Tally[], nowMs: number): void {
    const ends = tallies.map(({ periodSeconds, window }) => windowStart(periodSeconds, window + 1));
    if (ends.length > 0) this.#tallies.set(key, tallies, Math.max(...ends), nowMs);
  }
}

/**
 * A period that is new under the key has no count of its own yet: it starts with that of the busiest running window, which may be
 * more than fell into its own, so that another period never refills.
 */
function usedIn(running: readonly Tally[], periodSeconds: number): number {
  const own = running.find((tally) => tally.periodSeconds === periodSeconds);
  return own?.used ?? Math.max(0, ...running.map(({ used }) => used));
}
