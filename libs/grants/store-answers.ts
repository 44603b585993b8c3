import { PROOF_WINDOW, type Epoch } from '#libs/identity/replay-guard.js';
import { Refusal } from '#libs/kernel/refusal.js';
import { limited } from '#libs/limits/limited.js';
import type { Target } from '#libs/tenancy/guard.js';

import type { GrantDesk } from './desk.js';
import type { EpochChanged, IssueAnswer, TakeAnswer, TargetAnswer } from './grant-store.js';

/** What a store says that ends a request, in whichever of its answers. */
export type Refused = Exclude<
  TakeAnswer | IssueAnswer | TargetAnswer,
  EpochChanged | { readonly kind: 'answered' | 'taken' | 'ask' }
>;

/** Spec, "Refusal codes: from the store". */
export function refusalOf(answer: Refused): Refusal {
  switch (answer.kind) {
    case 'stale_proof':
      return new Refusal('INVALID_DPOP_PROOF', {
        check: 'D12 iat',
        detail: 'The iat of the proof is too far from the time here: sign a fresh proof, and check the clock.',
      });
    case 'replayed':
      return new Refusal('PROOF_REPLAYED', {
        check: 'D15 jti',
        detail: 'This proof was used before: sign a fresh one, with a jti of its own, for each request.',
      });
    case 'token_spent':
      return new Refusal('TOKEN_REPLAYED', {
        check: 'unbound token',
        detail: 'This token has had its grants for this secret and purpose: get a new token, or one bound to a key.',
      });
    case 'limited':
      return limited('rate subject', answer.retryAfterMs);
    case 'blocked':
      return new Refusal('REVOKED', { check: 'block' });
    case 'other_holder':
      return new Refusal('BINDING_CHANGED', {
        check: 'one holder',
        detail: 'Another key holds the grant for this secret and purpose until that grant ends.',
      });
    case 'quota_exhausted':
      return new Refusal('QUOTA_EXHAUSTED', { check: 'quota', resetsAt: rfc3339(answer.resetsAtMs) });
    case 'quota_unknown':
      return new Refusal('QUOTA_UNKNOWN', { check: 'quota window', resetsAt: rfc3339(answer.resetsAtMs) });
  }
}

/**
 * A store that lost its data remembers neither what was spent nor what was granted. What may have been used before the loss is
 * refused: a proof without a nonce of this epoch that the window cannot tell from a fresh one, and an unbound token of before. A
 * certificate's binding is fresh with each connection and stays.
 *
 * @throws Refusal USE_DPOP_NONCE, TOKEN_PREDATES_STORE
 */
export function checkYounger({ bound }: Target, epoch: Epoch, desk: GrantDesk): void {
  if (epoch.since === 0) return;
  const { proof, binding, caller } = bound;
  const known = epoch.since + desk.storeSkewMs;
  if (proof !== undefined && !proof.nonce && (proof.iat - PROOF_WINDOW.future) * 1000 <= known) {
    throw useNonce(epoch, desk);
  }
  if (binding.kind === 'none' && (caller.claims.iat - desk.leewaySeconds) * 1000 <= known) {
    throw new Refusal('TOKEN_PREDATES_STORE', {
      check: 'token before epoch',
      detail: 'The token is older than what is remembered here: get a new one.',
    });
  }
}

/**
 * `epoch_changed` took and spent nothing. A proof was judged by a nonce of the old epoch, so its caller signs another; everybody
 * else is asked about once more under the new one.
 *
 * @throws Refusal USE_DPOP_NONCE, TOKEN_PREDATES_STORE
 */
export function checkEpochChange(target: Target, epoch: Epoch, desk: GrantDesk): void {
  if (target.bound.proof !== undefined) throw useNonce(epoch, desk);
  checkYounger(target, epoch, desk);
}

function useNonce(epoch: Epoch, desk: GrantDesk): Refusal {
  const dpopNonce = desk.nonceFor(epoch);
  return new Refusal('USE_DPOP_NONCE', {
    check: 'store epoch',
    detail: 'Sign a fresh proof with the nonce of this answer.',
    ...(dpopNonce !== undefined && { dpopNonce }),
  });
}

function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
