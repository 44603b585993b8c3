import { PROOF_ALGORITHMS } from '#libs/identity/algorithms.js';
import type { RefusalHints } from '#libs/kernel/refusal.js';

import type { OAuthError } from './problems.js';

/** Proof algorithms, as the `algs` of RFC 9449 section 7.1 names them. */
const ALGS = `algs="${PROOF_ALGORITHMS.join(' ')}"`;

/** What a quoted string may hold without an escape, RFC 9110 section 5.6.4, and the words of RFC 6750 section 3 besides. */
const QUOTABLE = /^[\x21\x23-\x5B\x5D-\x7E]+(?: [\x21\x23-\x5B\x5D-\x7E]+)*$/;

/** The scheme of the credential that came with the request, or that none came. */
export type Credential = 'none' | 'DPoP' | 'Bearer' | 'other';

/** Which scheme an `Authorization` line spells; schemes compare without case (RFC 9110 section 11.1). */
export function credentialOf(authorization: readonly string[]): Credential {
  const line = authorization[0];
  if (line === undefined) return 'none';
  const scheme = /^[A-Za-z]+/.exec(line)?.[0].toLowerCase();
  if (scheme === 'dpop') return 'DPoP';
  return scheme === 'bearer' ? 'Bearer' : 'other';
}

export interface Challenged {
  readonly credential: Credential;
  /** Whether `Bearer` is a way to come in: for unbound tokens, or for those that are bound to a certificate. */
  readonly bearer: boolean;
  /** Where the metadata of this protected resource lies (RFC 9728 section 5.1). */
  readonly resourceMetadata: string | undefined;
  readonly oauth: OAuthError | undefined;
  readonly hints: RefusalHints;
}

/**
 * One `WWW-Authenticate` value per scheme that is taken (RFC 9449 section 7.1). The error stands on the scheme that the caller
 * used, and nowhere when it sent no credential (RFC 6750 section 3.1). Each names the metadata, which says how to get a token.
 */
export function challenges(challenged: Challenged): readonly string[] {
  const { credential, bearer, oauth, hints, resourceMetadata } = challenged;
  const metadata = quoted('resource_metadata', resourceMetadata);
  const words = credential === 'none' || oauth === undefined ? [] : errorWords(oauth, hints);
  const onBearer = bearer && credential === 'Bearer';
  const dpop = `DPoP ${[...(onBearer ? [] : words), ALGS, ...metadata].join(', ')}`;
  if (!bearer) return [dpop];
  const said = onBearer && words.length > 0 ? words : ['realm="postern"'];
  return [dpop, `Bearer ${[...said, ...metadata].join(', ')}`];
}

function errorWords(oauth: OAuthError, { scope, acrValues, maxAge }: RefusalHints): string[] {
  return [
    `error="${oauth}"`,
    ...quoted('scope', scope),
    ...quoted('acr_values', acrValues?.join(' ')),
    ...(maxAge === undefined ? [] : [`max_age="${maxAge}"`]),
  ];
}

/** What cannot be quoted safely is left out: it never breaks the header. */
function quoted(name: string, value: string | undefined): string[] {
  return value !== undefined && QUOTABLE.test(value) ? [`${name}="${value}"`] : [];
}
