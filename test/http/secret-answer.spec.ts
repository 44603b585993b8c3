import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import type { Answer } from '#libs/enforcement/passage.js';
import { EdgeRequest, Exchange, type House } from '#src/http/exchange.js';
import { giveSecret } from '#src/http/secret-answer.js';
import type { AccessLine } from '#src/telemetry/logger.js';

import { ask, Wire } from './wire.js';

let server: Server;
let port: number;
let lines: AccessLine[];
let settled: string[];
/** Runs when a request has come; answers it. */
let answering: (exchange: Exchange) => Promise<void> | void;

const HOUSE: House = {
  bearer: false,
  resourceMetadata: () => undefined,
  access: (line) => lines.push(line),
  draining: () => false,
};

beforeAll(async () => {
  server = createServer(
    { IncomingMessage: EdgeRequest },
    (request, response) => void answering(new Exchange(request, response, HOUSE)),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
beforeEach(() => {
  lines = [];
  settled = [];
});
afterAll(() => void server.close());

interface Shape {
  readonly key?: string;
  readonly value: unknown;
  readonly version?: number;
  readonly nextNonce?: string;
}

/** An answer of the line in the shape that `giveSecret` reads; what makes real ones is tested with the whole gateway. */
function answerOf({ key, value, version, nextNonce }: Shape): Answer {
  return {
    release: {
      use: {
        target: { uri: { key, toString: () => 'yaml://kv/app#token' } },
        grant: { id: '7.k.r', expiresAtMs: Date.UTC(2026, 10, 25) },
        left: 2,
      },
      receipt: { toString: () => 'w.5.h' },
      value,
      version,
    },
    nextNonce,
    settle: async (outcome: string) => void settled.push(outcome),
  } as unknown as Answer;
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a secret that is given', () => {
  it('has the documented shape with a key, and the headers of every answer', async () => {
    answering = (exchange) => giveSecret(exchange, answerOf({ key: 'token', value: 's3', version: 4, nextNonce: 'n' }));
    const { status, headers, problem } = await ask(port, GET);
    expect(status).toBe(200);
    expect(problem).toEqual({
      uri: 'yaml://kv/app#token',
      key: 'token',
      value: 's3',
      version: 4,
      grant: { id: '7.k.r', expires_at: '2026-11-25T00:00:00.000Z', uses_left: 2 },
      receipt: 'w.5.h',
    });
    expect(headers).toMatchObject({
      'content-type': ['application/json'],
      'cache-control': ['no-store'],
      'postern-receipt': ['w.5.h'],
      'dpop-nonce': ['n'],
      'x-content-type-options': ['nosniff'],
    });
    expect(headers['x-request-id']).toHaveLength(1);
    expect(headers['x-correlation-id']).toHaveLength(1);
    expect(headers).not.toHaveProperty('server');
  });

  it('leaves out what there is not, and gives the whole map without a key', async () => {
    answering = (exchange) => giveSecret(exchange, answerOf({ value: { a: 'é', b: '' } }));
    const { headers, problem } = await ask(port, GET);
    expect(problem).toMatchObject({ value: { a: Buffer.from('é').toString('latin1'), b: '' } });
    expect(Object.keys(problem)).toEqual(['uri', 'value', 'grant', 'receipt']);
    expect(headers).not.toHaveProperty('dpop-nonce');
  });

  it('is settled as sent once it left, and logged once', async () => {
    answering = (exchange) => {
      exchange.action = 'GET /';
      giveSecret(exchange, answerOf({ value: 's3' }));
    };
    await ask(port, GET);
    await until(() => lines.length > 0);
    expect(settled).toEqual(['sent']);
    expect(lines).toEqual([
      expect.objectContaining({ route: 'GET /', status: 200, code: undefined, ms: expect.any(Number) as unknown }),
    ]);
  });

  it('is settled as aborted when the peer was gone before', async () => {
    let arrived = false;
    answering = async (exchange) => {
      arrived = true;
      await until(() => exchange.over);
      giveSecret(exchange, answerOf({ value: 's3' }));
    };
    const wire = await Wire.open(port);
    wire.send(GET);
    await until(() => arrived);
    wire.end();
    await until(() => settled.length > 0);
    expect(settled).toEqual(['aborted']);
    expect(lines).toEqual([expect.objectContaining({ status: 0 })]);
  });

  it('is settled as aborted when the peer goes while it is being written', async () => {
    answering = (exchange) => giveSecret(exchange, answerOf({ value: 'x'.repeat(32 * 1024 * 1024) }));
    const wire = await Wire.open(port);
    wire.socket.pause();
    wire.send(GET);
    await new Promise((resolve) => setTimeout(resolve, 50));
    wire.end();
    await until(() => settled.length > 0);
    expect(settled).toEqual(['aborted']);
  });
});
