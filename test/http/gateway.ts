import type { AddressInfo, Socket } from 'node:net';

import type { NestFastifyApplication } from '@nestjs/platform-fastify';

import { SinkJournal } from '#libs/audit/journal.js';
import type { Gate } from '#libs/enforcement/gate.js';
import { RememberedTokens } from '#libs/identity/remembered-tokens.js';
import { checkScope } from '#libs/identity/scopes.js';
import { addressBucket } from '#src/http/address.js';
import { createApp } from '#src/app.js';
import { systemClock } from '#src/composition/system-clock.js';
import { Cidrs } from '#src/http/cidrs.js';
import type { HttpOptions } from '#src/http/http-options.js';
import { TIMEOUTS } from '#src/http/server.js';
import { createLog } from '#src/telemetry/logger.js';

/** A gateway that listens on a free port of the loopback address, and what it logged. */
export interface Running {
  readonly app: NestFastifyApplication;
  readonly port: number;
  /** `127.0.0.1:port`, as a `Host` field says it. */
  readonly host: string;
  /** Every line so far, raw. */
  readonly log: readonly string[];
  /** The audit records, as lines of canonical JSON. */
  readonly records: readonly string[];
  /** Resolves once a request of this method and path is being handled. */
  seen(line: string): Promise<void>;
  /** Resolves when a connection has been closed. */
  gone(): Promise<void>;
  close(): Promise<void>;
}

/** For what is refused before the line has judged anything: no issuer is trusted, no provider is wired. */
export async function startEdge(options: Partial<HttpOptions> = {}): Promise<Running> {
  const records: string[] = [];
  return await start(await gateOfNobody(records), records, options);
}

async function start(gate: Gate, records: readonly string[], options: Partial<HttpOptions>): Promise<Running> {
  const log: string[] = [];
  const app = await createApp({
    gate,
    http: {
      origins: [],
      localNames: true,
      resource: { identifier: undefined, documentation: undefined, issuers: [], unbound: false, certificates: false },
      uriInPathOnly: false,
      reasonPattern: /^[\x20-\x7E]{1,256}$/,
      proxies: { cidrs: new Cidrs([]), thumbprints: new Set() },
      clientCertHeader: false,
      tls: undefined,
      timeouts: TIMEOUTS,
      ...options,
    },
    log: createLog({ stream: { write: (line: string) => void log.push(line) } }),
  });
  const lines = new Set<string | undefined>();
  app.getHttpServer().on('request', ({ method, url }) => lines.add(`${method} ${url}`));
  const sockets = new Set<Socket>();
  app.getHttpServer().on('connection', (socket: Socket) => sockets.add(socket));
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { app, port, host: `127.0.0.1:${port}`, log, records, seen, gone, close: async () => await app.close() };

  async function gone(): Promise<void> {
    await new Promise<void>((resolve) => {
      const each = (socket: Socket): void => void socket.once('close', () => resolve());
      for (const socket of sockets) each(socket);
      app.getHttpServer().once('connection', each);
    });
  }

  async function seen(line: string): Promise<void> {
    while (!lines.has(line)) await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The real line over a real journal, for callers of whom none is known: it ends at the first step that asks for a token. */
async function gateOfNobody(records: string[]): Promise<Gate> {
  const unused = {} as never;
  const sink = {
    append: async (lines: readonly string[]) => void records.push(...lines),
    close: async () => {},
  };
  return {
    clock: systemClock,
    admission: { bucketOf: addressBucket },
    tokens: { issuers: new Map(), leewaySeconds: 5, remembered: new RememberedTokens() },
    binding: unused,
    scopes: checkScope,
    tenants: new Map(),
    grants: unused,
    vault: unused,
    audit: {
      journal: await SinkJournal.open({
        sink,
        clock: systemClock,
        w: 'test-writer-0000001',
        committedBy: 'file',
        limits: { refusalsPerSecond: 10_000 },
      }),
      refs: unused,
      deadlineMs: 1_000,
    },
    requestDeadlineMs: 2_000,
  };
}
