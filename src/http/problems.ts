import type { Code } from '#libs/kernel/codes.js';

/** The error words of RFC 6750 section 3.1, RFC 9449 sections 7.1 and 9, RFC 9470 section 3. They stand only in `WWW-Authenticate`. */
export type OAuthError =
  | 'invalid_request'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  | 'insufficient_user_authentication';

/** All that HTTP says of one refusal code. */
export interface ProblemRow {
  readonly status: number;
  /** Constant per code (RFC 9457 section 3.1.3). */
  readonly title: string;
  readonly oauth?: OAuthError;
  /** `Retry-After` in seconds, where the refusal itself names none. */
  readonly retryAfterSeconds?: number;
  /** One body for all: no detail and no hint leaves, so that the reasons for it cannot be told apart. */
  readonly opaque?: true;
}

/** Code → what HTTP says of it: the one exhaustive record (spec, "Refusal codes"). `error-guide.ts` holds the words for people. */
export const PROBLEMS: Readonly<Record<Code, ProblemRow>> = {
  INVALID_REQUEST: { status: 400, title: 'The request is malformed', oauth: 'invalid_request' },
  ILLEGAL_SEGMENT: { status: 400, title: 'The secret URI holds an illegal segment' },
  INVALID_WILDCARD: { status: 400, title: 'The secret URI holds a wildcard' },
  UNSUPPORTED_PROVIDER: { status: 400, title: 'The provider is not configured' },
  UNSUPPORTED_ENGINE: { status: 400, title: 'The provider has no such engine' },
  AMBIGUOUS_QUERY: { status: 400, title: 'The secret URI names a parameter twice' },
  UNKNOWN_PARAMETER: { status: 400, title: 'The secret URI has an unknown parameter' },
  DOUBLE_MOUNT_SOURCE: { status: 400, title: 'The secret URI names its mount twice' },
  INVALID_VERSION: { status: 400, title: 'The version is not a positive integer' },
  INVALID_KEY: { status: 400, title: 'The key of the secret URI is not valid' },
  URI_TOO_LONG: { status: 400, title: 'The secret URI is too long' },
  API_PATH_IN_URI: { status: 400, title: 'The secret URI holds an API path of the vault' },
  KEY_NOT_ALLOWED: { status: 400, title: 'This operation takes no key' },
  VERSION_NOT_ALLOWED: { status: 400, title: 'This operation takes no version' },
  VERSION_UNSUPPORTED: { status: 400, title: 'The provider keeps no versions' },
  UNSUPPORTED_OPERATION: { status: 400, title: 'The provider cannot do this' },

  CREDENTIALS_REQUIRED: { status: 401, title: 'An access token is required' },
  INVALID_TOKEN: { status: 401, title: 'The access token is not valid here', oauth: 'invalid_token' },
  BINDING_REQUIRED: { status: 401, title: 'The access token must be bound to a key', oauth: 'invalid_token' },
  TOKEN_REPLAYED: { status: 401, title: 'The unbound access token is used up', oauth: 'invalid_token' },
  TOKEN_PREDATES_STORE: {
    status: 401,
    title: 'The unbound access token is older than the store',
    oauth: 'invalid_token',
  },
  INVALID_DPOP_PROOF: { status: 401, title: 'The DPoP proof is not valid', oauth: 'invalid_dpop_proof' },
  PROOF_REPLAYED: { status: 401, title: 'The DPoP proof was used before', oauth: 'invalid_dpop_proof' },
  USE_DPOP_NONCE: { status: 401, title: 'The DPoP proof needs a fresh nonce', oauth: 'use_dpop_nonce' },
  STEP_UP_REQUIRED: {
    status: 401,
    title: 'A stronger or fresher sign-in is required',
    oauth: 'insufficient_user_authentication',
  },

  INSUFFICIENT_SCOPE: { status: 403, title: 'The access token lacks a scope', oauth: 'insufficient_scope' },
  ADDRESS_NOT_ALLOWED: { status: 403, title: 'Requests from this address are not allowed' },
  TENANT_MOUNT_MISMATCH: { status: 403, title: 'The mount is not one of the tenant' },
  DENIED: { status: 403, title: 'Not permitted' },
  REASON_REQUIRED: { status: 403, title: 'A reason for the access is required' },
  BINDING_CHANGED: { status: 403, title: 'Another key holds this grant' },
  QUOTA_EXHAUSTED: { status: 403, title: 'The quota of this secret is used up' },
  REVOKED: { status: 403, title: 'Access was revoked' },
  STEP_UP_IMPOSSIBLE: { status: 403, title: 'The demanded sign-in cannot be made by this caller' },
  PROVIDER_READ_ONLY: { status: 403, title: 'The provider takes no writes here' },

  NOT_FOUND: { status: 404, title: 'There is no such thing' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'This address does not take this method' },
  REQUEST_TIMEOUT: { status: 408, title: 'The request came too slowly' },
  BODY_TOO_LARGE: { status: 413, title: 'The body is too large' },
  TARGET_TOO_LONG: { status: 414, title: 'The request target is too long' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The body is not application/json in UTF-8' },
  EXPECTATION_FAILED: { status: 417, title: 'The expectation cannot be met' },
  MISDIRECTED: { status: 421, title: 'This gateway does not answer for that host' },
  RATE_LIMITED: { status: 429, title: 'Too many requests', retryAfterSeconds: 1 },
  HEADERS_TOO_LARGE: { status: 431, title: 'The header section is too large' },

  VERSION_DELETED: { status: 409, title: 'The version was deleted' },
  VERSION_DESTROYED: { status: 409, title: 'The version was destroyed' },
  CAS_MISMATCH: { status: 409, title: 'The secret changed meanwhile' },
  DESTINATION_EXISTS: { status: 409, title: 'The destination exists' },
  IDEMPOTENCY_KEY_REUSED: { status: 409, title: 'The idempotency key was used for another request' },
  OUTCOME_UNKNOWN: { status: 409, title: 'The outcome of the first request is unknown' },

  INTERNAL: { status: 500, title: 'A defect of the gateway', opaque: true },
  BAD_PROVIDER_ANSWER: { status: 502, title: 'The provider gave an answer that makes no sense' },
  UNAVAILABLE: { status: 503, title: 'The gateway cannot decide or answer now', retryAfterSeconds: 1 },
  GRANT_CONTENTION: { status: 503, title: 'Too many requests for one grant at once', retryAfterSeconds: 1 },
  QUOTA_UNKNOWN: { status: 503, title: 'How much of the quota is used is not known', retryAfterSeconds: 60 },
  RESULT_UNRECORDED: { status: 503, title: 'The change may stand, but its result is not recorded' },
};

/** `type` of a problem: stable for ever, and ends in the code in kebab-case. Documented in `docs/errors.md`. */
export function problemType(code: Code): string {
  return `urn:postern:problem:${code.toLowerCase().replaceAll('_', '-')}`;
}
