import type { ProofToSpend } from '#libs/grants/grant-store.js';
import { PROOF_WINDOW } from '#libs/identity/replay-guard.js';

/** Between two sweeps: milliseconds. */
const SWEEP_EVERY_MS = 1000;

/**
 * The proofs that were spent, each for as long as it could be accepted again (RFC 9449 section 11.1). They are most of what a busy
 * gateway keeps: a proof is one string here, and those of one second are forgotten together, since they end together.
 */
export class ReplayWindow {
  /** Entry → `iat` of the proof that was spent under it. */
  readonly #spent = new Map<string, number>();
  readonly #bySecond = new Map<number, string[]>();
  #sweepAtMs = 0;

  /** @param scope keeps partitions apart */
  spend({ key, iat }: ProofToSpend, scope: number, nowMs: number): 'fresh' | 'stale_proof' | 'replayed' {
    const firstMs = (iat - PROOF_WINDOW.future) * 1000;
    // Put this way round, an iat that is no number is stale too.
    if (!(nowMs >= firstMs && nowMs < endOf(iat))) return 'stale_proof';
    const entry = `${scope}.${key}`;
    const before = this.#spent.get(entry);
    if (before !== undefined && nowMs < endOf(before)) return 'replayed';
    this.#spent.set(entry, iat);
    const second = this.#bySecond.get(iat);
    if (second === undefined) this.#bySecond.set(iat, [entry]);
    else second.push(entry);
    return 'fresh';
  }

  sweep(nowMs: number): void {
    // A clock that was set back sweeps at once, too: what has not ended stays.
    if (nowMs < this.#sweepAtMs && nowMs >= this.#sweepAtMs - SWEEP_EVERY_MS) return;
    this.#sweepAtMs = nowMs + SWEEP_EVERY_MS;
    for (const [iat, entries] of this.#bySecond) {
      if (nowMs < endOf(iat)) continue;
      this.#bySecond.delete(iat);
      for (const entry of entries) {
        // it may have been spent again, by a later proof
        if (this.#spent.get(entry) === iat) this.#spent.delete(entry);
      }
    }
  }

  get size(): number {
    return this.#spent.size;
  }
}

/** The last millisecond of the window, `iat` + 60 s, still accepts: the entry outlives it by one. */
function endOf(iat: number): number {
  return (iat + PROOF_WINDOW.past) * 1000 + 1;
}
