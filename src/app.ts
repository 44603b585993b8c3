import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Gate } from '#libs/enforcement/gate.js';

import { appModule } from './app.module.js';
import { MAX_BODY_BYTES, readBody } from './http/body.js';
import { type House, takeOver } from './http/exchange.js';
import { HandshakeFailures } from './http/handshake-failures.js';
import { Hosts, type Listening, localOrigins } from './http/hosts.js';
import type { HttpOptions } from './http/http-options.js';
import { ProblemFilter } from './http/problem-filter.js';
import { ProtectedResource } from './http/protected-resource.js';
import { RouteTable } from './http/route-table.js';
import { createEdgeServer } from './http/server.js';
import { MAX_ENCODED_URI_CHARACTERS } from './http/target.js';
import type { Log } from './telemetry/logger.js';
import { nestLogger } from './telemetry/nest-logger.js';

export interface AppParts {
  readonly gate: Gate;
  readonly http: HttpOptions;
  readonly log: Log;
}

/** The gateway as an application that is ready to listen: the edge, then the framework's router, then the line. */
export async function createApp({ gate, http, log }: AppParts): Promise<NestFastifyApplication> {
  const routes = new RouteTable();
  const hosts = new Hosts(http.origins);
  const filter = new ProblemFilter(routes, log);
  const closing = { begun: false };
  const handshakes = new HandshakeFailures((line) => log.warn(line));
  const resource = new ProtectedResource(http.resource);
  const house: House = {
    bearer: resource.bearer,
    resourceMetadata: () => resource.metadataUrl,
    access: (line) => log.access(line),
    draining: () => closing.begun,
  };

  const adapter = new FastifyAdapter({
    serverFactory: (handler: (request: IncomingMessage, response: ServerResponse) => void) =>
      createEdgeServer({
        rules: { hosts, routes, bodyBytes: MAX_BODY_BYTES },
        house,
        timeouts: http.timeouts,
        tls: http.tls,
        handshakeFailed: (error) => handshakes.add(error),
        handler,
      }),
    // The server above has its own.
    clientErrorHandler: () => {},
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      filter.answer(error, takeOver(request, reply)),
    logger: false,
    return503OnClosing: false,
    exposeHeadRoutes: false,
    trustProxy: false,
    skipMiddie: true,
    routerOptions: {
      // Queries are read by hand from the raw target.
      querystringParser: () => ({}),
      maxParamLength: MAX_ENCODED_URI_CHARACTERS,
    },
  });
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request: unknown, payload: IncomingMessage) => readBody(payload));
  fastify.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) routes.add({ method: each, path: url });
  });
  fastify.addHook('preClose', (done) => {
    closing.begun = true;
    done();
  });

  const app = await NestFactory.create<NestFastifyApplication>(appModule(gate, http, resource), adapter, {
    bodyParser: false,
    abortOnError: false,
    logger: nestLogger(log),
  });
  app.useGlobalFilters(filter);
  const server = app.getHttpServer();
  server.on('listening', () => {
    const where = listeningOn(server.address(), http.tls !== undefined);
    if (http.localNames) hosts.listensOn(where);
    const [own] = localOrigins(where);
    if (own !== undefined) resource.listensOn(own);
  });
  await app.init();
  return app;
}

/** @throws Error when the server listens on no address, or on a pipe, which this gateway never does */
export function listeningOn(address: AddressInfo | string | null, secure: boolean): Listening {
  if (address === null || typeof address === 'string') throw new Error('not listening on an address');
  return { host: address.address, port: address.port, secure };
}
