import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { ConnectionOptions } from 'node:tls';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { makeCa, makeCertificate } from '../support/certificates.js';
import { openTls } from '../support/secure-wire.js';
import { Sealed } from '#src/config/sealed.js';
import { TIMEOUTS } from '#src/http/server.js';
import type { TlsParts } from '#src/http/tls.js';

import { type Running, startEdge } from './gateway.js';
import { Wire } from './wire.js';

const ca = await makeCa('server CA');
const server = await makeCertificate({ name: 'postern', by: ca, usage: 'server' });
const rsa = await makeCertificate({ name: 'postern', by: ca, usage: 'server', rsaBits: 2048 });
const tls = (cert = server): TlsParts => ({ cert: cert.pem, key: new Sealed(cert.key), clientCa: ca.pem });

let running: Running;
let withRsa: Running;
beforeAll(async () => {
  running = await startEdge({ tls: tls() });
  withRsa = await startEdge({ tls: tls(rsa) });
});
afterAll(async () => {
  for (const each of [running, withRsa]) {
    each.app.getHttpServer().closeAllConnections();
    await each.close();
  }
});

/** The outcome of a handshake: what was agreed on, or that there was none. */
async function handshake(options: ConnectionOptions, to = running): Promise<string> {
  try {
    const socket = await openTls(to.port, { ca, tls: options });
    const said = `${socket.getProtocol()} ${socket.getCipher().name} ${String(socket.alpnProtocol)}`;
    socket.destroy();
    return said;
  } catch {
    return 'refused';
  }
}

const get = (host: string, ...fields: readonly string[]): string =>
  ['GET /api/secrets/value/yaml%3A%2F%2Fa%2Fb HTTP/1.1', `Host: ${host}`, ...fields, '', ''].join('\r\n');

/** A request that is served like any other, on a connection of its own. */
async function served(): Promise<number> {
  const wire = Wire.over(await openTls(running.port, { ca }));
  const { status } = await wire.send(get(running.host)).answer();
  wire.end();
  return status;
}

describe('what our listener agrees to', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('M4: speaks %s', async (version) => {
    expect(await handshake({ minVersion: version, maxVersion: version })).toMatch(new RegExp(`^${version} `));
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)('V12: does not speak %s', async (version) => {
    const old = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' };
    expect([await handshake(old), await handshake(old, withRsa)]).toEqual(['refused', 'refused']);
  });

  it.each([
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-AES128-GCM-SHA256',
  ])('V12: takes %s of TLS 1.2', async (ciphers) => {
    const to = ciphers.includes('RSA-') ? withRsa : running;
    expect(await handshake({ maxVersion: 'TLSv1.2', ciphers }, ciphers.includes('ECDSA') ? running : to)).toContain(
      ciphers,
    );
  });

  it.each([
    ['without forward secrecy', 'AES128-GCM-SHA256'],
    ['without authenticated encryption', 'ECDHE-RSA-AES128-SHA256'],
    ['with SHA-1', 'ECDHE-RSA-AES128-SHA'],
    ['with finite fields', 'DHE-RSA-AES128-GCM-SHA256'],
    ['without a certificate', 'ADH-AES128-GCM-SHA256'],
  ])('V12: takes no cipher %s', async (_title, name) => {
    expect(await handshake({ maxVersion: 'TLSv1.2', ciphers: `${name}:@SECLEVEL=0` }, withRsa)).toBe('refused');
  });

  it('N15: speaks HTTP/1.1 and nothing else: HTTP/2 is not agreed on', async () => {
    expect(await handshake({ ALPNProtocols: ['h2', 'http/1.1'] })).toMatch(/ http\/1\.1$/);
    expect(await handshake({ ALPNProtocols: ['h2'] })).toBe('refused');
    expect(await handshake({})).toMatch(/ false$/);
  });
});

