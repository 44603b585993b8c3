import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { Front } from './front.js';
import { type Field, framesOf, type Http2Request, PREFACE } from './http2-frames.js';
import { honest } from './malformed.js';
import { throughProxies } from './proxy.js';

type Made = Omit<Http2Request, 'stream'>;
type Case = readonly [title: string, make: (base: readonly Field[], inner: string) => Made];

const put = (base: readonly Field[], name: string, value: string): readonly Field[] =>
  base.map((field) => (field[0] === name ? ([name, value] as const) : field));
const post = (base: readonly Field[], ...more: readonly Field[]): readonly Field[] => [
  ...put(base, ':method', 'POST'),
  ...more,
];

/** What becomes two requests when a proxy writes it down as HTTP/1.1 without looking (RFC 9113 sections 8.2, 8.3 and 10.3). */
const HIDDEN: readonly Case[] = [
  ['a coding', (base, inner) => ({ fields: post(base, ['transfer-encoding', 'chunked']), body: `0\r\n\r\n${inner}` })],
  [
    'a coding in capitals',
    (base, inner) => ({ fields: post(base, ['Transfer-Encoding', 'chunked']), body: `0\r\n\r\n${inner}` }),
  ],
  ['a length of 0', (base, inner) => ({ fields: post(base, ['content-length', '0']), body: inner })],
  ['a length that is too short', (base, inner) => ({ fields: post(base, ['content-length', '4']), body: inner })],
  ['a length that is too long', (base, inner) => ({ fields: post(base, ['content-length', '400']), body: inner })],
  [
    'two lengths',
    (base, inner) => ({
      fields: post(base, ['content-length', '0'], ['content-length', String(inner.length)]),
      body: inner,
    }),
  ],
  [
    'a length with a sign',
    (base, inner) => ({ fields: post(base, ['content-length', `+${inner.length}`]), body: inner }),
  ],
  ['a length on GET', (base, inner) => ({ fields: [...base, ['content-length', String(inner.length)]], body: inner })],
  ['a body on GET', (base, inner) => ({ fields: base, body: inner })],
  ['no body, but a length', (base) => ({ fields: post(base, ['content-length', '100']) })],
  [
    'the end of the header section in a value',
    (base, inner) => ({ fields: [...base, ['x-note', `a\r\n\r\n${inner}`]] }),
  ],
  [
    'a field in a value',
    (base, inner) => ({ fields: post(base, ['x-note', 'a\r\ntransfer-encoding: chunked']), body: `0\r\n\r\n${inner}` }),
  ],
  ['bare line feeds in a value', (base, inner) => ({ fields: [...base, ['x-note', `a\n\n${inner}`]] })],
  ['bare carriage returns in a value', (base, inner) => ({ fields: [...base, ['x-note', `a\r\r${inner}`]] })],
  ['NUL in a value', (base, inner) => ({ fields: [...base, ['x-note', `a\0\r\n\r\n${inner}`]] })],
  [
    'the end of the header section in a name',
    (base, inner) => ({ fields: [...base, [`x-note: a\r\n\r\n${inner}`, 'a']] }),
  ],
  [
    'a colon in a name',
    (base, inner) => ({ fields: post(base, ['transfer-encoding: chunked', 'a']), body: `0\r\n\r\n${inner}` }),
  ],
  [
    'a space behind a name',
    (base, inner) => ({ fields: post(base, ['transfer-encoding ', 'chunked']), body: `0\r\n\r\n${inner}` }),
  ],
  ['an empty name', (base) => ({ fields: [...base, ['', 'a']] })],
  [
    'a version in the path',
    (base, inner) => ({ fields: put(base, ':path', `/nowhere HTTP/1.1\r\nhost: h\r\n\r\n${inner}`) }),
  ],
  ['a space in the path', (base) => ({ fields: put(base, ':path', '/no where') })],
  ['a line end in the path', (base, inner) => ({ fields: put(base, ':path', `/nowhere\r\n\r\n${inner}`) })],
  ['a fragment in the path', (base) => ({ fields: put(base, ':path', '/nowhere#part') })],
  ['an absolute path', (base) => ({ fields: put(base, ':path', 'https://evil.example/nowhere') })],
  ['a path without a slash', (base) => ({ fields: put(base, ':path', 'nowhere') })],
  ['an empty path', (base) => ({ fields: put(base, ':path', '') })],
  [
    'a request line as the method',
    (base, inner) => ({ fields: put(base, ':method', `GET /nowhere HTTP/1.1\r\nhost: h\r\n\r\n${inner}`) }),
  ],
  ['a space in the method', (base) => ({ fields: put(base, ':method', 'GET /a') })],
  ['a line end in the authority', (base, inner) => ({ fields: put(base, ':authority', `h\r\n\r\n${inner}`) })],
  ['a path in the authority', (base) => ({ fields: put(base, ':authority', 'evil.example/secrets.example') })],
  ['a host beside another authority', (base) => ({ fields: [...base, ['host', 'evil.example']] })],
  [
    'a request in the scheme',
    (base, inner) => ({ fields: put(base, ':scheme', `https://h/nowhere HTTP/1.1\r\n\r\n${inner}`) }),
  ],
  [
    'a field of the connection',
    (base, inner) => ({
      fields: post(base, ['connection', 'transfer-encoding'], ['transfer-encoding', 'chunked']),
      body: `0\r\n\r\n${inner}`,
    }),
  ],
  [
    'an upgrade',
    (base, inner) => ({ fields: [...base, ['connection', 'upgrade'], ['upgrade', 'websocket']], body: inner }),
  ],
  ['two paths', (base) => ({ fields: [...base, [':path', '/api/secrets']] })],
  ['a pseudo-field behind a field', (base) => ({ fields: [['x-note', 'a'], ...base] })],
  ['a pseudo-field that is unknown', (base) => ({ fields: [...base, [':version', '1.1']] })],
  ['no path', (base) => ({ fields: base.filter(([name]) => name !== ':path') })],
  [
    'a coding in trailers',
    (base, inner) => ({ fields: post(base), body: inner, trailers: [['transfer-encoding', 'chunked']] }),
  ],
  [
    'a pseudo-field in trailers',
    (base, inner) => ({ fields: post(base), body: inner, trailers: [[':path', '/nowhere']] }),
  ],
  [
    'the end of a message in trailers',
    (base, inner) => ({ fields: post(base), body: '{}', trailers: [['x-note', `a\r\n\r\n${inner}`]] }),
  ],
];

