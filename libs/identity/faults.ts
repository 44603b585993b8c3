import { Refusal } from '#libs/kernel/refusal.js';

/**
 * The two refusals that a caller's bytes cause in this ring. `check` names the line of the checklist and the step (`A3 exp`); the
 * detail names the claim or header that was wrong and never what the gateway expected of another caller.
 */

/** 401 `invalid_token`: the token, or its binding (RFC 6750 section 3.1, RFC 9449 section 7.1). */
export function invalidToken(check: string, detail: string, cause?: unknown): Refusal {
  return new Refusal('INVALID_TOKEN', { check, detail, cause });
}

/** 401 `invalid_dpop_proof` (RFC 9449 section 7.1). */
export function invalidProof(check: string, detail: string, cause?: unknown): Refusal {
  return new Refusal('INVALID_DPOP_PROOF', { check, detail, cause });
}
