import type { Epoch, ReplayGuard } from '#libs/identity/replay-guard.js';

/** Port: grants, quotas, holders and spent proofs (spec, "Grants: the store"). */
export interface GrantStore extends ReplayGuard {
  /** The epoch of a partition as this process knows it; asked before a nonce is checked. */
  epochOf(partition: number): Promise<Epoch>;
}
