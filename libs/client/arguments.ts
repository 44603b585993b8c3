/** What no request can be made of is a TypeError, before anything is sent; a message never repeats a token. */

/** @returns scheme, host and port as `fetch` will send them, hence as the proof must name them */
export function originOf(text: string, insecureHttp: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const bare =
    url !== undefined && url.pathname === '/' && `${url.search}${url.hash}${url.username}${url.password}` === '';
  if (!bare || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new TypeError('origin is scheme, host and port alone, such as https://postern.example');
  }
  if (url.protocol === 'http:' && !insecureHttp && !isLoopback(url.hostname)) {
    throw new TypeError(
      'origin is http:// to another host: use https://, or set insecureHttp when something else encrypts',
    );
  }
  return url.origin;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/**
 * The last segment of the path. The gateway judges the URI; here it is only kept from becoming another path (`..`), for which it
 * needs no more than its `://`.
 */
export function pathOf(uri: string): string {
  if (!uri.includes('://') || !uri.isWellFormed())
    throw new TypeError('a secret URI is written provider://mount/path#key');
  return encodeURIComponent(uri);
}

export function reasonOf(reason: string): string {
  if (!/^[\x20-\x7e]{1,256}$/.test(reason)) throw new TypeError('a reason is 1 to 256 printable ASCII characters');
  return reason;
}

/** RFC 9110 section 11.2, token68. `fetch` refuses a header too, but quotes it in its error. */
export function tokenOf(token: string): string {
  if (typeof token !== 'string' || !/^[A-Za-z0-9._~+/-]+=*$/.test(token))
    throw new TypeError('accessToken gave no token');
  return token;
}
