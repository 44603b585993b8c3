import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

import { Refusal } from '#libs/kernel/refusal.js';

import { isSecured, secured } from './connection-certificate.js';
import { Connections } from './connections.js';
import { checkMethod, checkRequest, type EdgeRules } from './edge.js';
import { EdgeRequest, Exchange, type House } from './exchange.js';
import { tlsOptions, type TlsParts } from './tls.js';

/** How long a peer may take, in milliseconds. */
export interface Timeouts {
  /** From the first byte of a request to the end of its header section; also for a connection that sends nothing. */
  readonly headersMs: number;
  /** From the first byte of a request to its last. */
  readonly requestMs: number;
  /** Between an answer and the next request. */
  readonly keepAliveMs: number;
  /** Without any byte in either direction: a peer that does not read its answer. */
  readonly idleMs: number;
  /** How often the first two are looked at. */
  readonly checkEveryMs: number;
}

export const TIMEOUTS: Timeouts = {
  headersMs: 10_000,
  requestMs: 20_000,
  keepAliveMs: 65_000,
  idleMs: 90_000,
  checkEveryMs: 1_000,
};

/** The largest header section, the request line included: Node's own default, named so that it cannot drift. */
export const MAX_HEADER_BYTES = 16_384;

export interface ServerParts {
  readonly rules: EdgeRules;
  readonly house: House;
  readonly timeouts: Timeouts;
  /** Undefined: plain HTTP. */
  readonly tls: TlsParts | undefined;
  /** Hears of each handshake that failed. */
  readonly handshakeFailed: (error: NodeJS.ErrnoException) => void;
  /** Fastify's handler: sees only requests that passed the edge. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
}

/** The HTTP/1.1 server with the edge before the framework, over TLS where there is a certificate: the same edge either way. */
export function createEdgeServer(parts: ServerParts): Server {
  const { rules, house, timeouts, handler } = parts;
  const server = listener(parts, {
    IncomingMessage: EdgeRequest,
    insecureHTTPParser: false,
    requireHostHeader: false,
    joinDuplicateHeaders: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.keepAliveMs,
    connectionsCheckingInterval: timeouts.checkEveryMs,
  });
  // Counted from the raw list instead: with a limit here, Node drops what is beyond it without a word (spec, Security, T11).
  server.maxHeadersCount = 0;
  server.setTimeout(timeouts.idleMs);
  const connections = new Connections(house);
  const enter = entrance(connections, rules, house);

  server.on('request', (request: EdgeRequest, response: ServerResponse) => {
    if (enter(request, response) !== undefined) handler(request, response);
  });
  server.on('checkContinue', (request: EdgeRequest, response: ServerResponse) => {
    if (enter(request, response) === undefined) return;
    response.writeContinue();
    handler(request, response);
  });
  server.on('checkExpectation', (request: EdgeRequest, response: ServerResponse) => {
    const detail = 'Leave out Expect, or send 100-continue.';
    const exchange = enter(request, response);
    if (exchange !== undefined) connections.giveUp(exchange, new Refusal('EXPECTATION_FAILED', { detail }));
  });
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    connections.refuse(socket, new Refusal('INVALID_REQUEST', { detail: 'This gateway is no proxy.' }));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    // A handshake that failed: nothing was asked, nobody could read an answer, and its error may quote the peer's bytes.
    if (socket instanceof TLSSocket && !isSecured(socket)) {
      socket.destroy();
      parts.handshakeFailed(error);
    } else connections.broken(error, socket);
  });
  return server;
}

function listener(
  { tls, timeouts }: ServerParts,
  options: ServerOptions<typeof EdgeRequest>,
): Server<typeof EdgeRequest> {
  if (tls === undefined) return createServer(options);
  const server = createTlsServer<typeof EdgeRequest>({ ...options, ...tlsOptions(tls, timeouts.headersMs) });
  const verified = tls.clientCa !== undefined;
  // Before Node's own listener, which begins to read requests.
  server.prependListener('secureConnection', (socket) => secured(socket, verified));
  return server;
}

/** Opens an exchange for a request and checks it; what fails is answered here, and nothing is handed on. */
function entrance(connections: Connections, rules: EdgeRules, house: House) {
  return function enter(request: EdgeRequest, response: ServerResponse): Exchange | undefined {
    // A pipelined request behind one that ended the connection is not served: it may not be where it seems to be.
    if (connections.givenUp(request.socket)) return undefined;
    const exchange = new Exchange(request, response, house);
    connections.saw(exchange);
    const malformed = refusalOf(() => checkRequest(exchange, rules));
    if (malformed !== undefined) {
      connections.giveUp(exchange, malformed);
      return undefined;
    }
    const unrouted = refusalOf(() => checkMethod(exchange, rules.routes));
    if (unrouted === undefined) return exchange;
    exchange.refuse(unrouted);
    return undefined;
  };
}

function refusalOf(check: () => void): Refusal | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return error instanceof Refusal ? error : new Refusal('INTERNAL', { check: 'edge', cause: error });
  }
}
