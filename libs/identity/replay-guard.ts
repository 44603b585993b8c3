/** A verified proof of possession that was not spent yet. Only `bind` makes one, after the signature: garbage never reaches a store. */
export interface FreshProof {
  /** RFC 7638 thumbprint of the proof's key. */
  readonly jkt: string;
  readonly jti: string;
  /** Seconds since the epoch, from the proof. */
  readonly iat: number;
  /** Whether the proof carried a nonce that this server gave (it then survives a loss of the store's data). */
  readonly nonce: boolean;
}

/** A proof may be this much older or younger than the store's clock (spec, "Anti-replay"): seconds. */
export const PROOF_WINDOW = { past: 60, future: 10 } as const;

/** The store's data since its last loss: every grant, nonce and proof belongs to one epoch. */
export interface Epoch {
  readonly id: string;
  /** Milliseconds since the epoch by the store's clock; 0 for a store that is known to be complete. */
  readonly since: number;
}

export type ReplayAnswer =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'stale_proof' }
  | { readonly kind: 'replayed' }
  | { readonly kind: 'epoch_changed'; readonly epoch: Epoch };

/**
 * Port: each (jkt, jti) is accepted once, over all instances that share the store (RFC 9449 section 11.1).
 *
 * - MUST check and set in one atomic step; MUST compare `iat` with the store's own clock (`stale_proof`).
 * - MUST keep the entry until the proof could no longer be accepted, and MUST forget it then (every key has a TTL).
 * - MUST store a keyed hash of (jkt, jti), never the values.
 * - MUST answer `epoch_changed` when the caller's epoch is not the store's, before anything else.
 * - A grant store's `take` does the same in the round trip of the take; this port is for routes that take no grant.
 */
export interface ReplayGuard {
  spend(proof: FreshProof, place: { readonly partition: number; readonly epoch: string }): Promise<ReplayAnswer>;
}
