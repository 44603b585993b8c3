import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { type Running, startEdge } from './gateway.js';
import { ask, Wire } from './wire.js';

const VALUE = '/api/secrets/value/yaml%3A%2F%2Fkv%2Fapp';
let gateway: Running;

beforeAll(async () => {
  gateway = await startEdge();
});
afterAll(async () => await gateway.close());

/** A request of one line and the given fields; `Host` is ours unless a field names another. */
function request(line: string, fields: readonly string[] = [], body = ''): string {
  const host = fields.some((field) => /^host:/i.test(field)) ? [] : [`Host: ${gateway.host}`];
  return `${[line, ...host, ...fields].join('\r\n')}\r\n\r\n${body}`;
}

function json(body: string): string[] {
  return ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`];
}

function expectProblem(
  { status, headers, problem }: Awaited<ReturnType<typeof ask>>,
  expectedStatus: number,
  code: string,
): void {
  expect({ status, code: problem['code'] }).toEqual({ status: expectedStatus, code });
  expect(problem['status']).toBe(expectedStatus);
  expect(headers['content-type']).toEqual(['application/problem+json']);
  expect(headers['cache-control']).toEqual(['no-store']);
  expect(headers['x-request-id']).toEqual([problem['request_id']]);
  expect(headers['x-correlation-id']).toEqual([problem['correlation_id']]);
  expect(problem['request_id']).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
  expect(headers).not.toHaveProperty('server');
  expect(headers).not.toHaveProperty('x-powered-by');
}

interface Fault {
  readonly title: string;
  readonly bytes: () => string | Uint8Array;
  readonly status: number;
  readonly code: string;
}

const CLOSING: readonly Fault[] = [
  { title: 'HTTP/1.0', bytes: () => request(`GET ${VALUE} HTTP/1.0`), status: 400, code: 'INVALID_REQUEST' },
  { title: 'HTTP/0.9', bytes: () => `GET ${VALUE}\r\n\r\n`, status: 400, code: 'INVALID_REQUEST' },
  { title: 'a version 2.0', bytes: () => request(`GET ${VALUE} HTTP/2.0`), status: 400, code: 'INVALID_REQUEST' },
  {
    title: 'the HTTP/2 preface',
    bytes: () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    status: 400,
    code: 'INVALID_REQUEST',
  },
  { title: 'no HTTP at all', bytes: () => '\x16\x03\x01\x02\x00\x01\x00', status: 400, code: 'INVALID_REQUEST' },
  {
    title: 'an absolute-form target, even of our own host',
    bytes: () => request(`GET http://${gateway.host}${VALUE} HTTP/1.1`),
    status: 400,
    code: 'INVALID_REQUEST',
  },
  { title: 'an asterisk target', bytes: () => request('OPTIONS * HTTP/1.1'), status: 400, code: 'INVALID_REQUEST' },
  { title: 'a target without slash', bytes: () => request('GET *api HTTP/1.1'), status: 400, code: 'INVALID_REQUEST' },
  {
    title: 'CONNECT',
    bytes: () => request('CONNECT vault.example:443 HTTP/1.1'),
    status: 400,
    code: 'INVALID_REQUEST',
  },
  {
    title: 'a percent sign that starts no escape',
    bytes: () => request('GET /api/secrets/value/%zz HTTP/1.1'),
    status: 400,
    code: 'INVALID_REQUEST',
  },
  {
    title: 'a fragment in the target',
    bytes: () => request(`GET ${VALUE}#key HTTP/1.1`),
    status: 400,
    code: 'INVALID_REQUEST',
  },
  {
    title: 'a backslash in the target',
    bytes: () => request('GET /api\\secrets HTTP/1.1'),
    status: 400,
    code: 'INVALID_REQUEST',
  },
  { title: 'no Host', bytes: () => `GET ${VALUE} HTTP/1.1\r\n\r\n`, status: 400, code: 'INVALID_REQUEST' },
  {
    title: 'an empty Host',
    bytes: () => request(`GET ${VALUE} HTTP/1.1`, ['Host:']),
    status: 400,
    code: 'INVALID_REQUEST',
  },
  {
    title: 'a foreign Host',
    bytes: () => request(`GET ${VALUE} HTTP/1.1`, ['Host: evil.example']),
    status: 421,
    code: 'MISDIRECTED',
  },
  {
    title: 'our host on another port',
    bytes: () => request(`GET ${VALUE} HTTP/1.1`, ['Host: 127.0.0.1:1']),
    status: 421,
    code: 'MISDIRECTED',
  },
  ...[
    ['Authorization', 'DPoP a', 'DPoP b'],
    ['Content-Type', 'application/json', 'application/json'],
    ['X-Access-Reason', 'one', 'two'],
    ['X-Correlation-ID', 'a', 'a'],
    ['traceparent', 'a', 'b'],
  ].map(([name, one, two]) => ({
    title: `${name} twice`,
    bytes: () => request(`GET ${VALUE} HTTP/1.1`, [`${name}: ${one}`, `${name}: ${two}`]),
    status: 400,
    code: 'INVALID_REQUEST',
  })),
  {
    title: 'Host twice',
    bytes: () => request(`GET ${VALUE} HTTP/1.1`, [`Host: ${gateway.host}`, `host: ${gateway.host}`]),
    status: 400,
    code: 'INVALID_REQUEST',
  },
  {
    title: 'Content-Length twice',
    bytes: () => request('POST /api/secrets/value HTTP/1.1', ['Content-Length: 2', 'Content-Length: 2'], '{}'),
    status: 400,
    code: 'INVALID_REQUEST',
  },
  {
    title: 'a length beside chunks',
    bytes: () =>
      request(
        'POST /api/secrets/value HTTP/1.1',
        ['Content-Type: application/json', 'Content-Length: 2', 'Transfer-Encoding: chunked'],
        '2\r\n{}\r\n0\r\n\r\n',
      ),
    status: 400,
    code: 'INVALID_REQUEST',
  },
  {
    title: 'a transfer coding other than chunked',
    bytes: () =>
      request(
        'POST /api/secrets/value HTTP/1.1',
        ['Content-Type: application/json', 'Transfer-Encoding: gzip, chunked'],
        '2\r\n{}\r\n0\r\n\r\n',
      ),
    status: 400,
    code: 'INVALID_REQUEST',
  },
  {
    title: 'a chunk that is none',
    bytes: () =>
      request(
        'POST /api/secrets/value HTTP/1.1',
        ['Content-Type: application/json', 'Transfer-Encoding: chunked'],
        'zz\r\n{}\r\n0\r\n\r\n',
      ),
    status: 400,
    code: 'INVALID_REQUEST',
  },
  {
    title: 'a body on GET',
    bytes: () => request(`GET ${VALUE} HTTP/1.1`, json('{}'), '{}'),
    status: 400,
    code: 'INVALID_REQUEST',
  },
  {
    title: 'Upgrade',
    bytes: () => request(`GET ${VALUE} HTTP/1.1`, ['Connection: Upgrade', 'Upgrade: websocket']),
    status: 400,
    code: 'INVALID_REQUEST',
  },
  {
    title: 'a foreign Expect',
    bytes: () => request(`GET ${VALUE} HTTP/1.1`, ['Expect: 200-ok']),
    status: 417,
    code: 'EXPECTATION_FAILED',
  },
  {
    title: 'a field name with a space before the colon',
    bytes: () => request(`GET ${VALUE} HTTP/1.1`, ['DPoP : x']),
    status: 400,
    code: 'INVALID_REQUEST',
  },
  {
    title: 'a folded field',
    bytes: () => request(`GET ${VALUE} HTTP/1.1`, ['X-Access-Reason: a', ' b']),
    status: 400,
    code: 'INVALID_REQUEST',
  },
  {
    title: 'a bare LF as the end of a line',
    bytes: () => `GET ${VALUE} HTTP/1.1\nHost: ${gateway.host}\n\n`,
    status: 400,
    code: 'INVALID_REQUEST',
  },
  {
    title: 'a NUL in a field',
    bytes: () => request(`GET ${VALUE} HTTP/1.1`, ['X-Access-Reason: a\0b']),
    status: 400,
    code: 'INVALID_REQUEST',
  },
  {
    title: '101 header lines',
    bytes: () =>
      request(
        `GET ${VALUE} HTTP/1.1`,
        Array.from({ length: 100 }, () => 'a: b'),
      ),
    status: 431,
    code: 'HEADERS_TOO_LARGE',
  },
  {
    title: '2,100 header lines, a second DPoP among the last',
    bytes: () => request(`GET ${VALUE} HTTP/1.1`, [...Array.from({ length: 2_099 }, () => 'a:'), 'DPoP: x']),
    status: 431,
    code: 'HEADERS_TOO_LARGE',
  },
  {
    title: 'a header section of more than 16 KiB',
    bytes: () => request(`GET ${VALUE} HTTP/1.1`, [`a: ${'x'.repeat(20_000)}`]),
    status: 431,
    code: 'HEADERS_TOO_LARGE',
  },
  {
    title: 'a target of more than 4,096 characters',
    bytes: () => request(`GET /api/secrets/value?uri=${'a'.repeat(4_100)} HTTP/1.1`),
    status: 414,
    code: 'TARGET_TOO_LONG',
  },
  {
    title: 'a body that is announced as larger than the route takes',
    bytes: () =>
      request('POST /api/secrets/value HTTP/1.1', ['Content-Type: application/json', 'Content-Length: 9000']),
    status: 413,
    code: 'BODY_TOO_LARGE',
  },
  ...[
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=utf-16',
    'application/json; charset=utf-8; x=y',
    'application/jsonp',
    'multipart/form-data; boundary=a',
    'nonsense',
  ].map((type) => ({
    title: `a body of type ${type}`,
    bytes: () => request('POST /api/secrets/value HTTP/1.1', [`Content-Type: ${type}`, 'Content-Length: 2'], '{}'),
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
  })),
  {
    title: 'a body without a type',
    bytes: () => request('POST /api/secrets/value HTTP/1.1', ['Content-Length: 2'], '{}'),
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
  },
  {
    title: 'a body with a content coding',
    bytes: () => request('POST /api/secrets/value HTTP/1.1', [...json('{}'), 'Content-Encoding: gzip'], '{}'),
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
  },
];