await throughProxies('HTTP/2 that hides a request', (available) => {
  let front: Front;
  beforeAll(async () => {
    front = await Front.start(available);
  });
  afterAll(async () => await front.close());

  const baseOf = (id: string): readonly Field[] => [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/nowhere'],
    [':authority', front.gateway.host],
    ['x-correlation-id', id],
  ];

  /** Sends frames on a connection of their own; the honest request behind them, or the end of the connection, is waited for. */
  const send = async (frames: Buffer, marker: string): Promise<void> => {
    const socket = await front.connect('h2');
    socket.on('error', () => {});
    socket.resume().write(Buffer.concat([PREFACE, frames, framesOf({ stream: 3, fields: baseOf(marker) })]));
    const until = performance.now() + 5_000;
    while (!socket.closed && !idsOf(front).includes(marker) && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    socket.destroy();
  };

  it('N15: a good request in such frames is served, so that the others can be told from it', async () => {
    await send(framesOf({ stream: 1, fields: baseOf('good') }), 'good-marker');
    expect(idsOf(front)).toEqual(expect.arrayContaining(['good', 'good-marker']));
  });

  it.each(HIDDEN)('N15, N16: %s does not make two requests of one', async (title, make) => {
    const n = HIDDEN.findIndex(([other]) => other === title);
    const inner = honest({ host: front.gateway.host }, `inner${n}`);
    const before = front.served;
    await send(framesOf({ stream: 1, ...make(baseOf(`outer${n}`), inner) }), `marker${n}`);

    // Whoever calls next gets an answer of its own: nothing is left on the connection to the gateway.
    const { headers, status } = await front.ask(honest({ host: front.gateway.host }, `after${n}`));
    expect({ status, id: headers['x-correlation-id'] }).toEqual({ status: 404, id: [`after${n}`] });
    const ids = idsOf(front).slice(before);
    const known = [`outer${n}`, `marker${n}`, `after${n}`];
    expect(ids.filter((id) => !known.includes(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(front.gateway.logLines().filter((line) => /"status":5/.test(line))).toEqual([]);
  });
});

function idsOf({ gateway }: Front): readonly string[] {
  return gateway.logLines().map((line) => (JSON.parse(line) as { correlation_id: string }).correlation_id);
}
