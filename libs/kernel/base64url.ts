/**
 * base64url without padding (RFC 4648 section 5, RFC 7515 section 2), only as an encoder writes it: the alphabet, no `=`, no white
 * space, unused bits zero. Node and `jose` read all of those as well, so that one token has many strings; here it has one.
 */
export function isBase64url(text: string): boolean {
  if (!ALPHABET.test(text)) return false;
  switch (text.length % 4) {
    case 0:
      return true;
    case 2:
      return LAST_OF_TWO.includes(text.charAt(text.length - 1));
    case 3:
      return LAST_OF_THREE.includes(text.charAt(text.length - 1));
    default:
      return false;
  }
}

/** The bytes, in memory of their own; `undefined` unless `isBase64url`. The empty text is no bytes. */
export function decodeBase64url(text: string): Uint8Array | undefined {
  return isBase64url(text) ? new Uint8Array(Buffer.from(text, 'base64url')) : undefined;
}

const ALPHABET = /^[A-Za-z0-9_-]*$/;

/** Characters whose low four bits are zero: the second of two, where one byte ends. */
const LAST_OF_TWO = 'AQgw';

/** Characters whose low two bits are zero: the third of three, where two bytes end. */
const LAST_OF_THREE = 'AEIMQUYcgkosw048';
