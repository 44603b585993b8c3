import type { KeyObject } from 'node:crypto';

import { isJsonObject, type Json, type JsonObject } from '#libs/kernel/json.js';
import { quoted } from '#libs/kernel/quoted.js';

import { ALGORITHMS, algorithmNamed, type Algorithm } from './algorithms.js';
import type { KeySource } from './issuers.js';
import { holdsSecret, importPublicJwk, keyFault } from './public-jwk.js';
import { rsaWeakness } from './rsa-keys.js';

/** A fixed set of an issuer's public keys. */
export interface KeySet extends KeySource {
  /** One sentence for each key that is wrong and was left out; for the operator, never for a caller. */
  readonly faults: readonly string[];
  /** One sentence for each key that is for something else than the signatures of tokens here: no fault of the issuer. */
  readonly others: readonly string[];
  /** Whether a usable key has this `kid`, for whatever algorithm. */
  has(kid: string): boolean;
}

/** A JWK Set of which nothing may be used: that is what the issuer says, and no keys of before stand in. */
export class NoUsableKey extends Error {
  override readonly name = 'NoUsableKey';
}

interface UsableKey {
  readonly kid: string;
  readonly algorithm: Algorithm;
  readonly key: KeyObject;
}

const MAX_KID = 256;
const MAX_KEYS = 100;
/** How many sentences an error repeats. */
const MAX_SAID = 5;

/**
 * Reads a JWK Set (RFC 7517 section 5). One key serves one algorithm (RFC 8725 section 3.1): the one that its `alg` names, else the
 * only one that fits; an RSA key without `alg` serves RS256. A key that cannot be used is left out and named in `faults`, one that is
 * for something else (encryption, an algorithm that is not accepted here) in `others`; a `kid` that stands more than once serves nobody,
 * since trying each would be a guess.
 *
 * @throws NoUsableKey without one, and for a set that publishes private or symmetric keys, which nobody may trust any more; Error when
 *   this is no JWK Set; each with one sentence for the operator
 */
export function keySetFrom(jwks: Json): KeySet {
  const keys = jwksOf(jwks);
  if (keys.some((jwk) => isJsonObject(jwk) && (holdsSecret(jwk) || jwk['kty'] === 'oct'))) {
    throw new NoUsableKey('The JWK Set holds a private or symmetric key: publish public keys only, and replace it.');
  }
  const readings = keys.map(readKey);
  const usable = readings.flatMap(({ key }) => key ?? []);
  const faults = readings.flatMap(({ fault }) => fault ?? []);
  const others = readings.flatMap(({ other }) => other ?? []);
  const repeated = keys.flatMap(kidOf).filter((kid, at, all) => all.indexOf(kid) !== at);
  const byKid = new Map(usable.filter(({ kid }) => !repeated.includes(kid)).map((key) => [key.kid, key]));
  faults.push(...new Set(repeated.map((kid) => `kid ${quoted(kid)}: stands more than once, so it serves nobody.`)));
  if (byKid.size === 0) {
    throw new NoUsableKey(['The JWK Set has no usable key.', ...[...faults, ...others].slice(0, MAX_SAID)].join(' '));
  }
  return {
    faults,
    others,
    generation: 0,
    has: (kid) => byKid.has(kid),
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
interface KeyReading {
  readonly key?: UsableKey;
  readonly fault?: string;
  readonly other?: string;
}

function readKey(jwk: Json, index: number): KeyReading {
  const [kid] = kidOf(jwk);
  if (isJsonObject(jwk) && isForEncryption(jwk)) return { other: `Key ${index}: is not for signatures.` };
  if (!isJsonObject(jwk) || kid === undefined)
    return { fault: `Key ${index}: has no kid of 1 to ${MAX_KID} characters.` };
  const name = `Key ${index} (kid ${quoted(kid)})`;
  const algorithm = algorithmOf(jwk);
  if (algorithm === undefined) return { other: `${name}: is for no algorithm that is accepted here.` };
  const fault = keyFault(jwk, algorithm);
  if (fault !== undefined) return { fault: `${name}: ${fault.detail}` };
  try {
    const key = importPublicJwk(jwk, algorithm);
    const weakness = key.asymmetricKeyType === 'rsa' ? rsaWeakness(key) : undefined;
    return weakness === undefined ? { key: { kid, algorithm, key } } : { fault: `${name}: ${weakness}` };
  } catch {
    return { fault: `${name}: its numbers are no public key of that type.` };
  }
}

/** RFC 7517 section 4.2: issuers publish such keys beside the others (Keycloak does). */
function isForEncryption(jwk: JsonObject): boolean {
  return jwk['use'] === 'enc';
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
