import type { Code } from '#libs/kernel/codes.js';

/** What a code means to the person who meets it, and what that person does. Rendered into `docs/errors.md`. */
export interface Guide {
  readonly meaning: string;
  readonly remedy: string;
}

const AS_IT_IS = 'Nothing with the same request; `detail` says what was wrong with it.';
const LATER = 'Repeat the request after `Retry-After` seconds, with a fresh proof.';
const SIGN_AGAIN = 'Make a new proof for each request: a new `jti`, the time of now, the method and the URL as sent.';

/** Code → words for people: as exhaustive as `problems.ts`, and kept apart from it so that the table there stays readable. */
export const GUIDE: Readonly<Record<Code, Guide>> = {
  INVALID_REQUEST: {
    meaning:
      'The request breaks a rule of HTTP or of this API: version, target, framing, a field that stands twice, a query parameter that is not known, a body that is no strict JSON of the documented members, a reason of another shape.',
    remedy: AS_IT_IS,
  },
  ILLEGAL_SEGMENT: {
    meaning: 'A segment of the secret URI is empty, `.` or `..`, or holds a character outside `A-Z a-z 0-9 . _ -`.',
    remedy: 'Spell the URI as `provider[+engine]://mount/path[?version=N][#key]`, percent-encoded once as a whole.',
  },
  INVALID_WILDCARD: { meaning: 'The secret URI holds a `*`.', remedy: 'Name one secret. Patterns live in policies.' },
  UNSUPPORTED_PROVIDER: {
    meaning: 'No provider of that name is configured for the tenant.',
    remedy: 'Check the word before `://`; ask the operator which providers there are.',
  },
  UNSUPPORTED_ENGINE: {
    meaning: 'The provider does not have the engine after the `+`.',
    remedy: 'Leave the engine out: the default of the provider is used.',
  },
  AMBIGUOUS_QUERY: {
    meaning: 'A parameter of the secret URI stands twice, or the version both before and behind the key.',
    remedy: 'Name the version once.',
  },
  UNKNOWN_PARAMETER: {
    meaning: 'The secret URI has a parameter other than `version`.',
    remedy: 'Leave it out, or encode the URI once as a whole before it goes into the request.',
  },
  DOUBLE_MOUNT_SOURCE: {
    meaning: 'The secret URI has a parameter `mount` beside the mount that it names.',
    remedy: 'Leave the parameter out: the first segment is the mount.',
  },
  INVALID_VERSION: {
    meaning: 'The version is not a decimal integer from 1 to 2147483647 without sign and leading zero.',
    remedy: 'Send such a version, or none for the newest.',
  },
  INVALID_KEY: {
    meaning: 'The key behind `#` is empty, too long, or holds a character that keys may not have.',
    remedy: 'Send 1 to 128 of `A-Z a-z 0-9 . _ -`, or no `#` for the whole map.',
  },
  URI_TOO_LONG: {
    meaning: 'The secret URI has more than 1,024 characters or more than 16 segments.',
    remedy: 'Nothing: no secret has such a name.',
  },
  API_PATH_IN_URI: {
    meaning: 'The path starts with `data/` or `metadata/`: an API path of the vault, not the name of a secret.',
    remedy: 'Leave that segment out.',
  },
  KEY_NOT_ALLOWED: {
    meaning: 'The operation works on whole secrets, and the secret URI names a key.',
    remedy: 'Leave out `#key`.',
  },
  VERSION_NOT_ALLOWED: {
    meaning: 'The operation takes no pinned version.',
    remedy: 'Leave out `?version=`.',
  },
  VERSION_UNSUPPORTED: {
    meaning: 'The provider keeps no versions.',
    remedy: 'Leave out `?version=`.',
  },
  UNSUPPORTED_OPERATION: {
    meaning: 'The provider does not offer this operation. Nothing was touched.',
    remedy: 'Use a provider that does.',
  },

  CREDENTIALS_REQUIRED: {
    meaning: 'The request carries no access token.',
    remedy: 'Send `Authorization: DPoP <token>` and a `DPoP` proof for this request.',
  },
  INVALID_TOKEN: {
    meaning:
      'The access token is malformed, expired, of another issuer or audience, wrongly signed, or not bound to the key or the certificate that was shown. Which of these is told to the audit alone.',
    remedy: 'Get a new token for this audience, bound to your key, or to the certificate that you connect with.',
  },
  BINDING_REQUIRED: {
    meaning: 'The access token is not bound to a key, and this gateway takes bound tokens only.',
    remedy: 'Ask the authorization server for a DPoP-bound token, or for one that names your client certificate.',
  },
  TOKEN_REPLAYED: {
    meaning: 'The unbound token has had its grants for this secret.',
    remedy: 'Get a new token; better one that is bound to a key.',
  },
  TOKEN_PREDATES_STORE: {
    meaning: 'The store was lost after the unbound token was issued, so that its earlier uses are not known.',
    remedy: 'Get a new token.',
  },
  INVALID_DPOP_PROOF: {
    meaning:
      'The DPoP proof is missing, repeated, malformed, stale, wrongly signed, or made for another request or token.',
    remedy: SIGN_AGAIN,
  },
  PROOF_REPLAYED: { meaning: 'A proof with this `jti` was used before.', remedy: SIGN_AGAIN },
  USE_DPOP_NONCE: {
    meaning: 'The proof has no nonce of this gateway, or an old one.',
    remedy: 'Repeat the request once, with the nonce of `DPoP-Nonce` in a new proof.',
  },
  STEP_UP_REQUIRED: {
    meaning: 'Policy wants a stronger or more recent sign-in for this secret.',
    remedy: 'Get a token by the `acr_values` and `max_age` of the challenge (RFC 9470), then repeat.',
  },

  INSUFFICIENT_SCOPE: {
    meaning: 'The access token lacks the scope that the challenge names.',
    remedy: 'Get a token with that scope.',
  },
  ADDRESS_NOT_ALLOWED: {
    meaning: 'The gateway takes requests from listed addresses only.',
    remedy: 'Call from another network, or ask the operator.',
  },
  TENANT_MOUNT_MISMATCH: {
    meaning: 'The mount of the secret URI is not on the list of the tenant.',
    remedy: 'Check the URI; ask the operator to list the mount.',
  },
  DENIED: {
    meaning:
      'Policy does not permit this use, or there is no such secret for this caller. The two look alike on purpose.',
    remedy: 'Check the URI, then ask whoever writes the policies, with the request id.',
  },
  REASON_REQUIRED: {
    meaning: 'Policy wants to know why.',
    remedy: 'Send `X-Access-Reason`, 1 to 256 printable characters.',
  },
  BINDING_CHANGED: {
    meaning: 'Another key of the same service holds the grant, and policy allows one holder at a time.',
    remedy: 'Wait until that grant has ended, or drop it from the instance that holds it.',
  },
  QUOTA_EXHAUSTED: {
    meaning: 'The releases of this secret for this purpose in this period are used up.',
    remedy: 'Wait until `resets_at`.',
  },
  REVOKED: { meaning: 'An operator has blocked this access.', remedy: 'Ask the operator, with the request id.' },
  STEP_UP_IMPOSSIBLE: {
    meaning: 'Policy wants a sign-in that this kind of caller cannot make.',
    remedy: 'Use another caller, or ask whoever writes the policies.',
  },
  PROVIDER_READ_ONLY: {
    meaning: 'The provider takes no writes in this environment.',
    remedy: 'Write to another provider.',
  },

  NOT_FOUND: {
    meaning: 'No such address; or, for a caller whom policy has permitted, no such secret or no such key in it.',
    remedy: 'Check the path (no trailing slash) or the secret URI.',
  },
  METHOD_NOT_ALLOWED: {
    meaning: 'The address exists, but not for this method. HEAD is not GET here: it would take a use.',
    remedy: 'Use a method of `Allow`.',
  },
  REQUEST_TIMEOUT: {
    meaning: 'The header section or the body did not come in time. The connection is closed.',
    remedy: 'Send the request in one go on a new connection.',
  },
  BODY_TOO_LARGE: {
    meaning: 'The body is longer than the route takes. The connection is closed.',
    remedy: 'Send a smaller body.',
  },
  TARGET_TOO_LONG: {
    meaning: 'The path with its query has more than 4,096 characters, or the encoded secret URI more than 3,200.',
    remedy: 'Send a shorter one; no secret URI needs as many.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    meaning: 'The body is not declared as `application/json` in UTF-8, or is content-encoded.',
    remedy: 'Send `Content-Type: application/json` and the plain JSON.',
  },
  EXPECTATION_FAILED: {
    meaning: 'The request has an `Expect` other than `100-continue`.',
    remedy: 'Leave it out.',
  },
  MISDIRECTED: {
    meaning: 'The `Host` field names another host than the public origin of this gateway.',
    remedy: 'Call the public origin; an operator compares `PUBLIC_ORIGIN` with what a proxy sends on.',
  },
  RATE_LIMITED: { meaning: 'Too many requests in too short a time.', remedy: LATER },
  HEADERS_TOO_LARGE: {
    meaning: 'More than 100 header lines, or more than 16 KiB of request line and headers together.',
    remedy: 'Send fewer and shorter fields.',
  },

  VERSION_DELETED: {
    meaning: 'The version exists, but was deleted.',
    remedy: 'Undelete it, or read another version.',
  },
  VERSION_DESTROYED: {
    meaning: 'The version was destroyed, and its value with it.',
    remedy: 'Read another version.',
  },
  CAS_MISMATCH: {
    meaning: 'The secret is not at the version that the write was made for.',
    remedy: 'Read it again, then write with the version seen.',
  },
  DESTINATION_EXISTS: {
    meaning: 'There is a secret at the destination.',
    remedy: 'Choose another, or say `overwrite`.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    meaning: 'The same `Idempotency-Key` came with another body before.',
    remedy: 'Make a new key for each new write.',
  },
  OUTCOME_UNKNOWN: {
    meaning: 'The first request with this `Idempotency-Key` was begun, and nobody knows how it ended.',
    remedy: 'Read the secret to see whether it was written. The key is never executed again.',
  },

  INTERNAL: {
    meaning: 'A defect of the gateway. Nothing was released.',
    remedy: 'Report it with the request id.',
  },
  BAD_PROVIDER_ANSWER: {
    meaning: 'The provider answered something that makes no sense. Nothing was released.',
    remedy: 'Tell the operator, with the request id.',
  },
  UNAVAILABLE: {
    meaning: 'Something that is needed to decide, to fetch or to audit is down or late. Nothing was released.',
    remedy: LATER,
  },
  GRANT_CONTENTION: { meaning: 'Too many requests wanted the same grant at once.', remedy: LATER },
  QUOTA_UNKNOWN: {
    meaning: 'The store was lost, and how much of the quota was used before is not known until the period ends.',
    remedy: 'Wait; an operator can rebuild the quota from the audit trail.',
  },
  RESULT_UNRECORDED: {
    meaning: 'The provider was called, but the record of the result is not durable: the change may stand.',
    remedy: 'Look at the secret before you repeat the write.',
  },
};
