import { Refusal } from '#libs/kernel/refusal.js';

import type { VerifiedClaims } from './token-claims.js';

/** What a sign-in must be (RFC 9470 section 3). Without a member, nothing is asked of it. */
export interface StepUpDemand {
  /** The `acr` must be one of these, octet for octet. Never empty: nothing would satisfy it. */
  readonly acrValues?: readonly string[];
  /** Seconds since `auth_time`, at most. */
  readonly maxAge?: number;
}

/** What a verified token says of the sign-in behind it (RFC 9068 section 2.2.1). `amr` is not read: it never stands for an acr. */
export type SignIn = Pick<VerifiedClaims, 'subjectType' | 'acr' | 'authTime'>;

export interface SignInTime {
  readonly nowMs: number;
  /** CLOCK_LEEWAY_SECONDS: how far ahead an issuer's clock may be. It lengthens no age. */
  readonly leewaySeconds: number;
}

/**
 * Holds a token's sign-in to a demand (RFC 9470 sections 3 and 6.1). Whoever calls it has verified token, binding, tenant and mount,
 * since the demanded level tells something of the secret (section 9), and has the demand from a decision.
 *
 * A service or an agent has no user who could sign in: whatever its token claims, it cannot meet a demand.
 *
 * @throws Refusal STEP_UP_IMPOSSIBLE for a token without a user; STEP_UP_REQUIRED, with all that is demanded
 */
export function checkSignIn(signIn: SignIn, demand: StepUpDemand, time: SignInTime): void {
  const { acrValues, maxAge } = demand;
  if (acrValues === undefined && maxAge === undefined) return;
  if (signIn.subjectType !== 'user') {
    throw new Refusal('STEP_UP_IMPOSSIBLE', {
      check: 'S5 no user',
      detail: 'The policy asks for a sign-in, and this token speaks for no user who could make one.',
    });
  }
  const check = lackOf(signIn, demand, time);
  if (check === undefined) return;
  throw new Refusal('STEP_UP_REQUIRED', {
    check,
    detail: 'The policy asks for another sign-in: get a token by the acr_values and max_age of the challenge.',
    ...(acrValues !== undefined && { acrValues }),
    ...(maxAge !== undefined && { maxAge }),
  });
}

/** The first check that fails. */
function lackOf({ acr, authTime }: SignIn, { acrValues, maxAge }: StepUpDemand, time: SignInTime): string | undefined {
  if (acrValues !== undefined) {
    if (acr === undefined) return 'S5 acr missing';
    // no order is known among acr values: a "higher" one is another one
    if (!acrValues.includes(acr)) return 'S4 acr';
  }
  // S3: auth_time alone, since iat is new with each refresh
  if (maxAge !== undefined && authTime === undefined) return 'S5 auth_time missing';
  if (authTime === undefined) return undefined;
  const age = Math.floor(time.nowMs / 1000) - authTime;
  // Written so that what is no number fails. A sign-in that is yet to come says nothing about its acr either.
  if (!(age >= -time.leewaySeconds)) return 'S5 auth_time in the future';
  return maxAge === undefined || age <= maxAge ? undefined : 'S3 auth_time';
}
