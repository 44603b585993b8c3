import { constants } from 'node:crypto';
import type { TlsOptions } from 'node:tls';

import type { Sealed } from '#src/config/sealed.js';

/** What our own TLS listener speaks with. PEM texts, checked when the configuration was read. */
export interface TlsParts {
  /** The certificate, then those that lead to its root. */
  readonly cert: string;
  readonly key: Sealed<string>;
  /** Roots that client certificates must lead to. Undefined: any certificate serves whose key its holder has. */
  readonly clientCa: string | undefined;
}

/** TLS 1.2 with forward secrecy and authenticated encryption alone, and what there is of TLS 1.3; no key or digest below 112 bits. */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  '@SECLEVEL=2',
].join(':');

/**
 * A certificate is asked for on every connection, since the token that would call for one comes later (M4, RFC 8705 section 3); who
 * has none may go on without. One that does not verify is not used (M5), yet ends no connection: the refusal can say why.
 *
 * Sessions are never resumed and never renegotiated, so that each connection has one handshake, one certificate, and a chain that
 * was verified then (M6, RFC 8705 section 6.3, RFC 9440 section 3.3). HTTP/2 is not offered.
 *
 * @param handshakeMs how long a handshake may take
 */
export function tlsOptions({ cert, key, clientCa }: TlsParts, handshakeMs: number): TlsOptions {
  return {
    cert,
    key: key.open(),
    ...(clientCa !== undefined && { ca: clientCa }),
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS,
    ALPNProtocols: ['http/1.1'],
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    handshakeTimeout: handshakeMs,
  };
}