describe('the edge over TLS', () => {
  it('is the same: a request is answered, a malformed one too, and its connection ends', async () => {
    expect(await served()).toBe(401);
    const wire = Wire.over(await openTls(running.port, { ca }));
    const answer = await wire.send('GET / HTTP/1.1\r\nHost: a\r\nbroken\r\n\r\n').answer();
    expect(answer).toMatchObject({ status: 400, problem: { code: 'INVALID_REQUEST' } });
    await wire.rest();
    expect(wire.closed).toBe(true);
  });

  it.each([
    ['a foreign Host', get('evil.example'), 421],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', 400],
    ['a header section that is too long', `GET / HTTP/1.1\r\na: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 400],
  ])('is the same: %s', async (_title, bytes, status) => {
    const wire = Wire.over(await openTls(running.port, { ca }));
    expect((await wire.send(bytes).answer()).status).toBe(status);
    wire.end();
  });

  it('N17: cuts who sends nothing after the handshake, or a header section that never ends', async () => {
    const timeouts = { ...TIMEOUTS, headersMs: 200, requestMs: 300, checkEveryMs: 50 };
    const impatient = await startEdge({ tls: tls(), timeouts });
    try {
      const silent = Wire.over(await openTls(impatient.port, { ca }));
      const slow = Wire.over(await openTls(impatient.port, { ca }));
      slow.send('GET / HTTP/1.1\r\nHost:');
      expect((await slow.answer()).status).toBe(408);
      await silent.rest();
    } finally {
      await impatient.close();
    }
  });

  it('N17: cuts who never ends its handshake, without a word', async () => {
    const impatient = await startEdge({ tls: tls(), timeouts: { ...TIMEOUTS, headersMs: 200, checkEveryMs: 50 } });
    try {
      const wires = [await Wire.open(impatient.port), await Wire.open(impatient.port)];
      // The beginning of a handshake record that announces more.
      wires[1]?.send(Buffer.from('1603010200010001fc0303', 'hex'));
      expect(await Promise.all(wires.map(async (wire) => await wire.rest()))).toEqual(['', '']);
      expect(impatient.log).toEqual([]);
    } finally {
      await impatient.close();
    }
  });
});

describe('a handshake that fails', () => {
  const HOSTILE: Readonly<Record<string, () => Buffer>> = {
    'plain HTTP': () => Buffer.from(get(running.host, 'X-Note: hello-log')),
    'an HTTP/2 preface': () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    'random bytes': () => randomBytes(2_000),
    'a record of no kind': () => Buffer.from('ff03030004deadbeef', 'hex'),
    'a record that is too long': () => Buffer.concat([Buffer.from('160303ffff', 'hex'), randomBytes(65_535)]),
    'an alert': () => Buffer.from('15030300020228', 'hex'),
    'a client hello that is cut off': () => Buffer.from('160301000501000100', 'hex'),
    nothing: () => Buffer.alloc(0),
  };

  /** What was logged but for the requests of `served`, and the one line a minute that counts. */
  const told = (): readonly string[] =>
    running.log.filter((line) => !/"CREDENTIALS_REQUIRED"|TLS handshakes failed/.test(line));

  /** Sends bytes and nothing more. @returns what came back before the connection was closed */
  async function throwAt(bytes: Buffer): Promise<string> {
    const socket = connect({ port: running.port, host: '127.0.0.1' });
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => (received += text));
    socket.on('error', () => {}).end(bytes);
    await new Promise((resolve) => socket.once('close', resolve));
    return received;
  }

  it.each(Object.entries(HOSTILE))(
    'I19, N18: by %s ends its connection, and has no line of its own',
    async (_title, bytes) => {
      const before = told().length;
      expect(await throwAt(bytes())).not.toContain('HTTP/');
      expect(await served()).toBe(401);
      expect(told().slice(before)).toEqual([]);
    },
  );

  it('I19: 300 times costs nobody else anything', async () => {
    const before = told().length;
    const kinds = Object.values(HOSTILE);
    await Promise.all(Array.from({ length: 300 }, async (_, run) => await throwAt(kinds[run % kinds.length]!())));
    expect(await served()).toBe(401);
    expect(told().slice(before)).toEqual([]);
  });

  it('I19: of a connection that stands already ends it: a record that was tampered with, or is no record', async () => {
    for (const bytes of [Buffer.from('1703030010'.padEnd(42, 'a'), 'hex'), Buffer.from('GET / HTTP/1.1\r\n\r\n')]) {
      const raw = connect({ port: running.port, host: '127.0.0.1' });
      const socket = await openTls(running.port, { ca, tls: { socket: raw } });
      raw.write(bytes);
      expect(await Wire.over(socket).rest()).not.toContain(running.host);
      raw.destroy();
    }
    expect(await served()).toBe(401);
    expect(running.log.filter((line) => /fault|ERR_|SSL/.test(line))).toEqual([]);
  });

  it('I19: by a peer that goes away in the middle of one, or right after it, is no fault', async () => {
    const before = told().length;
    for (let run = 0; run < 20; run += 1) {
      const socket = connect({ port: running.port, host: '127.0.0.1' });
      if (run % 2 === 0) await openTls(running.port, { ca, tls: { socket } });
      else await once(socket, 'connect');
      socket.write(Buffer.from('160301', 'hex'));
      socket.resetAndDestroy();
    }
    expect(await served()).toBe(401);
    expect(told().slice(before)).toEqual([]);
  });
});
