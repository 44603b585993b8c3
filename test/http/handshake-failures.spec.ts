import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { describe, expect, it } from '@jest/globals';

import { makeCertificate } from '../support/certificates.js';
import { Sealed } from '#src/config/sealed.js';
import { HandshakeFailures } from '#src/http/handshake-failures.js';
import { Hosts } from '#src/http/hosts.js';
import { RouteTable } from '#src/http/route-table.js';
import { createEdgeServer, TIMEOUTS } from '#src/http/server.js';

import { Wire } from './wire.js';

const failing = (code?: string): NodeJS.ErrnoException =>
  Object.assign(new Error('what the peer sent'), code !== undefined && { code });

/** The lines of two spans. */
async function told(
  first: readonly NodeJS.ErrnoException[],
  second: readonly NodeJS.ErrnoException[],
): Promise<string[]> {
  const lines: string[] = [];
  let heard: (line: string) => void = () => {};
  const failures = new HandshakeFailures((line) => heard(line), 5);
  for (const span of [first, second]) {
    const line = new Promise<string>((resolve) => (heard = resolve));
    for (const error of span) failures.add(error);
    lines.push(await line);
  }
  return lines;
}

describe('handshakes that fail', () => {
  it('N18: are told in one line for all of a span, by reasons alone', async () => {
    const [one, two] = await told(
      [failing('ERR_SSL_HTTP_REQUEST'), failing('ERR_TLS_HANDSHAKE_TIMEOUT'), failing('ERR_SSL_HTTP_REQUEST')],
      [failing('ERR_SSL_HTTP_REQUEST')],
    );
    expect(one).toBe('TLS handshakes failed in the last minute: 2 ERR_SSL_HTTP_REQUEST, 1 ERR_TLS_HANDSHAKE_TIMEOUT');
    expect(two).toBe('TLS handshakes failed in the last minute: 1 ERR_SSL_HTTP_REQUEST');
  });

  it('N18: have few reasons, and none that is no name', async () => {
    const many = Array.from({ length: 20 }, (_, at) => failing(`ERR_SSL_${at}`));
    const [one, two] = await told(many, [failing('a\nb'), failing(), failing(`ERR_${'X'.repeat(80)}`)]);
    expect(one?.split(', ')).toHaveLength(9);
    expect(one).toMatch(/, 12 other$/);
    expect(two).toBe('TLS handshakes failed in the last minute: 3 other');
  });

  it('are not told when the peer only went away, as those do that look whether a port is open', async () => {
    const [one] = await told([failing('ECONNRESET'), failing('ERR_SSL_A')], [failing('ERR_SSL_A')]);
    expect(one).toBe('TLS handshakes failed in the last minute: 1 ERR_SSL_A');
  });

  it('are heard of by the server: plain HTTP where TLS is spoken', async () => {
    const { pem: cert, key } = await makeCertificate({ name: 'postern', usage: 'server' });
    let heard: (error: NodeJS.ErrnoException) => void = () => {};
    const failed = new Promise<NodeJS.ErrnoException>((resolve) => (heard = resolve));
    const server = createEdgeServer({
      rules: { hosts: new Hosts([]), routes: new RouteTable(), bodyBytes: 0 },
      house: { bearer: false, resourceMetadata: () => undefined, access: () => {}, draining: () => false },
      timeouts: TIMEOUTS,
      tls: { cert, key: new Sealed(key), clientCa: undefined },
      handshakeFailed: (error) => heard(error),
      handler: () => {},
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await (await Wire.open(port)).send('GET / HTTP/1.1\r\nHost: a\r\n\r\n').rest();
    expect((await failed).code).toBe('ERR_SSL_HTTP_REQUEST');
    server.close();
    server.closeAllConnections();
  });
});
