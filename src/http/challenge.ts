import type { RefusalHints } from '#libs/kernel/refusal.js';

import type { OAuthError } from './problems.js';

/** Proof algorithms, as the `algs` of RFC 9449 section 7.1 names them. */
const ALGS = 'algs="ES256 Ed25519"';

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
  /** Whether unbound tokens are taken: only then is `Bearer` a way to come in. */
  readonly allowUnbound: boolean;
  readonly oauth: OAuthError | undefined;
  readonly hints: RefusalHints;
}

/**
 * One `WWW-Authenticate` value per scheme that is taken (RFC 9449 section 7.1). The error stands on the scheme that the caller
 * used, and nowhere when it sent no credential (RFC 6750 section 3.1).
 */
export function challenges({ credential, allowUnbound, oauth, hints }: Challenged): readonly string[] {
  const words = credential === 'none' || oauth === undefined ? [] : errorWords(oauth, hints);
  const onBearer = allowUnbound && credential === 'Bearer';
  const dpop = `DPoP ${[...(onBearer ? [] : words), ALGS].join(', ')}`;
  if (!allowUnbound) return [dpop];
  return [dpop, onBearer && words.length > 0 ? `Bearer ${words.join(', ')}` : 'Bearer realm="postern"'];
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
