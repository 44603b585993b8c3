import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import type { Arrival } from '#libs/enforcement/arrival.js';
import { Cidrs } from '#src/http/cidrs.js';
import { EdgeRequest, Exchange, type House } from '#src/http/exchange.js';
import { arrivalOf, type ReadingRules, type SecretRoute } from '#src/http/secret-request.js';
import { inPath } from '#src/http/uri-source.js';

import { ask } from './wire.js';

const ROUTE: SecretRoute = { action: 'GET /s/{uri}', purpose: 'execute', uri: inPath('/s/') };
const RULES: ReadingRules = {
  reasonPattern: /^[\x20-\x7E]{1,256}$/,
  proxies: { cidrs: new Cidrs([]), thumbprints: new Set() },
  clientCertHeader: false,
};
const HOUSE: House = { bearer: false, resourceMetadata: () => undefined, access: () => {}, draining: () => false };
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let server: Server;
let arrivals: Arrival[];
let exchanges: Exchange[];

beforeAll(async () => {
  server = createServer({ IncomingMessage: EdgeRequest }, (request, response) => {
    const exchange = new Exchange(request, response, HOUSE);
    exchanges.push(exchange);
    arrivals.push(arrivalOf(exchange, ROUTE, RULES));
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
beforeEach(() => {
  arrivals = [];
  exchanges = [];
});
afterAll(() => void server.close());

async function arrive(...fields: readonly string[]): Promise<Arrival> {
  const { port } = server.address() as AddressInfo;
  await ask(port, ['GET /s/kv%3A%2F%2Fa%2Fb HTTP/1.1', 'Host: a', ...fields, '', ''].join('\r\n'));
  return arrivals[0]!;
}

describe('what the gateway says of a request', () => {
  it('names the route by its template, and the network by its prefix', async () => {
    const { origin } = await arrive();
    expect(origin).toMatchObject({ action: 'GET /s/{uri}', addressPrefix: '127.0.0.0/24' });
    expect(origin.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(origin).not.toHaveProperty('traceId');
  });

  it('takes the correlation id of the caller, and makes the request id itself', async () => {
    const { origin } = await arrive('X-Correlation-ID: job.7_a-B', 'X-Request-ID: theirs');
    expect(origin.correlationId).toBe('job.7_a-B');
    expect(origin.requestId).not.toBe('theirs');
  });

  it("takes the client's request id for its correlation id when there is no other", async () => {
    expect((await arrive('X-Request-ID: theirs')).origin.correlationId).toBe('theirs');
  });

  it.each(['a b', 'a"b', '{}', 'a\u0085b', 'é', 'x'.repeat(65), ''])('replaces the correlation id %j', async (id) => {
    const { origin } = await arrive(`X-Correlation-ID: ${id}`);
    expect(origin.correlationId).toBe(origin.requestId);
  });

  it('takes a trace context that parses', async () => {
    const { origin } = await arrive(`traceparent: ${TRACE}`);
    expect(origin).toMatchObject({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' });
  });

  it('gives each request an id of its own', async () => {
    const first = await arrive();
    arrivals = [];
    expect((await arrive()).origin.requestId).not.toBe(first.origin.requestId);
  });
});

describe('what the caller said', () => {
  it('is read from the raw lines: each Authorization and DPoP line apart, the path as it was sent', async () => {
    const { presented, wanted, about } = (await arrive('authorization: DPoP t', 'dpop: one', 'DPoP: two')).read();
    expect(presented).toEqual({
      method: 'GET',
      path: '/s/kv%3A%2F%2Fa%2Fb',
      authorization: ['DPoP t'],
      dpop: ['one', 'two'],
    });
    expect(wanted).toEqual({ purpose: 'execute', uri: 'kv://a/b' });
    expect(about).toMatchObject({ address: '127.0.0.1' });
    expect(about).not.toHaveProperty('reason');
  });

  it('never holds a certificate from a field', async () => {
    expect((await arrive('Client-Cert: :YQ==:', 'X-SSL-Client-Cert: a')).read().presented).not.toHaveProperty(
      'certificate',
    );
  });

  it('never holds an address from a field', async () => {
    const request = (await arrive('X-Forwarded-For: 192.0.2.1', 'Forwarded: for=192.0.2.1')).read();
    expect(request.about.address).toBe('127.0.0.1');
  });

  it('holds an IPv4 address as such, also from a socket that takes both families', async () => {
    const arrival = await arrive();
    const socket = { remoteAddress: '::ffff:192.0.2.7' };
    const exchange = { lines: exchanges[0]!.lines, request: { url: '/s/a', method: 'GET', socket } };
    const mapped = arrivalOf(exchange as unknown as Exchange, ROUTE, RULES);
    expect(mapped.read().about.address).toBe('192.0.2.7');
    expect(mapped.origin.addressPrefix).toBe('192.0.2.0/24');
    expect(arrival.read().about.address).toBe('127.0.0.1');
  });

  it('may hold a reason', async () => {
    expect((await arrive('X-Access-Reason: ticket 7')).read().about.reason).toBe('ticket 7');
  });

  it.each(['', 'x'.repeat(257), 'caf\u00e9', 'a\tb'])('refuses the reason %j', async (reason) => {
    const arrival = await arrive(`X-Access-Reason: ${reason}`);
    expect(() => arrival.read()).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST', check: 'reason pattern' }));
  });
});
