import type { ProofToSpend } from '#libs/grants/grant-store.js';
import { PROOF_WINDOW } from '#libs/identity/replay-guard.js';

import { ExpiringTable } from './expiring-table.js';

/** The proofs that were spent, each for as long as it could be accepted again (RFC 9449 section 11.1). */
export class ReplayWindow {
  readonly #spent = new ExpiringTable<true>();

  /** @param scope keeps partitions apart */
  spend({ key, iat }: ProofToSpend, scope: number, nowMs: number): 'fresh' | 'stale_proof' | 'replayed' {
    const firstMs = (iat - PROOF_WINDOW.future) * 1000;
    const lastMs = (iat + PROOF_WINDOW.past) * 1000;
    // Put this way round, an iat that is no number is stale too.
    if (!(nowMs >= firstMs && nowMs <= lastMs)) return 'stale_proof';
    const entry = `${scope}.${key}`;
    if (this.#spent.get(entry, nowMs) === true) return 'replayed';
    // The last millisecond of the window still accepts: the entry outlives it by one.
    this.#spent.set(entry, true, lastMs + 1, nowMs);
    return 'fresh';
  }

  sweep(nowMs: number): void {
    this.#spent.sweep(nowMs);
  }

  get size(): number {
    return this.#spent.size;
  }
}
