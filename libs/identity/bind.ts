import { Refusal } from '#libs/kernel/refusal.js';

import type { Caller } from './access-token.js';
import type { Binding } from './binding.js';
import type { Presented } from './presented.js';
import type { Epoch, FreshProof } from './replay-guard.js';

export interface BindingRules {
  /** Origins that `htu` may name: the configured public origin; in dev and test also the alias `localhost`. */
  readonly origins: readonly string[];
  /** ALLOW_UNBOUND_TOKENS. */
  readonly allowUnbound: boolean;
  /** Key of the nonces (a derived key, 32 bytes), or `off`. */
  readonly nonceKey: Uint8Array | 'off';
}

/** A caller that proved to hold the key its token was issued to (or whose token has none, where that is allowed). */
export class BoundCaller {
  readonly #made = true;

  private constructor(
    readonly caller: Caller,
    readonly binding: Binding,
    /** Present under DPoP: to be spent in the take, the only place where it counts. */
    readonly proof: FreshProof | undefined,
    /** The store's epoch that the nonce was checked against; the take uses the same value. */
    readonly epoch: Epoch,
    /** A nonce for the caller's next proof, when nonces are on. */
    readonly nextNonce: string | undefined,
  ) {}

  static bind(
    this: void,
    _caller: Caller,
    _presented: Presented,
    _rules: BindingRules,
    _epoch: Epoch,
    _nowMs: number,
  ): BoundCaller {
    throw new Refusal('BINDING_REQUIRED');
  }

  static is(value: unknown): value is BoundCaller {
    return typeof value === 'object' && value !== null && #made in value;
  }
}

export const bind: typeof BoundCaller.bind = BoundCaller.bind;
