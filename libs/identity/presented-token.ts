import { Refusal } from '#libs/kernel/refusal.js';

import { invalidToken } from './faults.js';
import type { Presented } from './presented.js';

/** The token and the scheme that it came under; nothing of either is believed yet. */
export interface PresentedToken {
  readonly scheme: 'DPoP' | 'Bearer';
  readonly token: string;
}

const MAX_TOKEN = 8192;
const SCHEMES: ReadonlyMap<string, PresentedToken['scheme']> = new Map([
  ['dpop', 'DPoP'],
  ['bearer', 'Bearer'],
]);

/**
 * The one access token of a request (RFC 6750 section 2.1, RFC 9449 section 7.1): from the `Authorization` header and from nowhere
 * else. That no token stands in the query or the body (D21) is the edge's matter, which refuses what it does not know there.
 *
 * A scheme that is not ours counts as nothing sent: RFC 6750 section 3.1 wants no error code for "an unsupported authentication
 * method", only the challenge that names the supported ones.
 *
 * @throws Refusal CREDENTIALS_REQUIRED; INVALID_REQUEST when the header is repeated (D21); INVALID_TOKEN without a fitting token
 */
export function presentedToken({ authorization }: Presented): PresentedToken {
  const [line, ...more] = authorization;
  if (line === undefined) throw credentialsRequired('Send an access token in the Authorization header.');
  if (more.length > 0) {
    throw new Refusal('INVALID_REQUEST', { check: 'D21 repeated', detail: 'Send exactly one Authorization header.' });
  }
  const [, name = '', token = ''] = /^([^ ]*) *(.*)$/s.exec(line) ?? [];
  const scheme = SCHEMES.get(name.toLowerCase());
  if (scheme === undefined) throw credentialsRequired('The schemes that are accepted are DPoP and Bearer.');
  if (token === '') throw invalidToken('D19 token', `No token stands after ${scheme}.`);
  if (token.length > MAX_TOKEN) throw invalidToken('T1 length', `A token has at most ${MAX_TOKEN} characters.`);
  return { scheme, token };
}

function credentialsRequired(detail: string): Refusal {
  return new Refusal('CREDENTIALS_REQUIRED', { check: 'B4 nothing sent', detail });
}
