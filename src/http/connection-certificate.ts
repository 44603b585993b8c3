import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

import { ClientCertificate, type PresentedCertificate } from '#libs/identity/certificate.js';
import { certificateKeyWeakness } from '#libs/identity/certificate-key.js';

/** Connections of our own TLS listener whose handshake is done, each with what its peer showed: read once, for all its requests. */
const SECURED = new WeakMap<Duplex, PresentedCertificate | undefined>();

/**
 * Notes what the peer of a connection showed. Never again for the same connection: renegotiation is off.
 *
 * @param verified whether certificates must verify here (TLS_CLIENT_CA); else the handshake shows possession, which is all that a
 *   binding needs (spec, Security, M5)
 */
export function secured(socket: TLSSocket, verified: boolean): void {
  SECURED.set(socket, readable(socket, verified));
}

/** Whether a connection has a handshake behind it. */
export function isSecured(socket: Duplex): boolean {
  return SECURED.has(socket);
}

/** The certificate of the peer itself: the caller, or the proxy in front of it. Undefined without TLS of ours, or without one. */
export function connectionCertificate(socket: Duplex): PresentedCertificate | undefined {
  return SECURED.get(socket);
}

/** T5: what OpenSSL throws on hostile bytes is of many classes, and here nobody else would catch it. */
function readable(socket: TLSSocket, verified: boolean): PresentedCertificate | undefined {
  try {
    return certificateOf(socket, verified);
  } catch {
    return unusable('T5 certificate', 'The client certificate of this connection cannot be read.');
  }
}

function certificateOf(socket: TLSSocket, verified: boolean): PresentedCertificate | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  if (verified && !socket.authorized) {
    // One of the names that OpenSSL has for what is wrong with a chain.
    const why = String(socket.authorizationError);
    return unusable('M5 certificate', `The client certificate of this connection does not verify here: ${why}.`);
  }
  const weakness = certificateKeyWeakness(certificate.publicKey);
  if (weakness !== undefined) {
    return unusable('T6 certificate key', `The key of the client certificate is not taken: ${weakness}`);
  }
  return { kind: 'shown', certificate: new ClientCertificate(certificate.raw) };
}

function unusable(check: string, detail: string): PresentedCertificate {
  return { kind: 'unusable', check, detail };
}
