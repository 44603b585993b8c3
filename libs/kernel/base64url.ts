/**
 * base64url without padding (RFC 4648 section 5, RFC 7515 section 2), only as an encoder writes it: the alphabet, no `=`, no white
 * space, unused bits zero. Node and `jose` read all of those as well, so that one token has many strings; here it has one.
 */
export function isBase64url(text: string): boolean {
  return decodeBase64url(text) !== undefined;
}

/** The bytes; `undefined` unless encoding them gives the text again. The empty text is no bytes. */
export function decodeBase64url(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
