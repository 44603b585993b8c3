import { SCOPE_OF, type Scope } from '#libs/kernel/purposes.js';

import type { Presented } from './presented.js';
import type { VerifiedClaims } from './token-claims.js';

/** `iss` of whoever presents nothing. Configuration gives the name to no issuer, so that no token can say it. */
export const ANONYMOUS_ISSUER = 'urn:postern:anonymous';

/** The last second that RFC 3339 can write: what never ends still has to be compared. */
const NEVER = 253_402_300_799;

/** Scopes are what a token was restricted to; whoever has none has every one of the data plane, and no other. */
const SCOPES: ReadonlySet<Scope> = new Set(Object.values(SCOPE_OF).filter((scope) => scope !== 'secrets.admin'));

/**
 * The subject `anonymous` of one tenant (SECRETS_API_REQUIRE_AUTH=false; spec, "Identity: Switches outside their defaults"): bound to
 * nothing, a member of nothing, never a user, never newly authenticated. Made once, from configuration alone.
 */
export function anonymousOf(tenant: string): VerifiedClaims {
  return {
    iss: ANONYMOUS_ISSUER,
    sub: 'anonymous',
    clientId: 'anonymous',
    jti: 'anonymous',
    iat: 0,
    exp: NEVER,
    audience: [],
    scopes: SCOPES,
    tenant,
    subjectType: 'service',
    groups: [],
    confirmation: {},
  };
}

/**
 * Whether a request leaves credentials out altogether. What is presented is judged, the switch notwithstanding: a bad token, a
 * proof without its token or an unknown scheme is refused as ever, so that a client's mistake shows before production shows it.
 */
export function presentsNothing({ authorization, dpop }: Presented): boolean {
  return authorization.length === 0 && dpop.length === 0;
}
