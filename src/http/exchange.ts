import { randomUUID } from 'node:crypto';
import { IncomingMessage, type ServerResponse } from 'node:http';

import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Code } from '#libs/kernel/codes.js';
import type { Refusal } from '#libs/kernel/refusal.js';
import type { AccessLine } from '#src/telemetry/logger.js';

import { credentialOf } from './challenge.js';
import { HeaderLines } from './header-lines.js';
import { headersOf, problemOf, type Answered, type AnswerIds } from './problem.js';

/** What may stand in logs and records as it came (spec, Security, N18). */
const ID = /^[A-Za-z0-9._-]{1,64}$/;

/** How long an answered sender of an unread body is listened to, so that closing does not cost it the answer. */
const LINGER_MS = 500;

/** What all exchanges of one gateway share. */
export interface House {
  /** Whether `Bearer` is offered in a challenge. */
  readonly bearer: boolean;
  /** `resource_metadata` of the challenges; undefined before it is known where the gateway listens. */
  readonly resourceMetadata: () => string | undefined;
  readonly access: (line: AccessLine) => void;
  /** Whether the gateway is going down: answers then end their connection. */
  readonly draining: () => boolean;
}

/** What became of an answer. */
export type Delivery = 'sent' | 'aborted';

/** The server's requests: each carries its exchange. A weak map beside them would keep every one alive until a full collection. */
export class EdgeRequest extends IncomingMessage {
  exchange: Exchange | undefined = undefined;
}

/**
 * One request and its one answer: the ids, the header lines, and the only place that writes an answer. The framework routes; it
 * never writes.
 */
export class Exchange implements AnswerIds {
  readonly requestId: string = randomUUID();
  readonly correlationId: string;
  readonly lines: HeaderLines;
  /** Method and route template, once a route has taken the request: the log never sees the path itself. */
  action = '-';
  readonly #started = performance.now();
  readonly #house: House;
  #code: Code | undefined;
  #closed = false;
  #settle: ((delivery: Delivery) => void) | undefined;

  constructor(
    readonly request: EdgeRequest,
    readonly response: ServerResponse,
    house: House,
  ) {
    this.#house = house;
    this.lines = HeaderLines.read(request.rawHeaders);
    this.correlationId = correlationOf(this.lines) ?? this.requestId;
    request.exchange = this;
    response.once('close', () => this.#ended());
  }

  /** The exchange of a request that came through the edge. */
  static of(request: IncomingMessage): Exchange {
    if (request instanceof EdgeRequest && request.exchange !== undefined) return request.exchange;
    throw new Error('a request that did not come through the edge');
  }

  /** Answers with a value. `settle` hears once whether the answer left. */
  give(body: string, headers: readonly string[], settle: (delivery: Delivery) => void): void {
    if (this.#closed) {
      settle('aborted');
      return;
    }
    this.#settle = settle;
    this.#write({ status: 200, headers: [...headersOf(this, 'application/json', body), ...headers], body });
  }

  /** Answers with what is public and the same for everybody, hence may be kept for a while: the one answer that is stored. */
  publish(body: string, maxAgeSeconds: number): void {
    if (this.over) return;
    const headers = headersOf(this, 'application/json', body, `public, max-age=${maxAgeSeconds}`);
    this.#write({ status: 200, headers, body });
  }

  /** Answers with a refusal. What was answered already stays answered. */
  refuse(refusal: Refusal, receipt?: string): void {
    if (this.over) return;
    this.#code = refusal.code;
    this.#write(
      problemOf(refusal.code, {
        ids: this,
        credential: credentialOf(this.lines.all('authorization')),
        bearer: this.#house.bearer,
        resourceMetadata: this.#house.resourceMetadata(),
        detail: refusal.detail,
        hints: refusal.hints,
        receipt,
      }),
    );
  }

  /** Whether the answer was begun, or nobody is there to hear one. */
  get over(): boolean {
    return this.#closed || this.response.headersSent;
  }

  #write({ status, headers, body }: Answered): void {
    const { request, response } = this;
    const unread = !request.complete && announcesBody(this.lines);
    if (unread || this.#house.draining()) response.shouldKeepAlive = false;
    response.writeHead(status, [...headers]);
    if (!unread) {
      response.end(body);
      return;
    }
    response.write(body);
    const end = once(() => response.end());
    request.once('end', end).once('close', end).resume();
    setTimeout(end, LINGER_MS).unref();
  }

  #ended(): void {
    this.#closed = true;
    const { response } = this;
    this.#settle?.(response.writableFinished ? 'sent' : 'aborted');
    this.#house.access({
      route: this.action,
      request_id: this.requestId,
      correlation_id: this.correlationId,
      status: response.headersSent ? response.statusCode : 0,
      code: this.#code,
      ms: Math.round((performance.now() - this.#started) * 1_000) / 1_000,
    });
  }
}

/** The exchange of a request that the framework routed; from here on the framework does not write its answer. */
export function takeOver(request: FastifyRequest, reply: FastifyReply): Exchange {
  reply.hijack();
  return Exchange.of(request.raw);
}

/** Whether a body was announced at all (RFC 9112 section 6). */
export function announcesBody(lines: HeaderLines): boolean {
  const length = lines.one('content-length');
  return (length !== undefined && Number(length) !== 0) || lines.one('transfer-encoding') !== undefined;
}

/** `X-Correlation-ID`, or the client's own `X-Request-ID`; one that does not match is replaced, not repaired. */
function correlationOf(lines: HeaderLines): string | undefined {
  const asked = lines.one('x-correlation-id') ?? lines.one('x-request-id');
  return asked !== undefined && ID.test(asked) ? asked : undefined;
}

function once(then: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    then();
  };
}
