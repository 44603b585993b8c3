import type { Socket } from 'node:net';

import { plainAddress } from './address.js';
import type { Cidrs } from './cidrs.js';
import { connectionCertificate } from './connection-certificate.js';

/** Who may say of a request what only its own peer could know: the caller's address and the caller's certificate. */
export interface TrustedProxies {
  /** TRUSTED_PROXY_CIDRS. */
  readonly cidrs: Cidrs;
  /** TRUSTED_PROXY_THUMBPRINTS: `x5t#S256` of the certificates that proxies show on our own TLS listener. Empty: any, or none. */
  readonly thumbprints: ReadonlySet<string>;
}

/**
 * Whether the peer of a connection is a trusted proxy: its address is, and where thumbprints are configured, so is its certificate
 * (spec, "Who is calling: sender binding").
 */
export function isTrustedProxy(socket: Socket, { cidrs, thumbprints }: TrustedProxies): boolean {
  if (cidrs.networks.length === 0 || !cidrs.has(plainAddress(socket.remoteAddress ?? ''))) return false;
  if (thumbprints.size === 0) return true;
  const own = connectionCertificate(socket);
  return own?.kind === 'shown' && thumbprints.has(own.certificate.x5t);
}
