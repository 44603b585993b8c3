import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

import { ClientCertificate, type PresentedCertificate } from '#libs/identity/certificate.js';

/** Connections of our own TLS listener whose handshake is done, each with what its peer showed: read once, for all its requests. */
const SECURED = new WeakMap<Duplex, PresentedCertificate | undefined>();

/**
 * Notes what the peer of a connection showed. Never again for the same connection: renegotiation is off.
 *
 * @param verified whether certificates must verify here (TLS_CLIENT_CA); else the handshake shows possession, which is all that a
 *   binding needs (spec, Security, M5)
 */
export function secured(socket: TLSSocket, verified: boolean): void {
  SECURED.set(socket, certificateOf(socket, verified));
}

/** Whether a connection has a handshake behind it. */
export function isSecured(socket: Duplex): boolean {
  return SECURED.has(socket);
}

/** The certificate of the peer itself: the caller, or the proxy in front of it. Undefined without TLS of ours, or without one. */
export function connectionCertificate(socket: Duplex): PresentedCertificate | undefined {
  return SECURED.get(socket);
}

function certificateOf(socket: TLSSocket, verified: boolean): PresentedCertificate | undefined {
  const der = socket.getPeerX509Certificate()?.raw;
  if (der === undefined) return undefined;
  if (!verified || socket.authorized) return { kind: 'shown', certificate: new ClientCertificate(der) };
  return {
    kind: 'unusable',
    check: 'M5 certificate',
    // One of the names that OpenSSL has for what is wrong with a chain.
    detail: `The client certificate of this connection does not verify here: ${String(socket.authorizationError)}.`,
  };
}
