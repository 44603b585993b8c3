import type { KeyObject } from 'node:crypto';

/** Finds the one key that may verify: by `kid` and `alg`, never by anything else in the token. */
export interface KeySource {
  /** Undefined: no such key. Rejects when the keys cannot be had at all (503). */
  key(kid: string, algorithm: string): Promise<KeyObject | undefined>;
}

/** One trusted issuer; its keys verify no other issuer's tokens (RFC 8725 section 3.8). */
export interface TrustedIssuer {
  readonly issuer: string;
  /** JWS algorithms of access tokens: a subset of ES256, EdDSA, PS256, RS256. */
  readonly algorithms: readonly string[];
  readonly audience: string;
  readonly keys: KeySource;
  /** Claim names; absent: the token says nothing of it. */
  readonly claims: { readonly tenant?: string; readonly subjectType?: string; readonly groups?: string };
  /** Upper bound on `exp - iat` and on `exp - now`. */
  readonly maxTokenAgeSeconds: number;
}
