import type { KeyObject } from 'node:crypto';

import { isJsonObject, type Json, type JsonObject } from '#libs/kernel/json.js';

import { ALGORITHMS, algorithmNamed, type Algorithm } from './algorithms.js';
import type { KeySource } from './issuers.js';
import { holdsSecret, importPublicJwk, keyFault } from './public-jwk.js';
import { isRoca } from './roca.js';

/** A fixed set of an issuer's public keys. */
export interface KeySet extends KeySource {
  /** One sentence for each key that was left out; for the operator, never for a caller. */
  readonly faults: readonly string[];
}

interface UsableKey {
  readonly kid: string;
  readonly algorithm: Algorithm;
  readonly key: KeyObject;
}

const MAX_KID = 256;
const MAX_KEYS = 100;
/** RFC 7518 section 3.3; the exponent 1 makes every message its own signature (spec, T6). */
const RSA = { minBits: 2048, maxBits: 4096, minExponent: 65_537n };

/**
 * Reads a JWK Set (RFC 7517 section 5). One key serves one algorithm (RFC 8725 section 3.1): the one that its `alg` names, else the
 * only one that fits; an RSA key without `alg` serves RS256. A key that cannot be used is left out and named in `faults`; a `kid`
 * that stands more than once serves nobody, since trying each would be a guess.
 *
 * @throws Error with one sentence for the operator when the set cannot be used: no JWK Set, no usable key, or a set that publishes
 *   private or symmetric keys, which nobody may trust any more
 */
export function keySetFrom(jwks: Json): KeySet {
  const keys = jwksOf(jwks);
  if (keys.some((jwk) => isJsonObject(jwk) && (holdsSecret(jwk) || jwk['kty'] === 'oct'))) {
    throw new Error('The JWK Set holds a private or symmetric key: publish public keys only, and replace that key.');
  }
  const readings = keys.map(readKey);
  const usable = readings.filter((reading) => typeof reading !== 'string');
  const faults = readings.filter((reading) => typeof reading === 'string');
  const repeated = keys.flatMap(kidOf).filter((kid, at, all) => all.indexOf(kid) !== at);
  const byKid = new Map(usable.filter(({ kid }) => !repeated.includes(kid)).map((key) => [key.kid, key]));
  faults.push(
    ...new Set(repeated.map((kid) => `kid ${JSON.stringify(kid)}: stands more than once, so it serves nobody.`)),
  );
  if (byKid.size === 0) throw new Error(['The JWK Set has no usable key.', ...faults].join(' '));
  return {
    faults,
    key: async (kid, algorithm) => {
      const found = byKid.get(kid);
      return found !== undefined && found.algorithm === algorithmNamed(algorithm) ? found.key : undefined;
    },
  };
}

function jwksOf(jwks: Json): readonly Json[] {
  const keys = isJsonObject(jwks) ? jwks['keys'] : undefined;
  if (!isArray(keys)) throw new Error('This is no JWK Set: a JSON object with an array named keys is needed.');
  if (keys.length > MAX_KEYS) throw new Error(`The JWK Set has ${keys.length} keys; at most ${MAX_KEYS} are read.`);
  return keys;
}

function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** The usable key, or the sentence that says why it is none. */
function readKey(jwk: Json, index: number): UsableKey | string {
  const [kid] = kidOf(jwk);
  if (!isJsonObject(jwk) || kid === undefined) return `Key ${index}: has no kid of 1 to ${MAX_KID} characters.`;
  const name = `Key ${index} (kid ${JSON.stringify(kid)})`;
  const algorithm = algorithmOf(jwk);
  if (algorithm === undefined) return `${name}: is for no algorithm that is accepted here.`;
  const fault = keyFault(jwk, algorithm);
  if (fault !== undefined) return `${name}: ${fault.detail}`;
  try {
    const key = importPublicJwk(jwk, algorithm);
    const weakness = key.asymmetricKeyType === 'rsa' ? rsaWeakness(key) : undefined;
    return weakness === undefined ? { kid, algorithm, key } : `${name}: ${weakness}`;
  } catch {
    return `${name}: its numbers are no public key of that type.`;
  }
}

function kidOf(jwk: Json): string[] {
  const kid = isJsonObject(jwk) ? jwk['kid'] : undefined;
  return typeof kid === 'string' && kid !== '' && kid.length <= MAX_KID ? [kid] : [];
}

function algorithmOf(jwk: JsonObject): Algorithm | undefined {
  if ('alg' in jwk) return algorithmNamed(jwk['alg']);
  if (jwk['kty'] === 'RSA') return algorithmNamed('RS256');
  return ALGORITHMS.find(({ kty, crv }) => jwk['kty'] === kty && jwk['crv'] === crv);
}

/** T6. The export is canonical, whatever spelling the numbers came in. */
function rsaWeakness(key: KeyObject): string | undefined {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < RSA.minBits || modulusLength > RSA.maxBits) return 'RSA needs 2048 to 4096 bits.';
  if (publicExponent < RSA.minExponent) return 'RSA needs an exponent of 65537 or more.';
  const { n = '' } = key.export({ format: 'jwk' });
  const modulus = BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`);
  return isRoca(modulus) ? 'the key was made by a library whose keys can be factored (CVE-2017-15361).' : undefined;
}
