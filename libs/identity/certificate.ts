import { sha256 } from '#libs/kernel/digest.js';

import { invalidToken } from './faults.js';

/**
 * The end-entity certificate of a peer that showed, in a TLS handshake, that it holds the private key. Only its bytes count: a
 * token names them by their hash, so nothing inside is read here.
 *
 * Not checked here: the chain, the dates, the purpose, revocation. Our own listener checks the first three where TLS_CLIENT_CA is
 * set, a trusted proxy does what it was told to; without either a self-signed certificate serves (RFC 8705 section 2.2), since
 * the token's issuer has named exactly this one.
 */
export class ClientCertificate {
  readonly #der: Uint8Array;
  #x5t: string | undefined;

  /** @param der the whole certificate; its bytes must not change afterwards */
  constructor(der: Uint8Array) {
    this.#der = der;
  }

  /** `x5t#S256`: base64url(SHA-256(DER)), RFC 8705 section 3.1. Worked out once, however many requests show the certificate. */
  get x5t(): string {
    this.#x5t ??= sha256(this.#der);
    return this.#x5t;
  }
}

/**
 * A client certificate as the TLS layer or a trusted proxy handed it over: nothing that a client can write into a header itself.
 * One that is there but must not be used says why, for the caller that relies on it; for all others it is as if it were not there.
 */
export type PresentedCertificate =
  | { readonly kind: 'shown'; readonly certificate: ClientCertificate }
  | { readonly kind: 'unusable'; readonly check: string; readonly detail: string };

/**
 * M1 and M2, RFC 8705 section 3: the token is bound to this certificate and to no other. Both are public, hence compared without
 * regard to time.
 *
 * @param x5t `cnf["x5t#S256"]` of the verified token
 * @throws Refusal INVALID_TOKEN
 */
export function checkCertificate(shown: PresentedCertificate | undefined, x5t: string): void {
  if (shown === undefined) {
    throw invalidToken('M1 certificate', 'The token is bound to a client certificate: connect with that certificate.');
  }
  if (shown.kind === 'unusable') throw invalidToken(shown.check, shown.detail);
  if (shown.certificate.x5t !== x5t) {
    throw invalidToken('M2 x5t#S256', 'The token is bound to another client certificate than the one shown.');
  }
}

/**
 * Whether bytes are one DER SEQUENCE (X.690 sections 8.1.3 and 10.1) from the first to the last, as every certificate is (RFC 5280
 * section 4.1). What is inside is not looked at.
 */
export function isOneSequence(bytes: Uint8Array): boolean {
  const [tag, first = 0] = bytes;
  if (tag !== SEQUENCE) return false;
  if (first < 0x80) return bytes.length === 2 + first;
  const octets = first & 0x7f;
  const length = bytes.subarray(2, 2 + octets).reduce((sum, octet) => sum * 256 + octet, 0);
  // No octets are an open length, which DER does not have: no length is the shortest then.
  const shortest = length >= (octets === 1 ? 0x80 : 256 ** (octets - 1));
  return shortest && bytes.length === 2 + octets + length;
}

const SEQUENCE = 0x30;
