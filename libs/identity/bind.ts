import { Refusal } from '#libs/kernel/refusal.js';

import type { Caller } from './access-token.js';
import type { Binding } from './binding.js';
import { checkCertificate } from './certificate.js';
import { verifyProof } from './dpop-proof.js';
import { invalidToken } from './faults.js';
import { currentNonce } from './nonce.js';
import type { Presented } from './presented.js';
import type { ProofKeys } from './proof-keys.js';
import type { Epoch, FreshProof } from './replay-guard.js';

export interface BindingRules {
  /** Origins that `htu` may name: the configured public origin; in dev and test also the alias `localhost`. */
  readonly origins: readonly string[];
  /** ALLOW_UNBOUND_TOKENS. */
  readonly allowUnbound: boolean;
  /** Key of the nonces (a derived key, 32 bytes). There also where nonces are off: the store asks for one after it lost data. */
  readonly nonceKey: Uint8Array;
  /** DPOP_NONCE. */
  readonly nonces: 'required' | 'off';
  readonly proofKeys: ProofKeys;
}

/** A caller that proved to hold the key its token was issued to (or whose token has none, where that is allowed). */
export class BoundCaller {
  readonly #made = true;

  private constructor(
    readonly caller: Caller,
    readonly binding: Binding,
    /** Present where a key is bound (`jkt`): to be spent in the take, the only place where it counts. */
    readonly proof: FreshProof | undefined,
    /** The store's epoch that the nonce was checked against; the take uses the same value. */
    readonly epoch: Epoch,
    /** A nonce for the caller's next proof, when nonces are on. */
    readonly nextNonce: string | undefined,
  ) {}

  /**
   * Holds the token to the key that it was issued to, by what the token says and never by what the request chose: a bound token
   * is refused without its proof, whatever the scheme (RFC 9449 section 7.2), or without its certificate, whatever else is shown
   * (RFC 8705 section 3). Bound to both, it needs both. A certificate that the token does not name binds nothing.
   *
   * That a certificate's connection is fresh is TLS's own doing: there is nothing to spend, and the token's jti is recorded only.
   *
   * @param epoch the store's, for this caller's partition
   * @throws Refusal INVALID_TOKEN, INVALID_DPOP_PROOF, USE_DPOP_NONCE, BINDING_REQUIRED, INVALID_REQUEST
   */
  static bind(
    this: void,
    caller: Caller,
    presented: Presented,
    rules: BindingRules,
    epoch: Epoch,
    nowMs: number,
  ): BoundCaller {
    const binding = bindingOf(caller);
    if (binding.kind === 'none') {
      checkUnbound(presented, rules);
      return new BoundCaller(caller, binding, undefined, epoch, undefined);
    }
    if (binding.kind !== 'dpop') checkCertificate(presented.certificate, binding.x5t);
    if (binding.kind === 'mtls') {
      checkNoProof(presented, 'a certificate alone');
      return new BoundCaller(caller, binding, undefined, epoch, undefined);
    }
    const demands = { ...rules, jkt: binding.jkt, tokenHash: caller.tokenHash, epoch };
    const proof = verifyProof(presented, demands, nowMs);
    const nextNonce = rules.nonces === 'required' ? currentNonce(rules.nonceKey, epoch, nowMs) : undefined;
    return new BoundCaller(caller, binding, proof, epoch, nextNonce);
  }

  static is(value: unknown): value is BoundCaller {
    return typeof value === 'object' && value !== null && #made in value;
  }
}

export const bind: typeof BoundCaller.bind = BoundCaller.bind;

/** What the token itself says it is bound to, and whether it came under the scheme for that (RFC 9449 sections 7.1 and 7.2). */
function bindingOf({ claims, scheme }: Caller): Binding {
  const { jkt, x5t } = claims.confirmation;
  if (jkt !== undefined && scheme !== 'DPoP') {
    throw invalidToken('D20 scheme', 'The token is bound to a key: send it under the scheme DPoP with a proof.');
  }
  if (jkt === undefined && scheme === 'DPoP') {
    throw invalidToken('D19 scheme', 'The token is not bound to a key: the scheme DPoP is for tokens that are.');
  }
  if (jkt !== undefined) return x5t === undefined ? { kind: 'dpop', jkt } : { kind: 'dpop+mtls', jkt, x5t };
  return x5t === undefined ? { kind: 'none', iss: claims.iss, jti: claims.jti } : { kind: 'mtls', x5t };
}

/** A plain bearer token. */
function checkUnbound(presented: Presented, { allowUnbound }: BindingRules): void {
  if (!allowUnbound) {
    throw new Refusal('BINDING_REQUIRED', {
      check: 'binding',
      detail: 'The token is not bound to a key: get one that is (DPoP, RFC 9449, or mTLS, RFC 8705).',
    });
  }
  checkNoProof(presented, 'no key');
}

/** A proof by a key that the token does not name is refused: its sender believes in a protection that is not there. */
function checkNoProof({ dpop }: Presented, boundTo: string): void {
  if (dpop.length === 0) return;
  throw new Refusal('INVALID_REQUEST', {
    check: 'D20 proof',
    detail: `A DPoP proof was sent with a token that is bound to ${boundTo}: leave it out, or get a token that is bound to its key.`,
  });
}
