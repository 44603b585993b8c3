import { Refusal } from '#libs/kernel/refusal.js';

/** The longest request target; `/api/secrets/value/{uri}` with the longest encoded URI needs 3,219 characters. */
export const MAX_TARGET_CHARACTERS = 4_096;

/** The longest encoded secret URI, as a path segment or as a parameter (spec, Secret URIs, "In HTTP"). */
export const MAX_ENCODED_URI_CHARACTERS = 3_200;

/** Path and query of RFC 3986 sections 3.3 and 3.4, escapes well formed: nothing that another reader could trim, cut or turn. */
const ORIGIN_FORM = /^\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*$/;

/**
 * Only the origin form is taken (RFC 9112 section 3.2.1): an absolute form would bring a second host (spec, Security, T12), and
 * routers read the other forms each in its own way.
 *
 * @throws Refusal TARGET_TOO_LONG, INVALID_REQUEST
 */
export function checkTarget(target: string): void {
  if (target.length > MAX_TARGET_CHARACTERS) {
    throw new Refusal('TARGET_TOO_LONG', { detail: `A target has at most ${MAX_TARGET_CHARACTERS} characters.` });
  }
  if (!target.startsWith('/')) {
    throw new Refusal('INVALID_REQUEST', {
      detail: 'Send the path alone as the request target, without scheme and host.',
    });
  }
  if (!ORIGIN_FORM.test(target)) {
    throw new Refusal('INVALID_REQUEST', { detail: 'Percent-encode what a path or a query may not hold as it is.' });
  }
}

/** A target split at its first question mark; nothing is decoded. */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf('?');
  return mark === -1 ? { path: target, query: '' } : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}
