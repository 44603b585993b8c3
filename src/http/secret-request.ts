import type { Arrival, SecretRequest } from '#libs/enforcement/arrival.js';
import type { Disclosure } from '#libs/kernel/purposes.js';
import { Refusal } from '#libs/kernel/refusal.js';

import { addressPrefix } from './address.js';
import { clientAddress, knownAddress } from './client-address.js';
import { type CertificateRules, readCertificate } from './client-certificate.js';
import type { Exchange } from './exchange.js';
import { splitTarget } from './target.js';
import { readTraceparent } from './traceparent.js';
import type { UriSource } from './uri-source.js';

/** What one route of the Secrets API says of itself. */
export interface SecretRoute {
  /** Method and template, as records and logs name it. */
  readonly action: string;
  readonly purpose: Disclosure;
  readonly uri: UriSource;
}

/** What requests of this gateway are read by. */
export interface ReadingRules extends CertificateRules {
  /** REASON_PATTERN, anchored. */
  readonly reasonPattern: RegExp;
}

/** The raw request as it comes to the line. Reading it refuses inside the line, so that the refusal is audited. */
export function arrivalOf(exchange: Exchange, route: SecretRoute, rules: ReadingRules, body?: Buffer): Arrival {
  exchange.action = route.action;
  const address = clientAddress(exchange.lines, exchange.request.socket, rules.proxies);
  return {
    origin: {
      requestId: exchange.requestId,
      correlationId: exchange.correlationId,
      action: route.action,
      ...readTraceparent(exchange.lines.one('traceparent')),
      ...(address !== undefined && { addressPrefix: addressPrefix(address) }),
    },
    read: () => readRequest(exchange, route, { rules, address, body }),
  };
}

interface Besides {
  readonly rules: ReadingRules;
  readonly address: string | undefined;
  readonly body: Buffer | undefined;
}

function readRequest(exchange: Exchange, route: SecretRoute, { rules, address, body }: Besides): SecretRequest {
  const { request, lines, correlationId } = exchange;
  const target = request.url ?? '';
  const reason = readReason(lines.one('x-access-reason'), rules.reasonPattern);
  const certificate = readCertificate(lines, request.socket, rules);
  return {
    wanted: { purpose: route.purpose, uri: route.uri(target, body) },
    presented: {
      method: request.method ?? '',
      path: splitTarget(target).path,
      authorization: lines.all('authorization'),
      dpop: lines.all('dpop'),
      ...(certificate !== undefined && { certificate }),
    },
    about: { correlationId, address: knownAddress(address), ...(reason !== undefined && { reason }) },
  };
}

/** @throws Refusal INVALID_REQUEST: policies and the audit never see a reason of another shape */
function readReason(reason: string | undefined, pattern: RegExp): string | undefined {
  if (reason !== undefined && !pattern.test(reason)) {
    const detail =
      'X-Access-Reason does not match the pattern of this gateway (by default 1 to 256 printable ASCII characters).';
    throw new Refusal('INVALID_REQUEST', { check: 'reason pattern', detail });
  }
  return reason;
}
