import { canonicalJson } from '#libs/kernel/canonical-json.js';
import { hmacSha256 } from '#libs/kernel/digest.js';

/**
 * H(a, b, …): HMAC-SHA-256 under a derived key over the JCS array of its arguments, base64url (spec, "Grants: the store"). Keyed,
 * since plain hashes of paths can be guessed and grant ids stand in the audit; an array, since joined strings can be cut elsewhere.
 */
export type Hash = (...parts: readonly (string | number | null)[]) => string;

export function hashUnder(key: Uint8Array): Hash {
  return (...parts) => hmacSha256(key, canonicalJson(parts));
}
