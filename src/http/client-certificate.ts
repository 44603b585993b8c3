import type { Socket } from 'node:net';

import { LRUCache } from 'lru-cache';

import { ClientCertificate, isOneSequence, type PresentedCertificate } from '#libs/identity/certificate.js';
import { Refusal } from '#libs/kernel/refusal.js';

import { parseByteSequence } from './byte-sequence.js';
import { connectionCertificate } from './connection-certificate.js';
import type { HeaderLines } from './header-lines.js';
import { isTrustedProxy, type TrustedProxies } from './trusted-proxies.js';

/** Where a caller's certificate may come from beside its own connection. */
export interface CertificateRules {
  readonly proxies: TrustedProxies;
  /** CLIENT_CERT_HEADER: whether trusted proxies hand over `Client-Cert`. */
  readonly clientCertHeader: boolean;
}

/**
 * The caller's certificate. From a trusted proxy it is what `Client-Cert` holds and nothing else, since the certificate on that
 * connection is the proxy's own; from any other peer it is that of the connection, and the field is not read (RFC 9440 section 4).
 * `Client-Cert-Chain` and the fields of vendors are never read, from nobody (spec, Security, M10).
 *
 * @throws Refusal INVALID_REQUEST when the field is repeated, or a trusted proxy's is not one certificate
 */
export function readCertificate(
  lines: HeaderLines,
  socket: Socket,
  rules: CertificateRules,
): PresentedCertificate | undefined {
  const [line, ...more] = lines.all('client-cert');
  if (more.length > 0) throw malformed('Client-Cert stands more than once: a proxy must replace what callers send.');
  if (isTrustedProxy(socket, rules.proxies)) {
    return rules.clientCertHeader && line !== undefined ? knownOrParsed(line) : undefined;
  }
  return connectionCertificate(socket) ?? (rules.clientCertHeader && line !== undefined ? UNREAD : undefined);
}

/** A setup that does not hand certificates over looks like this; only the caller whose token needs one is told. */
const UNREAD: PresentedCertificate = {
  kind: 'unusable',
  check: 'M8 client-cert',
  detail: 'The token is bound to a client certificate, and Client-Cert is read from trusted proxies only.',
};

/** A caller's certificate comes with each of its requests, and reading it costs a fifth of a read. Only trusted proxies fill this. */
const READ = new LRUCache<string, PresentedCertificate>({ max: 512 });

function knownOrParsed(value: string): PresentedCertificate {
  let certificate = READ.get(value);
  if (certificate === undefined) {
    certificate = parseClientCert(value);
    READ.set(value, certificate);
  }
  return certificate;
}

/**
 * `Client-Cert`: the DER bytes of one certificate as a byte sequence (RFC 9440 sections 2.1 and 2.2). What is in the certificate is
 * not looked at.
 *
 * @throws Refusal INVALID_REQUEST
 */
export function parseClientCert(value: string): PresentedCertificate {
  const der = parseByteSequence(value);
  if (der === undefined) throw malformed('Client-Cert must be one certificate in base64 between colons (RFC 9440).');
  if (!isOneSequence(der)) throw malformed('Client-Cert must hold the DER bytes of one certificate, and no others.');
  return { kind: 'shown', certificate: new ClientCertificate(der) };
}

function malformed(detail: string): Refusal {
  return new Refusal('INVALID_REQUEST', { check: 'M7 client-cert', detail });
}