describe('refused, and the connection ends', () => {
  it.each(CLOSING)('$title', async ({ bytes, status, code }) => {
    const wire = await Wire.open(gateway.port);
    expectProblem(await wire.send(bytes()).answer(), status, code);
    expect(await wire.rest()).toBe('');
  });

  it('101 lines are counted with Host: 100 are taken', async () => {
    const answer = await ask(
      gateway.port,
      request(
        `GET ${VALUE} HTTP/1.1`,
        Array.from({ length: 99 }, () => 'a: b'),
      ),
    );
    expectProblem(answer, 401, 'CREDENTIALS_REQUIRED');
  });
});

const KEEPING: readonly Fault[] = [
  { title: 'an address that there is not', bytes: () => request('GET /api HTTP/1.1'), status: 404, code: 'NOT_FOUND' },
  ...['/api/secrets/', '/api/secrets/value/', '/api/secrets/read/', `${VALUE}/`, '/API/secrets', '//api/secrets'].map(
    (path) => ({
      title: `the address ${path}`,
      bytes: () => request(`GET ${path} HTTP/1.1`),
      status: 404,
      code: 'NOT_FOUND',
    }),
  ),
  {
    title: 'an address that dot segments would lead to',
    bytes: () => request('GET /x/../api/secrets?uri=a HTTP/1.1'),
    status: 404,
    code: 'NOT_FOUND',
  },
  {
    title: 'a served path whose letters are escaped',
    bytes: () => request('GET /api/%73ecrets/value/a HTTP/1.1'),
    status: 404,
    code: 'NOT_FOUND',
  },
  {
    title: 'escapes that are no UTF-8',
    bytes: () => request('GET /api/secrets/value/%ff HTTP/1.1'),
    status: 400,
    code: 'INVALID_REQUEST',
  },
  {
    title: 'a path segment of more than 3,200 characters',
    bytes: () => request(`GET /api/secrets/value/${'a'.repeat(3_201)} HTTP/1.1`),
    status: 414,
    code: 'TARGET_TOO_LONG',
  },
  {
    title: 'a uri parameter of more than 3,200 characters',
    bytes: () => request(`GET /api/secrets/value?uri=${'a'.repeat(3_201)} HTTP/1.1`),
    status: 414,
    code: 'TARGET_TOO_LONG',
  },
  {
    title: 'POST without a body',
    bytes: () => request('POST /api/secrets/value HTTP/1.1', ['Content-Length: 0']),
    status: 400,
    code: 'INVALID_REQUEST',
  },
];

