import { createPublicKey, type KeyObject } from 'node:crypto';

import { isBase64url } from '#libs/kernel/base64url.js';
import { sha256 } from '#libs/kernel/digest.js';
import type { Json, JsonObject } from '#libs/kernel/json.js';

import type { Algorithm } from './algorithms.js';
import { isRefusedPoint } from './ed25519-points.js';

/** Why a JWK is refused. */
export interface KeyFault {
  readonly check: string;
  readonly detail: string;
}

interface KeyCheck extends KeyFault {
  readonly holds: (jwk: JsonObject, algorithm: Algorithm) => boolean;
}

/** Private and symmetric members of RFC 7518 section 6, all of them: an importer that drops one silently still saw it. */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** In this order. Cheap: what only an import can tell (a point off the curve) is not among them. */
const KEY_CHECKS: readonly KeyCheck[] = [
  {
    check: 'D7 private', // RFC 9449 section 4.3 (7)
    holds: (jwk) => !holdsSecret(jwk),
    detail: 'The key has a private or symmetric member; send the public key only.',
  },
  {
    check: 'D6 kty', // RFC 8725 section 3.1, RFC 7518 section 6
    holds: (jwk, { kty, crv }) => jwk['kty'] === kty && (crv === undefined || jwk['crv'] === crv),
    detail: 'The key type or curve does not fit the algorithm.',
  },
  {
    check: 'D7 alg', // RFC 7517 section 4.4
    holds: (jwk, { names }) => !('alg' in jwk) || names.some((name) => name === jwk['alg']),
    detail: 'The key names another algorithm than the one it is used with.',
  },
  {
    check: 'D7 use', // RFC 7517 section 4.2
    holds: (jwk) => !('use' in jwk) || jwk['use'] === 'sig',
    detail: 'The key is not for signatures: use must be sig where it is given.',
  },
  {
    check: 'D7 key_ops', // RFC 7517 section 4.3
    holds: (jwk) => !('key_ops' in jwk) || isVerifyOnly(jwk['key_ops']),
    detail: 'The key is not for verification: key_ops must be ["verify"] where it is given.',
  },
  {
    check: 'T9 coordinate', // RFC 7518 section 6.2.1.2: full width; canonical, else one key has several thumbprints
    holds: (jwk, algorithm) => numbersOf(algorithm).every((name) => isNumber(jwk[name], algorithm.width)),
    detail: "The key's numbers must be canonical base64url of full width, without padding.",
  },
  {
    check: 'T7 low order',
    holds: (jwk, { crv }) => crv !== 'Ed25519' || !isRefusedPoint(jwk['x']),
    detail: 'The key is a point of low order or not canonically encoded: it proves nothing.',
  },
];

/** What is wrong with a public JWK for this algorithm, before any import. */
export function keyFault(jwk: JsonObject, algorithm: Algorithm): KeyFault | undefined {
  return KEY_CHECKS.find(({ holds }) => !holds(jwk, algorithm));
}

export function holdsSecret(jwk: JsonObject): boolean {
  return SECRET_MEMBERS.some((name) => name in jwk);
}

/** RFC 7638 section 3, SHA-256. The members must have passed `keyFault`. */
export function thumbprint(jwk: JsonObject, { members }: Algorithm): string {
  return sha256(JSON.stringify(Object.fromEntries(members.map((name) => [name, jwk[name]]))));
}

/**
 * Imports the members that the algorithm knows and no other. The members must have passed `keyFault`.
 *
 * @throws whatever OpenSSL throws: of several classes, for a point off the curve among others
 */
export function importPublicJwk(jwk: JsonObject, { members }: Algorithm): KeyObject {
  return createPublicKey({ key: Object.fromEntries(members.map((name) => [name, jwk[name]])), format: 'jwk' });
}

function numbersOf({ members }: Algorithm): readonly string[] {
  return members.filter((name) => name !== 'crv' && name !== 'kty');
}

function isNumber(value: Json | undefined, width: number | undefined): boolean {
  return typeof value === 'string' && value !== '' && (width ?? value.length) === value.length && isBase64url(value);
}

function isVerifyOnly(operations: Json | undefined): boolean {
  return Array.isArray(operations) && operations.length === 1 && operations[0] === 'verify';
}
