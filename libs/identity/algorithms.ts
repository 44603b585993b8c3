import { verify, type KeyObject } from 'node:crypto';

import { derFromRaw } from './ecdsa-der.js';

/** Whether `signature` is over `signed` by `key`. Sync: WebCrypto's hop to another thread costs more than the mathematics. */
type Verify = (signed: Uint8Array, key: KeyObject, signature: Uint8Array) => boolean;

/** All that is known of one signature algorithm. To add one is to add a row, with its accept and reject vectors. */
export interface Algorithm {
  /** The `alg` header values that mean it, compared octet for octet; the first is the one that is published. */
  readonly names: readonly [string, ...string[]];
  readonly kty: 'EC' | 'OKP' | 'RSA';
  readonly crv?: 'P-256' | 'Ed25519';
  /** The members that make the RFC 7638 thumbprint, in its order; beside `crv` and `kty` they are the key's numbers. */
  readonly members: readonly string[];
  /** How many characters of base64url each of those numbers has, where the curve fixes it: 43 are 32 bytes. */
  readonly width?: number;
  /** Absent: not for DPoP proofs. */
  readonly proof?: { readonly signatureBytes: number; readonly verify: Verify };
}

/**
 * RFC 8725 section 3.2: these and no others; `none` and the HMAC family have no row, hence no name.
 * Proofs leave RSA out: their keys come from callers, and a weak RSA key lets anybody sign (e = 1, ROCA).
 * RFC 9864 calls EdDSA over Ed25519 `Ed25519`; clients older than it say `EdDSA`. Both names mean this one row.
 */
export const ALGORITHMS: readonly Algorithm[] = [
  {
    names: ['ES256'],
    kty: 'EC',
    crv: 'P-256',
    members: ['crv', 'kty', 'x', 'y'],
    width: 43,
    proof: {
      signatureBytes: 64,
      verify: (signed, key, signature) => verify('sha256', signed, key, derFromRaw(signature)),
    },
  },
  {
    names: ['Ed25519', 'EdDSA'],
    kty: 'OKP',
    crv: 'Ed25519',
    members: ['crv', 'kty', 'x'],
    width: 43,
    proof: {
      signatureBytes: 64,
      verify: (signed, key, signature) => verify(undefined, signed, key, signature),
    },
  },
  { names: ['PS256'], kty: 'RSA', members: ['e', 'kty', 'n'] },
  { names: ['RS256'], kty: 'RSA', members: ['e', 'kty', 'n'] },
];

/** What the challenge and the metadata name as `algs` (RFC 9449 section 5.1, RFC 9728 section 2). */
export const PROOF_ALGORITHMS: readonly string[] = ALGORITHMS.filter(({ proof }) => proof !== undefined).map(
  ({ names }) => names[0],
);

const BY_NAME: ReadonlyMap<unknown, Algorithm> = new Map(
  ALGORITHMS.flatMap((algorithm) => algorithm.names.map((name) => [name, algorithm])),
);

/** @param name an `alg` value as it was sent, of any type */
export function algorithmNamed(name: unknown): Algorithm | undefined {
  return BY_NAME.get(name);
}
