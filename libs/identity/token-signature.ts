import type { KeyObject } from 'node:crypto';

import { compactVerify } from 'jose';

import type { JsonObject } from '#libs/kernel/json.js';
import { Refusal } from '#libs/kernel/refusal.js';

import { invalidToken } from './faults.js';
import type { TrustedIssuer } from './issuers.js';
import type { TokenHeader } from './token-header.js';

/**
 * A4, J7: RFC 9068 section 4, RFC 8725 section 3.8. The issuer is chosen by its exact name before anything is verified, so that its
 * keys are the only ones that are asked: a `kid` alone never finds a key. A wrong choice cannot verify.
 */
export function trustedIssuer(payload: JsonObject, issuers: ReadonlyMap<string, TrustedIssuer>): TrustedIssuer {
  const { iss } = payload;
  if (typeof iss !== 'string') throw invalidToken('A3 iss', 'The token needs the claim iss, a string.');
  const issuer = issuers.get(iss);
  if (issuer === undefined) throw invalidToken('J7 issuer', 'The issuer of the token is not trusted here.');
  return issuer;
}

/**
 * J9: `kid` is data for a lookup. T18: keys that cannot be had are the gateway's trouble and not the token's.
 *
 * @throws Refusal INVALID_TOKEN without such a key, UNAVAILABLE when the source fails
 */
export async function issuerKey({ kid, alg }: TokenHeader, { keys }: TrustedIssuer): Promise<KeyObject> {
  let key: KeyObject | undefined;
  try {
    key = await keys.key(kid, alg);
  } catch (cause) {
    throw new Refusal('UNAVAILABLE', { check: 'T18 jwks', retryAfterSeconds: 1, cause });
  }
  if (key === undefined) throw invalidToken('J7 kid', "The token's issuer has no such key for that algorithm.");
  return key;
}

/** J3, J4: RFC 7515 section 5.2. Whatever `jose` throws means that the token is not verified. */
export async function checkSignature(token: string, { alg }: TokenHeader, key: KeyObject): Promise<void> {
  try {
    await compactVerify(token, key, { algorithms: [alg] });
  } catch (error) {
    throw invalidToken('J3 signature', "The token's signature does not verify.", error);
  }
}
