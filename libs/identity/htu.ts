/**
 * The `htu` of a proof against the target of the request (RFC 9449 section 4.3 (9)): without query and fragment, after the
 * normalization of RFC 3986 sections 6.2.2 and 6.2.3 and no other. Scheme and host ignore case; the default port may be left
 * out; an empty path is `/`; escapes ignore the case of their digits, and an escaped unreserved character is that character.
 * Everything else counts: `%2F` is not `/`, a trailing slash is one more segment, `..` stays.
 *
 * `new URL` is not used: it drops tabs and line breaks, turns `\` into `/`, collapses `%2e%2e`, and takes an array for a string.
 */
export interface Htu {
  /** Scheme, host and port in canonical spelling. */
  readonly origin: string;
  /** In canonical spelling; begins with `/`. */
  readonly path: string;
}

/** Visible ASCII without backslash. Non-ASCII characters are not part of a URI; they come escaped. */
const URI_CHARACTERS = /^[!-[\]-~]+$/;
/** No userinfo: neither the host nor the port has an `@`. */
const ABSOLUTE = /^(https?):\/\/(\[[0-9a-f:.]+\]|[a-z0-9._~-]+)(?::([0-9]*))?(\/[^?#]*)?(?:[?#].*)?$/i;
const DEFAULT_PORT: Readonly<Record<string, string>> = { http: '80', https: '443' };
const ESCAPE = /%([0-9a-f]{2})/gi;
const UNRESERVED = /[A-Za-z0-9._~-]/;

/**
 * Whether the proof names this target under one of the configured origins. What the request says of its host is no argument here
 * (spec, D11): neither Host nor Forwarded nor an absolute-form target is asked.
 *
 * @param htu an absolute URI, in what spelling ever; undefined for what is none
 * @param path raw path of the target, without query
 */
export function namesTarget(htu: Htu, origins: readonly string[], path: string): boolean {
  const wanted = canonicalPath(path);
  return htu.path === wanted && origins.some((origin) => parseHtu(origin)?.origin === htu.origin);
}

/** Whether the text is one of the origins and the path, octet for octet: then it names the target, whatever normalization says. */
export function isSpelledAlike(text: string, origins: readonly string[], path: string): boolean {
  return URI_CHARACTERS.test(text) && origins.some((origin) => text === origin + path);
}

/** @returns undefined when the text is no absolute http or https URI, or holds what parsers disagree about (spec, T13) */
export function parseHtu(text: string): Htu | undefined {
  if (!URI_CHARACTERS.test(text)) return undefined;
  const [, scheme, host, port, path = '/'] = ABSOLUTE.exec(text) ?? [];
  if (scheme === undefined || host === undefined) return undefined;
  return { origin: canonicalOrigin(scheme.toLowerCase(), host.toLowerCase(), port), path: canonicalPath(path) };
}

function canonicalOrigin(scheme: string, host: string, port = ''): string {
  const shown = port === '' || port === DEFAULT_PORT[scheme] ? '' : `:${port}`;
  return `${scheme}://${host}${shown}`;
}

function canonicalPath(path: string): string {
  if (!path.includes('%')) return path;
  return path.replace(ESCAPE, (escape, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return UNRESERVED.test(character) ? character : escape.toUpperCase();
  });
}
