import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

import type { Code } from '#libs/kernel/codes.js';
import { Refusal } from '#libs/kernel/refusal.js';

import type { Exchange, House } from './exchange.js';
import { problemOf } from './problem.js';

/** How long a peer whose connection was given up is listened to, so that closing does not cost it the answer. */
const LINGER_MS = 500;

/** What the parser or its clock says, as the code that it means; everything else is a malformed request. */
const CODE_OF_ERROR: ReadonlyMap<string | undefined, Code> = new Map<string | undefined, Code>([
  ['HPE_HEADER_OVERFLOW', 'HEADERS_TOO_LARGE'],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 'BODY_TOO_LARGE'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'REQUEST_TIMEOUT'],
]);

/** The connections of one server, where a request was refused that no request object stands for, or where none may follow. */
export class Connections {
  readonly #house: House;
  readonly #givenUp = new WeakSet<Duplex>();
  readonly #latest = new WeakMap<Duplex, Exchange>();

  constructor(house: House) {
    this.#house = house;
  }

  /** Whether nothing more is served on this connection. */
  givenUp(socket: Duplex): boolean {
    return this.#givenUp.has(socket);
  }

  saw(exchange: Exchange): void {
    this.#latest.set(exchange.request.socket, exchange);
  }

  /** Answers a request, and ends its connection: who sent this cannot be trusted about where the next request begins. */
  giveUp(exchange: Exchange, refusal: Refusal): void {
    this.#givenUp.add(exchange.request.socket);
    exchange.response.shouldKeepAlive = false;
    exchange.refuse(refusal);
  }

  /** What the parser could not read, or what came too slowly. */
  broken(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (this.#givenUp.has(socket)) return;
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const latest = this.#latest.get(socket);
    const busy = latest !== undefined && !latest.response.writableFinished;
    // Bytes behind a whole request that is still being answered: its answer comes first, and is the last one.
    if (busy && (latest.request.complete || latest.over || latest.response.socket !== socket)) {
      this.#givenUp.add(socket);
      latest.response.once('close', () => socket.destroy());
      return;
    }
    this.refuse(socket, new Refusal(CODE_OF_ERROR.get(error.code) ?? 'INVALID_REQUEST'));
  }

  /** Answers on the bare socket, then closes it. */
  refuse(socket: Duplex, refusal: Refusal): void {
    this.#givenUp.add(socket);
    const { code } = refusal;
    const id = randomUUID();
    const ids = { requestId: id, correlationId: id };
    const { bearer, resourceMetadata, access } = this.#house;
    const { status, headers, body } = problemOf(code, {
      ids,
      credential: 'none',
      bearer,
      resourceMetadata: resourceMetadata(),
      detail: refusal.detail,
    });
    socket.on('error', () => socket.destroy());
    const own = ['Date', new Date().toUTCString(), 'Connection', 'close'];
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${fieldLines([...headers, ...own])}\r\n${body}`);
    socket.resume();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
    access({ route: '-', request_id: id, correlation_id: id, status, code, ms: 0 });
  }
}

function fieldLines(headers: readonly string[]): string {
  let lines = '';
  for (let i = 0; i < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return lines;
}
