import { sha256 } from '#libs/kernel/digest.js';
import type { Json, JsonObject } from '#libs/kernel/json.js';

import { claim, NAME } from './claim-types.js';
import type { CompactJws } from './compact-jws.js';
import { invalidToken } from './faults.js';
import type { TrustedIssuer } from './issuers.js';

/** What is taken for claims that a token leaves out; asked only then. A claim that is there, in any type, has no stand-in. */
export interface StandIns {
  readonly clientId?: () => string | undefined;
  readonly jti?: () => string;
  readonly iat?: (exp: number) => number;
}

/** Only ID tokens hold the hash of another token (OpenID Connect Core 1.0 sections 3.1.3.6 and 3.3.2.11). */
const ID_TOKEN_CLAIMS = ['at_hash', 'c_hash'];

/**
 * A10 where the header cannot tell: one claim has to, and the hashes that only an ID token has must not be there. Nothing is checked
 * under RFC 9068, where typ has told.
 *
 * Not checked: `nonce`, which older releases of Keycloak put into access tokens as well.
 *
 * @throws Refusal INVALID_TOKEN
 */
export function checkAccessToken(payload: JsonObject, { compat }: TrustedIssuer): void {
  if (compat === undefined) return;
  const { accessTokenClaim: name, accessTokenValues: accepted } = compat;
  if (ID_TOKEN_CLAIMS.some((hash) => hash in payload)) {
    throw invalidToken('A10 id token', 'The token holds the hash of another one: it is an ID token.');
  }
  const value = payload[name];
  if (value === undefined || value === null || !(accepted?.some((text) => says(value, text)) ?? true)) {
    throw invalidToken(
      'A10 claim',
      `The claim ${name} does not say that the token is an access token for this gateway.`,
    );
  }
}

function says(value: Json, accepted: string): boolean {
  if (typeof value !== 'string') return false;
  return accepted.endsWith('*') ? value.startsWith(accepted.slice(0, -1)) : value === accepted;
}

/**
 * Spec, "Trusted issuers": a configured claim, else a hash of the token, for a missing `jti`; `azp` (OpenID Connect Core 1.0 section 2),
 * else `sub`, for a missing `client_id`. A token without `iat` (a JWT-SVID may leave it out) is taken for as old as it can be: so
 * `exp - now` stays bounded, and whatever asks for a token younger than some moment asks in vain.
 *
 * The hash is over what was signed and not over the signature: an ES256 signature has a twin that verifies as well, so that whoever
 * holds the token could give it a second jti.
 *
 * Each throws Refusal INVALID_TOKEN when the claim that stands in has the wrong type.
 */
export function standInsOf(payload: JsonObject, issuer: TrustedIssuer, { signed }: CompactJws): StandIns {
  const { compat, maxTokenAgeSeconds } = issuer;
  if (compat === undefined) return {};
  const { jtiClaim } = compat;
  return {
    clientId: () => claim(payload, 'azp', NAME, 'A3 client_id') ?? claim(payload, 'sub', NAME, 'A3 sub'),
    jti: () => (jtiClaim === undefined ? undefined : claim(payload, jtiClaim, NAME, 'A3 jti')) ?? sha256(signed),
    iat: (exp) => exp - maxTokenAgeSeconds,
  };
}
