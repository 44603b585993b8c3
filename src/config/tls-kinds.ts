import { isBase64url } from '#libs/kernel/base64url.js';

import { type Kind, shown, Wrong } from './kinds.js';
import { Sealed } from './sealed.js';

const MAX_CHARACTERS = 64 * 1024;

/** PEM text itself, or the path of a file that holds it; which of the two, `readTls` sees. */
export const pem: Kind<string> = {
  says: 'PEM text, or the path of a PEM file',
  json: { type: 'string', minLength: 1, maxLength: MAX_CHARACTERS },
  read(raw) {
    if (typeof raw !== 'string' || !isPemOrPath(raw)) throw new Wrong(`must be PEM text or a path, not ${shown(raw)}`);
    return raw;
  },
};

/** The same for a private key; never shown. */
export const sealedPem: Kind<Sealed<string>> = {
  says: pem.says,
  json: pem.json,
  read(raw) {
    if (typeof raw !== 'string' || !isPemOrPath(raw)) throw new Wrong('must be PEM text or a path');
    return new Sealed(raw);
  },
};

export function isPem(text: string): boolean {
  return text.includes('-----BEGIN ');
}

function isPemOrPath(text: string): boolean {
  return isPem(text) ? text.length <= MAX_CHARACTERS : /^[^\p{Cc}]{1,4096}$/u.test(text);
}

/** SHA-256 of a certificate as it stands in a token (`x5t#S256`) or as `openssl x509 -fingerprint -sha256` prints it. */
export const thumbprint: Kind<string> = {
  says: 'SHA-256 of a certificate, 43 characters of base64url or 64 of hex',
  json: { type: 'string', pattern: '^([A-Za-z0-9_-]{43}|[0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2}){31})$' },
  read(raw) {
    const text = typeof raw === 'string' ? raw : '';
    if (text.length === 43 && isBase64url(text)) return text;
    const hex = /^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){31}$/.test(text) ? text.replaceAll(':', '') : text;
    if (/^[0-9A-Fa-f]{64}$/.test(hex)) return Buffer.from(hex, 'hex').toString('base64url');
    throw new Wrong(
      `must be the SHA-256 of a certificate, not ${shown(raw)}; print it with: openssl x509 -noout -fingerprint -sha256 -in FILE`,
    );
  },
};
