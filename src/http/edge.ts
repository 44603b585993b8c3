import type { IncomingMessage } from 'node:http';

import { Refusal } from '#libs/kernel/refusal.js';

import { announcesBody, type Exchange } from './exchange.js';
import type { HeaderLines } from './header-lines.js';
import type { Hosts } from './hosts.js';
import type { RouteTable } from './route-table.js';
import { checkTarget, splitTarget } from './target.js';

/** Spec, Security, T11. */
export const MAX_HEADER_LINES = 100;

/** All that the edge compares a request with. */
export interface EdgeRules {
  readonly hosts: Hosts;
  readonly routes: RouteTable;
  /** The largest body that any route takes. */
  readonly bodyBytes: number;
}

/**
 * What HTTP itself refuses, before the framework sees the request: each check a row of `docs/errors.md`. Nothing about who may do
 * what lives here. In this order: what makes the rest unreadable comes first.
 *
 * @throws Refusal with the code of the first check that fails; the connection ends with it
 */
export function checkRequest({ request, lines }: Exchange, rules: EdgeRules): void {
  checkVersion(request);
  checkHeaders(lines);
  checkHost(lines, rules.hosts);
  checkTarget(request.url ?? '');
  checkConnection(lines);
  checkFraming(request, lines, rules.bodyBytes);
}

/**
 * A method that no route of this address takes: 405 with `Allow`, or 404 when there is no such address. HEAD and OPTIONS are
 * methods like any other here: HEAD never runs GET (spec, Security, T15).
 *
 * @throws Refusal METHOD_NOT_ALLOWED, NOT_FOUND
 */
export function checkMethod({ request }: Exchange, routes: RouteTable): void {
  if (!routes.methods.has(request.method ?? '')) throw noRoute(request, routes);
}

/** What a request that no route took is told. */
export function noRoute(request: IncomingMessage, routes: RouteTable): Refusal {
  const allow = routes.allowed(splitTarget(request.url ?? '').path);
  if (allow.length === 0) return new Refusal('NOT_FOUND');
  return new Refusal('METHOD_NOT_ALLOWED', { allow, detail: `This address takes ${allow.join(', ')}.` });
}

/** Older versions have no Host and no length that can be relied on (spec, Security, T24); newer ones are not spoken. */
function checkVersion({ httpVersion }: IncomingMessage): void {
  if (httpVersion !== '1.1') throw malformed('Speak HTTP/1.1.');
}

function checkHeaders({ count, repeated }: HeaderLines): void {
  if (count > MAX_HEADER_LINES) {
    throw new Refusal('HEADERS_TOO_LARGE', { detail: `A request has at most ${MAX_HEADER_LINES} header lines.` });
  }
  if (repeated !== undefined) throw malformed(`Send ${repeated} once.`);
}

/** RFC 9112 section 3.2: exactly one Host; a repeated one was refused before. */
function checkHost(lines: HeaderLines, hosts: Hosts): void {
  const host = lines.one('host');
  if (host === undefined || host === '') throw malformed('Send a Host field.');
  if (!hosts.has(host))
    throw new Refusal('MISDIRECTED', { detail: 'Send the request to the public origin of the gateway.' });
}

function checkConnection(lines: HeaderLines): void {
  if (lines.one('upgrade') !== undefined) throw malformed('Leave out Upgrade: this gateway speaks HTTP/1.1 only.');
}

/** RFC 9112 sections 6.1 to 6.3. Length beside chunks is refused by the parser already. */
function checkFraming({ method }: IncomingMessage, lines: HeaderLines, bodyBytes: number): void {
  const coding = lines.one('transfer-encoding');
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    throw malformed('Send the body as chunks or with its length.');
  if ((method === 'GET' || method === 'HEAD') && announcesBody(lines))
    throw malformed(`Leave out the body of ${method}.`);
  if (Number(lines.one('content-length') ?? 0) > bodyBytes) {
    throw new Refusal('BODY_TOO_LARGE', { detail: `A body here has at most ${bodyBytes} bytes.` });
  }
}

function malformed(detail: string): Refusal {
  return new Refusal('INVALID_REQUEST', { detail });
}
