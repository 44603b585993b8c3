import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

import type { Json } from '#libs/kernel/json.js';

import type { Certificate } from '../support/certificates.js';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** A JWKS endpoint on a free port of the loopback address: a real server that counts, and answers as a test says. */
export class JwksServer {
  /** Every request so far, as `GET /jwks`. */
  readonly requests: string[] = [];
  /** Every connection so far, those without a request included. */
  connections = 0;
  /** Of the last request. */
  headers: IncomingMessage['headers'] = {};
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #answer: Answer = () => {};
  #port = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => {
      this.requests.push(`${request.method} ${request.url}`);
      this.headers = request.headers;
      this.#answer(response, request);
    });
    server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    server.on('tlsClientError', () => {});
  }

  /** @param certificate makes it https @param host address to listen on */
  static async start(
    answer: Answer | Json,
    { certificate, host = '127.0.0.1', port = 0 }: Options = {},
  ): Promise<JwksServer> {
    const made =
      certificate === undefined ? createServer() : createTlsServer({ cert: certificate.pem, key: certificate.key });
    const server = new JwksServer(made);
    server.#port = port;
    server.answers(answer);
    await server.up(host);
    return server;
  }

  /** From now on: a JWK Set, or whatever the function does. */
  answers(answer: Answer | Json): void {
    this.#answer = typeof answer === 'function' ? answer : json(answer);
  }

  get port(): number {
    return this.#port;
  }

  /** `http://127.0.0.1:<port>` */
  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get uri(): URL {
    return new URL(`${this.origin}/jwks`);
  }

  /** How many connections are open now. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Listens again, on the same port. */
  async up(host = '127.0.0.1'): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(this.#port, host, resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Refuses connections from now on. */
  async down(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

interface Options {
  readonly certificate?: Certificate;
  readonly host?: string;
  readonly port?: number;
}

/** An honest answer with these bytes. */
export function json(set: Json, headers: Readonly<Record<string, string>> = {}): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(set));
  };
}

/** Whatever is said, word for word. */
export function raw(body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}, status = 200): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  };
}

/** Resolves when the condition holds. What does not come about within 15 s never will: better a failure than a run without end. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const patience = performance.now() + 15_000;
  while (!(await holds())) {
    if (performance.now() > patience) throw new Error(`waited in vain until ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
