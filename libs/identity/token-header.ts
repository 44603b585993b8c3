import type { JsonObject } from '#libs/kernel/json.js';
import type { Refusal } from '#libs/kernel/refusal.js';

import { algorithmNamed, type Algorithm } from './algorithms.js';
import { invalidToken } from './faults.js';
import type { TrustedIssuer } from './issuers.js';

/** What the header of an access token may decide: which of the issuer's keys verifies it, and nothing else. */
export interface TokenHeader {
  readonly alg: string;
  readonly algorithm: Algorithm;
  readonly kid: string;
  /** Whether typ says that this is an access token. If not it says `JWT` or nothing, which ID tokens say too. */
  readonly accessToken: boolean;
}

const MAX_KID = 256;
/** RFC 9068 section 2.1; a media type, hence in any case (RFC 7515 section 4.1.9). */
const ACCESS_TOKEN: ReadonlySet<string> = new Set(['at+jwt', 'application/at+jwt']);
/** RFC 7519 section 5.1. What every other type names is another kind of token, for no profile (J11). */
const ANY_TOKEN: ReadonlySet<string> = new Set(['jwt', 'application/jwt']);

/**
 * Reads the header of an access token. `jku`, `x5u`, `x5c` and `jwk` are not read at all: keys come from configuration, never from
 * a token (RFC 8725 section 3.10).
 *
 * @throws Refusal INVALID_TOKEN
 */
export function parseTokenHeader(header: JsonObject): TokenHeader {
  const { typ, alg, kid } = header;
  const type = typ === undefined ? 'jwt' : typeof typ === 'string' ? typ.toLowerCase() : '';
  const accessToken = ACCESS_TOKEN.has(type);
  if (!accessToken && !ANY_TOKEN.has(type)) throw wrongType();
  if ('crit' in header || 'b64' in header) throw invalidToken('T22 crit', 'An access token must not use crit or b64.');
  const algorithm = algorithmNamed(alg);
  if (typeof alg !== 'string' || algorithm === undefined) {
    throw invalidToken('A2 alg', 'The header alg of the token is none of those that are accepted.');
  }
  if (typeof kid !== 'string' || kid === '' || kid.length > MAX_KID) {
    throw invalidToken('T23 kid', `The header kid of the token must be a string of 1 to ${MAX_KID} characters.`);
  }
  return { alg, algorithm, kid, accessToken };
}

/** A1, A10: `JWT`, or no typ at all, would let an ID token in; only the profile `compat` goes on, to tell them apart by a claim. */
export function checkType({ accessToken }: TokenHeader, { compat }: TrustedIssuer): void {
  if (!accessToken && compat === undefined) throw wrongType();
}

/** J1, RFC 8725 section 3.1: what this gateway knows is not yet what this issuer may use. */
export function checkAlgorithm({ algorithm }: TokenHeader, { algorithms }: TrustedIssuer): void {
  if (!algorithm.names.some((name) => algorithms.includes(name))) {
    throw invalidToken('J1 alg', "The header alg of the token is none that is accepted from the token's issuer.");
  }
}

function wrongType(): Refusal {
  return invalidToken('A1 typ', 'The header typ of an access token must be at+jwt.');
}