describe('refused without ending the connection', () => {
  it.each(KEEPING)('$title', async ({ bytes, status, code }) => {
    const wire = await Wire.open(gateway.port);
    expectProblem(await wire.send(bytes()).answer(), status, code);
    expectProblem(await wire.send(request('GET /after HTTP/1.1')).answer(), 404, 'NOT_FOUND');
    wire.end();
  });

  it('a body that only turns out to be too large', async () => {
    const chunk = `2000\r\n${' '.repeat(0x2000)}\r\n`;
    const fields = ['Content-Type: application/json', 'Transfer-Encoding: chunked'];
    const bytes = request('POST /api/secrets/value HTTP/1.1', fields, chunk.repeat(640));
    expectProblem(await ask(gateway.port, bytes), 413, 'BODY_TOO_LARGE');
  });

  it('is told to a peer that sends on for a while before it listens', async () => {
    const wire = await Wire.open(gateway.port);
    wire.socket.pause();
    const piece = ' '.repeat(64 * 1024);
    const fields = ['Content-Type: application/json', `Content-Length: ${piece.length * 10}`];
    wire.send(request('POST /api/secrets/value HTTP/1.1', fields));
    for (let i = 0; i < 9; i += 1) {
      wire.send(piece);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    wire.socket.resume();
    expectProblem(await wire.answer(), 413, 'BODY_TOO_LARGE');
    await wire.rest();
    // A reset would take an answer that was not read yet with it, on some systems.
    expect(wire.failure).toBeUndefined();
  });

  it('the longest encoded secret URI goes through', async () => {
    const uri = '%61'.repeat(1_024);
    expectProblem(
      await ask(gateway.port, request(`GET /api/secrets/value/${uri} HTTP/1.1`)),
      401,
      'CREDENTIALS_REQUIRED',
    );
  });

  it('a body of the largest size is read', async () => {
    const body = `{"uri":"a"}`.padEnd(8_192);
    expectProblem(
      await ask(gateway.port, request('POST /api/secrets/value HTTP/1.1', json(body), body)),
      401,
      'CREDENTIALS_REQUIRED',
    );
  });
});

describe('what the edge leaves to others', () => {
  it('two DPoP lines are a matter of the proof, not of HTTP', async () => {
    const answer = await ask(gateway.port, request(`GET ${VALUE} HTTP/1.1`, ['DPoP: a', 'DPoP: b']));
    expectProblem(answer, 401, 'CREDENTIALS_REQUIRED');
  });
});

describe('what a refusal says', () => {
  it.each([
    ['an absolute-form target', () => request(`GET http://${gateway.host}/ HTTP/1.1`), 'Send the path alone'],
    [
      'a repeated field',
      () => request('GET / HTTP/1.1', ['Authorization: a', 'authorization: b']),
      'authorization once',
    ],
  ])('to %s', async (_title, bytes, words) => {
    expect((await ask(gateway.port, bytes())).problem['detail']).toContain(words);
  });

  it('to a credential that was sent, as an error of OAuth too', async () => {
    const answer = await ask(
      gateway.port,
      request('GET / HTTP/1.1', ['Authorization: DPoP a', 'authorization: DPoP b']),
    );
    const metadata = `http://127.0.0.1:${gateway.port}/.well-known/oauth-protected-resource`;
    expect(answer.headers['www-authenticate']).toEqual([
      `DPoP error="invalid_request", algs="ES256 Ed25519", resource_metadata="${metadata}"`,
    ]);
  });
});

describe('methods', () => {
  it.each(['HEAD', 'OPTIONS', 'TRACE', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'PURGE', 'MKCOL'])(
    '%s on a served address is 405 with Allow, and the line never sees it',
    async (method) => {
      const before = gateway.records.length;
      const bytes = request(`${method} /api/secrets/value HTTP/1.1`);
      const { status, headers } = await ask(gateway.port, bytes, { toHead: method === 'HEAD' });
      expect(status).toBe(405);
      expect(headers['allow']).toEqual(['GET, POST']);
      expect(headers['cache-control']).toEqual(['no-store']);
      expect(gateway.records.length).toBe(before);
    },
  );

  it('a routed method on an address that does not take it is 405 too', async () => {
    const answer = await ask(gateway.port, request(`POST ${VALUE} HTTP/1.1`, json('{}'), '{}'));
    expectProblem(answer, 405, 'METHOD_NOT_ALLOWED');
    expect(answer.headers['allow']).toEqual(['GET']);
  });

  it('HEAD has no body, and the connection goes on', async () => {
    const wire = await Wire.open(gateway.port);
    const head = await wire.send(request(`HEAD ${VALUE} HTTP/1.1`)).answer({ toHead: true });
    expect(head.status).toBe(405);
    expectProblem(await wire.send(request(`GET ${VALUE} HTTP/1.1`)).answer(), 401, 'CREDENTIALS_REQUIRED');
    wire.end();
  });

  it('an override field changes nothing', async () => {
    const answer = await ask(
      gateway.port,
      request(`DELETE ${VALUE} HTTP/1.1`, ['X-HTTP-Method-Override: GET', 'X-Original-URL: /api/secrets']),
    );
    expectProblem(answer, 405, 'METHOD_NOT_ALLOWED');
  });
});

describe('hosts', () => {
  it.each(['localhost', 'LOCALHOST', '[::1]'])('the loopback name %s of the listening port is ours', async (name) => {
    const answer = await ask(gateway.port, request(`GET ${VALUE} HTTP/1.1`, [`Host: ${name}:${gateway.port}`]));
    expectProblem(answer, 401, 'CREDENTIALS_REQUIRED');
  });

  it('outside dev and test only the public origins are ours, the default port spelled or not', async () => {
    const other = await startEdge({ origins: ['https://secrets.example'], localNames: false });
    try {
      const statusOf = async (host: string): Promise<number> =>
        (await ask(other.port, `GET ${VALUE} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status;
      expect(await statusOf('secrets.example')).toBe(401);
      expect(await statusOf('Secrets.Example:443')).toBe(401);
      expect(await statusOf('secrets.example:80')).toBe(421);
      expect(await statusOf('secrets.example.')).toBe(421);
      expect(await statusOf(other.host)).toBe(421);
    } finally {
      await other.close();
    }
  });
});

describe('Expect: 100-continue', () => {
  it('is told to go on only when the request will be read', async () => {
    const wire = await Wire.open(gateway.port);
    const fields = ['Content-Type: application/json', 'Content-Length: 9000', 'Expect: 100-continue'];
    wire.send(request('POST /api/secrets/value HTTP/1.1', fields));
    const text = await wire.rest();
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('is told to go on before a body that is taken', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(request('POST /api/secrets/value HTTP/1.1', [...json('{"uri":"a"}'), 'Expect: 100-continue']));
    await wire.until('100 Continue\r\n\r\n');
    expectProblem(await wire.send('{"uri":"a"}').answer(), 401, 'CREDENTIALS_REQUIRED');
    wire.end();
  });
});

describe('pipelining', () => {
  it('garbage is answered once, however much of it comes', async () => {
    const before = gateway.log.length;
    const wire = await Wire.open(gateway.port);
    for (let i = 0; i < 5; i += 1) {
      wire.send('\0\0\0\0\r\n\r\n');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect((await wire.rest()).match(/HTTP\/1\.1 400/g)).toHaveLength(1);
    expect(gateway.log.length).toBe(before + 1);
  });

  it('answers in order', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(request('GET /one HTTP/1.1') + request(`GET ${VALUE} HTTP/1.1`) + request('PUT /api/secrets HTTP/1.1'));
    expect([(await wire.answer()).status, (await wire.answer()).status, (await wire.answer()).status]).toEqual([
      404, 401, 405,
    ]);
    wire.end();
  });

  it('serves nothing behind a request that ended the connection', async () => {
    const before = gateway.records.length;
    const wire = await Wire.open(gateway.port);
    wire.send(request(`GET ${VALUE} HTTP/1.1`, ['Host: evil.example']) + request(`GET ${VALUE} HTTP/1.1`).repeat(5));
    expectProblem(await wire.answer(), 421, 'MISDIRECTED');
    expect(await wire.rest()).toBe('');
    expect(gateway.records.length).toBe(before);
  });

  it('answers a whole request before bytes that are none, and then hangs up', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(`${request(`GET ${VALUE} HTTP/1.1`)}\0\0\0\0`);
    expectProblem(await wire.answer(), 401, 'CREDENTIALS_REQUIRED');
    expect(await wire.rest()).toBe('');
  });
});
