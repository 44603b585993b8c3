import type { KeyObject } from 'node:crypto';

/** Finds the one key that may verify: by `kid` and `alg`, never by anything else in the token. */
export interface KeySource {
  /**
   * Undefined: the issuer has no such key. Rejects when the keys cannot be had (503), and then only: what a token says MUST NOT make
   * it reject. It MUST NOT try one key after another, nor reach out to any place but the configured one, nor once for each call.
   */
  key(kid: string, algorithm: string): Promise<KeyObject | undefined>;
  /**
   * MUST change whenever a key that was handed out may be gone: what it verified is not believed any more. A fixed set keeps one
   * number for ever.
   */
  readonly generation: number;
}

export type SubjectType = 'service' | 'user' | 'agent';

/**
 * Rules for an issuer whose access tokens are no RFC 9068 tokens: typ `JWT` or none, no `client_id`, no `jti`
 * (spec, "Trusted issuers"). Weaker, since nothing in their form tells them from an ID token: one claim has to.
 */
export interface CompatProfile {
  /** A claim that the issuer puts into access tokens for us and into nothing else (A10). */
  readonly accessTokenClaim: string;
  /** What that claim must say: one of these texts, where a final `*` stands for any rest. Absent: it must be there. */
  readonly accessTokenValues?: readonly string[];
  /** Stands in for a missing `jti`; where it is missing too, a hash of the token does. */
  readonly jtiClaim?: string;
}

/** One trusted issuer; its keys verify no other issuer's tokens (RFC 8725 section 3.8). */
export interface TrustedIssuer {
  readonly issuer: string;
  /** JWS algorithms of access tokens: a subset of ES256, EdDSA, PS256, RS256. */
  readonly algorithms: readonly string[];
  readonly audience: string;
  readonly keys: KeySource;
  /** Absent: the profile `rfc9068`. */
  readonly compat?: CompatProfile;
  /** Claim names; absent: the token says nothing of it, and its scopes stand in `scope`. */
  readonly claims: {
    readonly tenant?: string;
    readonly subjectType?: string;
    readonly groups?: string;
    readonly scope?: string;
  };
  /**
   * What holds of every token of this issuer, whatever it says. Scopes here mean that whoever gets a token for our audience from it has
   * them: only policy is left to tell its callers apart.
   */
  readonly everyToken?: { readonly scopes?: readonly string[]; readonly subjectType?: SubjectType };
  /** Upper bound on `exp - iat` and on `exp - now`. */
  readonly maxTokenAgeSeconds: number;
}
