import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { type Running, startEdge } from './gateway.js';
import { ask, Wire } from './wire.js';

const VALUE = '/api/secrets/value/yaml%3A%2F%2Fkv%2Fapp';
let gateway: Running;

beforeAll(async () => {
  gateway = await startEdge({
    timeouts: { headersMs: 300, requestMs: 600, keepAliveMs: 300, idleMs: 5_000, checkEveryMs: 50 },
  });
});
afterAll(async () => await gateway.close());

function get(): string {
  return `GET ${VALUE} HTTP/1.1\r\nHost: ${gateway.host}\r\n\r\n`;
}

function posting(): string {
  return `POST /api/secrets/value HTTP/1.1\r\nHost: ${gateway.host}\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n`;
}

describe('N17: a slow peer is cut, and told why', () => {
  it.each([
    ['a header section that never ends', 'GET / HTTP/1.1\r\nHost: a\r\n'],
    ['a request line that never ends', 'GET /'],
    ['a connection that sends nothing', ''],
  ])('%s', async (_title, bytes) => {
    const wire = await Wire.open(gateway.port);
    const { status, problem, headers } = await wire.send(bytes).answer();
    expect({ status, code: problem['code'] }).toEqual({ status: 408, code: 'REQUEST_TIMEOUT' });
    expect(headers['connection']).toEqual(['close']);
    expect(headers['cache-control']).toEqual(['no-store']);
    await wire.rest();
  });

  it('a header section that drips', async () => {
    const wire = await Wire.open(gateway.port);
    const drip = setInterval(() => wire.send('a'), 20);
    try {
      expect((await wire.send('GET / HTTP/1.1\r\nX: ').answer()).status).toBe(408);
    } finally {
      clearInterval(drip);
      wire.end();
    }
  });

  it('a body that never ends', async () => {
    const wire = await Wire.open(gateway.port);
    const { status, problem } = await wire.send(`${posting()}{"uri"`).answer();
    expect({ status, code: problem['code'] }).toEqual({ status: 408, code: 'REQUEST_TIMEOUT' });
    expect(await wire.rest()).toBe('');
  });

  it('a connection that sends no further request is closed without a word', async () => {
    const wire = await Wire.open(gateway.port);
    expect((await wire.send(get()).answer()).status).toBe(401);
    expect(await wire.rest()).toBe('');
  });

  it('a body that was broken off leaves the gateway as it was', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(`${posting()}{"uri"`).end();
    await wire.rest();
    expect((await ask(gateway.port, get())).status).toBe(401);
    expect(gateway.log.join('')).not.toContain('"level":"error"');
  });

  it('N17: others are served while five thousand connections say nothing', async () => {
    const idle = await Promise.all(Array.from({ length: 5_000 }, async () => await Wire.open(gateway.port)));
    try {
      expect((await ask(gateway.port, get())).status).toBe(401);
    } finally {
      for (const wire of idle) wire.end();
    }
  });
});

describe('N17: a peer that does not read its answers', () => {
  it('is cut once nothing moves', async () => {
    const impatient = await startEdge({
      timeouts: { headersMs: 5_000, requestMs: 5_000, keepAliveMs: 5_000, idleMs: 300, checkEveryMs: 50 },
    });
    const wire = await Wire.open(impatient.port);
    wire.socket.pause();
    const gone = impatient.gone();
    wire.send(`GET /nothing HTTP/1.1\r\nHost: ${impatient.host}\r\n\r\n`.repeat(30_000));
    await gone;
    wire.end();
    expect(impatient.log.length).toBeLessThan(30_000);
    await impatient.close();
  });
});

describe('going down', () => {
  it('takes no new connection, answers what is under way, and ends its connection', async () => {
    const other = await startEdge();
    const wire = await Wire.open(other.port);
    const idle = await Wire.open(other.port);
    await idle.send(get().replace(gateway.host, other.host)).answer();
    wire.send(`${posting().replace(gateway.host, other.host)}{"uri":`);
    await other.seen('POST /api/secrets/value');
    const closed = other.close();
    expect(await idle.rest()).toBe('');
    await expect(Wire.open(other.port)).rejects.toThrow('ECONNREFUSED');
    const answer = await wire.send('"a"}').answer();
    expect(answer.status).toBe(401);
    expect(answer.headers['connection']).toEqual(['close']);
    await closed;
  });
});
