import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { Wire } from '../http/wire.js';
import { type Attack, type Expected, expectNothingTold, expectProblem, Target } from '../support/attack.js';
import { APP, type Gateway } from '../support/gateway.js';

let target: Target;
let gateway: Gateway;
beforeAll(async () => {
  target = await Target.start();
  ({ gateway } = target);
});
afterAll(async () => await target.close());

const VALUE = '/api/secrets/value';
const BODY = '{"uri":"yaml://kv/app/api#token"}';

const METHODS: readonly (readonly [string, string, Expected])[] = [
  ...[
    'HEAD',
    'OPTIONS',
    'PUT',
    'PATCH',
    'DELETE',
    'TRACE',
    'PROPFIND',
    'MKCOL',
    'LOCK',
    'SEARCH',
    'PURGE',
    'REPORT',
    'QUERY',
    'LINK',
    'SOURCE',
    'M-SEARCH',
  ].flatMap((method) =>
    [APP, VALUE, '/api/secrets', APP.replace('/value/', '/read/')].map(
      (path) => [method, path, '405 METHOD_NOT_ALLOWED'] as const,
    ),
  ),
  ['POST', APP, '405 METHOD_NOT_ALLOWED'],
  ['POST', '/api/secrets', '405 METHOD_NOT_ALLOWED'],
  ['POST', APP.replace('/value/', '/read/'), '405 METHOD_NOT_ALLOWED'],
  ...['get', 'Get', 'GETT', 'G', 'FOO', 'DEBUG', 'TRACK', 'PRI', '*', 'GET\t', 'GE\u0000T'].map(
    (method) => [method, APP, '400 INVALID_REQUEST'] as const,
  ),
  ['CONNECT', 'vault.internal:8200', '400 INVALID_REQUEST'],
  ['OPTIONS', '*', '400 INVALID_REQUEST'],
  ...[
    '/',
    '/api',
    '/api/',
    '/api/secrets/',
    '/admin',
    '/metrics',
    '/livez',
    '/openapi.json',
    '/docs',
    '/v1/sys/seal',
    '/.env',
    '/.git/config',
    '/favicon.ico',
    '/api/secrets/value/a/b',
    '/api/grants',
    '/access/v1/evaluation',
    '/debug/pprof',
  ].flatMap((path) => ['GET', 'POST'].map((method) => [method, path, '404 NOT_FOUND'] as const)),
];

describe('T15, I43: a method or an address that there is not', () => {
  it.each(METHODS)('%s %s', async (method, path, refused) => {
    const sends: Attack['sends'] = async () => {
      const token = gateway.mint();
      const fields = [`Authorization: DPoP ${token}`, `DPoP: ${gateway.prove({ token, method, path })}`];
      const wire = await Wire.open(gateway.port);
      wire.send(gateway.request({ method, target: path, fields }));
      const toHead = method === 'HEAD';
      const answer = await wire.answer({ toHead });
      wire.end();
      return toHead ? { ...answer, problem: headProblem(answer.headers) } : answer;
    };
    const answer = await target.refuses({ title: '', sends, refused, check: null });
    if (refused.startsWith('405')) expect(answer.headers['allow']?.[0]).toMatch(/^(GET|POST|GET, POST)$/);
  });

  it('D9, T15: a HEAD takes no use of the grant', async () => {
    const uses = async (): Promise<number> =>
      ((await gateway.read(APP)).problem['grant'] as { uses_left: number }).uses_left;
    const before = await uses();
    for (let times = 0; times < 3; times += 1) {
      const token = gateway.mint();
      const fields = [`Authorization: DPoP ${token}`, `DPoP: ${gateway.prove({ token, method: 'GET' })}`];
      const wire = await Wire.open(gateway.port);
      expect(
        (await wire.send(gateway.request({ method: 'HEAD', target: APP, fields })).answer({ toHead: true })).status,
      ).toBe(405);
      wire.end();
    }
    expect(await uses()).toBe(before - 1);
  });
});

/** The same problem as a GET would be told: a HEAD has its headers alone. */
function headProblem(headers: Readonly<Record<string, readonly string[]>>): Record<string, unknown> {
  return {
    type: 'urn:postern:problem:method-not-allowed',
    title: 'This address does not take this method',
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
    request_id: headers['x-request-id']?.[0],
    correlation_id: headers['x-correlation-id']?.[0],
  };
}

/** Raw bytes with `%HOST%`, `%AUTH%` (good credentials for GET of the path `APP`) and `%POST%` (for POST of `/value`) in them. */
const RAW: readonly (readonly [string, string, Expected])[] = [
  ['T24: a line without version', `GET ${APP}\r\n\r\n`, '400 INVALID_REQUEST'],
  ['T24: a line without version, with headers', `GET ${APP}\r\nHost: %HOST%\r\n%AUTH%\r\n\r\n`, '400 INVALID_REQUEST'],
  ['T24: HTTP/0.9', `GET ${APP} HTTP/0.9\r\nHost: %HOST%\r\n%AUTH%\r\n\r\n`, '400 INVALID_REQUEST'],
  ['T24: HTTP/1.0', `GET ${APP} HTTP/1.0\r\nHost: %HOST%\r\n%AUTH%\r\n\r\n`, '400 INVALID_REQUEST'],
  ['T24: HTTP/1.2', `GET ${APP} HTTP/1.2\r\nHost: %HOST%\r\n%AUTH%\r\n\r\n`, '400 INVALID_REQUEST'],
  ['T24: HTTP/2.0', `GET ${APP} HTTP/2.0\r\nHost: %HOST%\r\n%AUTH%\r\n\r\n`, '400 INVALID_REQUEST'],
  ['T24, N15: the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '400 INVALID_REQUEST'],
  [
    'N15: an upgrade to h2c',
    `GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\n%AUTH%\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
    '400 INVALID_REQUEST',
  ],
  [
    'N15: an upgrade to websocket',
    `GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\n%AUTH%\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    '400 INVALID_REQUEST',
  ],
  ['T24: the first bytes of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', '400 INVALID_REQUEST'],
  ['T24: no Host', `GET ${APP} HTTP/1.1\r\n%AUTH%\r\n\r\n`, '400 INVALID_REQUEST'],
  [
    'N16: a space before the colon',
    `GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\nAuthorization : DPoP a\r\n\r\n`,
    '400 INVALID_REQUEST',
  ],
  ['N16: a folded line', `GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\nX: a\r\n b\r\n\r\n`, '400 INVALID_REQUEST'],
  ['N16: a line without colon', `GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\nX\r\n\r\n`, '400 INVALID_REQUEST'],
  ['N16: line feeds alone', `GET ${APP} HTTP/1.1\nHost: %HOST%\n\n`, '400 INVALID_REQUEST'],
  ['N16: a return alone', `GET ${APP} HTTP/1.1\r\nHost: %HOST%\rX: a\r\n\r\n`, '400 INVALID_REQUEST'],
  ['N16: a field without name', `GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\n: a\r\n\r\n`, '400 INVALID_REQUEST'],
  [
    'N16: a field name beyond ASCII',
    `GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\nX\u00e9: a\r\n\r\n`,
    '400 INVALID_REQUEST',
  ],
  ['N16: a tab in the request line', `GET\t${APP} HTTP/1.1\r\nHost: %HOST%\r\n\r\n`, '400 INVALID_REQUEST'],
  [
    'N16: Content-Length twice, alike',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nContent-Length: ${BODY.length}\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
    '400 INVALID_REQUEST',
  ],
  [
    'N16: Content-Length twice, unlike',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nContent-Length: 1\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
    '400 INVALID_REQUEST',
  ],
  [
    'N16: Content-Length as a list',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nContent-Length: ${BODY.length}, ${BODY.length}\r\n\r\n${BODY}`,
    '400 INVALID_REQUEST',
  ],
  [
    'N16: a negative length',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nContent-Length: -1\r\n\r\n${BODY}`,
    '400 INVALID_REQUEST',
  ],
  [
    'N16: a length with a sign',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nContent-Length: +${BODY.length}\r\n\r\n${BODY}`,
    '400 INVALID_REQUEST',
  ],
  [
    'N16: a length in hex',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nContent-Length: 0x21\r\n\r\n${BODY}`,
    '400 INVALID_REQUEST',
  ],
  [
    'N16: an empty length',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nContent-Length:\r\n\r\n${BODY}`,
    '400 INVALID_REQUEST',
  ],
  [
    'N16: a length beyond what a number holds',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nContent-Length: 99999999999999999999\r\n\r\n${BODY}`,
    '400 INVALID_REQUEST',
  ],
  [
    'N16: length and chunks',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    '400 INVALID_REQUEST',
  ],
  [
    'N16: chunks and length',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    '400 INVALID_REQUEST',
  ],
  ...[
    'gzip, chunked',
    'chunked, gzip',
    'chunked, chunked',
    'identity',
    'xchunked',
    'chunked;q=1',
    '"chunked"',
    '\u000bchunked',
    'chunked\u00a0',
  ].map((coding): readonly [string, string, Expected] => [
    `N16: Transfer-Encoding: ${JSON.stringify(coding)}`,
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nTransfer-Encoding: ${coding}\r\n\r\n21\r\n${BODY}\r\n0\r\n\r\n`,
    '400 INVALID_REQUEST',
  ]),
  [
    'N16: Transfer-Encoding twice',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    '400 INVALID_REQUEST',
  ],
  [
    'N16: a chunk size that is none',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n${BODY}\r\n0\r\n\r\n`,
    '400 INVALID_REQUEST',
  ],
  [
    'N16: a negative chunk size',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n${BODY}\r\n0\r\n\r\n`,
    '400 INVALID_REQUEST',
  ],
  [
    'N16: a chunk size beyond what a number holds',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n${BODY}\r\n0\r\n\r\n`,
    '400 INVALID_REQUEST',
  ],
  [
    'N16: a chunk that is longer than it says',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n${BODY}\r\n0\r\n\r\n`,
    '400 INVALID_REQUEST',
  ],
  [
    'N16: a body on GET',
    `GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\n%AUTH%\r\nContent-Length: 2\r\n\r\n{}`,
    '400 INVALID_REQUEST',
  ],
  [
    'N16: chunks on GET',
    `GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\n%AUTH%\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    '400 INVALID_REQUEST',
  ],
  [
    'N17: an Expect that is not known',
    `GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\n%AUTH%\r\nExpect: 200-maybe\r\n\r\n`,
    '417 EXPECTATION_FAILED',
  ],
  [
    'N13: a target of 5,000 characters',
    `GET ${VALUE}?uri=${'a'.repeat(5_000)} HTTP/1.1\r\nHost: %HOST%\r\n\r\n`,
    '414 TARGET_TOO_LONG',
  ],
  [
    'N13: a target of 100,000 characters',
    `GET ${VALUE}?uri=${'a'.repeat(100_000)} HTTP/1.1\r\nHost: %HOST%\r\n\r\n`,
    '431 HEADERS_TOO_LARGE',
  ],
  [
    'N13: a header line of 100,000 characters',
    `GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`,
    '431 HEADERS_TOO_LARGE',
  ],
  [
    'N13: a header name of 100,000 characters',
    `GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\n${'a'.repeat(100_000)}: a\r\n\r\n`,
    '431 HEADERS_TOO_LARGE',
  ],
  [
    'N13: a method of 100,000 characters',
    `${'A'.repeat(100_000)} ${APP} HTTP/1.1\r\nHost: %HOST%\r\n\r\n`,
    '400 INVALID_REQUEST',
  ],
  [
    'N13: a body that is announced with 5 MB',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nContent-Length: 5000000\r\n\r\n`,
    '413 BODY_TOO_LARGE',
  ],
  [
    'N13: chunks of more than 8 KiB',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nTransfer-Encoding: chunked\r\n\r\n${`1000\r\n${'a'.repeat(4_096)}\r\n`.repeat(3)}0\r\n\r\n`,
    '413 BODY_TOO_LARGE',
  ],
  [
    'N13: chunk extensions of 100,000 characters',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nTransfer-Encoding: chunked\r\n\r\n1;${'a'.repeat(100_000)}\r\na\r\n0\r\n\r\n`,
    '413 BODY_TOO_LARGE',
  ],
  [
    'N13: a gzip bomb',
    `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n${'\x1f'.repeat(20)}`,
    '415 UNSUPPORTED_MEDIA_TYPE',
  ],
];

function filled(text: string): Buffer {
  const credentials = (method: string, path: string): string => {
    const token = gateway.mint();
    return `Authorization: DPoP ${token}\r\nDPoP: ${gateway.prove({ token, method, path })}`;
  };
  return Buffer.from(
    text
      .replace('%HOST%', gateway.host)
      .replace('%AUTH%', () => credentials('GET', APP))
      .replace('%POST%', () => `${credentials('POST', VALUE)}\r\nContent-Type: application/json`),
    'latin1',
  );
}

describe('T24, N13, N16: bytes that are nearly a request', () => {
  it.each(RAW)('%s', async (title, text, refused) => {
    const began = performance.now();
    await target.refuses({ title, sends: async () => await gateway.send(filled(text)), refused, check: null });
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it('the same bytes without the fault are served', async () => {
    expect((await gateway.send(filled(`GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\n%AUTH%\r\n\r\n`))).status).toBe(200);
    const chunked = `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nTransfer-Encoding: chunked\r\n\r\n${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
    expect((await gateway.send(filled(chunked))).status).toBe(200);
  });

  it('N16: two spaces in the request line count as one (RFC 9112 section 3), and open nothing', async () => {
    expectProblem(
      await gateway.send(filled(`GET  ${APP} HTTP/1.1\r\nHost: %HOST%\r\n\r\n`)),
      '401 CREDENTIALS_REQUIRED',
    );
    const stretched = `GET  ${APP} HTTP/1.1\r\nHost: %HOST%\r\n%AUTH%\r\n\r\n`;
    expect((await gateway.send(filled(stretched))).status).toBe(200);
  });

  it('N13: a body of 5 MB is cut off, whether announced or not, and another caller is served meanwhile', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(filled(`POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nTransfer-Encoding: chunked\r\n\r\n`));
    for (let chunks = 0; chunks < 5; chunks += 1) wire.send(`100000\r\n${'a'.repeat(0x100000)}\r\n`);
    expect((await gateway.read(APP)).status).toBe(200);
    expectProblem(await wire.answer(), '413 BODY_TOO_LARGE');
    wire.end();
  });
});

describe('N16: requests behind one another', () => {
  it('are answered in order, each judged alone', async () => {
    const wire = await Wire.open(gateway.port);
    const none = `GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\n\r\n`;
    const good = `GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\n%AUTH%\r\n\r\n`;
    wire.send(Buffer.concat([none, good, none, good].map(filled)));
    const statuses = [];
    for (let answers = 0; answers < 4; answers += 1) statuses.push((await wire.answer()).status);
    expect(statuses).toEqual([401, 200, 401, 200]);
    wire.end();
  });

  it('end with a malformed one: what follows is not served, since it may not be where it seems', async () => {
    const wire = await Wire.open(gateway.port);
    const before = gateway.storedKeys();
    const bad = `GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\nContent-Length: 5\r\n\r\n`;
    const smuggled = `GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\n%AUTH%\r\n\r\n`;
    wire.send(Buffer.concat([filled(bad), filled(smuggled)]));
    expectProblem(await wire.answer(), '400 INVALID_REQUEST');
    expect(await wire.rest()).toBe('');
    expect(gateway.storedKeys()).toBe(before);
  });

  it('end with one for a foreign host: the good one right behind it is not served, and takes no use', async () => {
    const wire = await Wire.open(gateway.port);
    const before = gateway.storedKeys();
    const foreign = `GET ${APP} HTTP/1.1\r\nHost: evil.example\r\n\r\n`;
    const behind = `GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\n%AUTH%\r\n\r\n`;
    wire.send(Buffer.concat([filled(foreign), filled(behind)]));
    expectProblem(await wire.answer(), '421 MISDIRECTED');
    expect(await wire.rest()).toBe('');
    expect(gateway.storedKeys()).toBe(before);
  });

  it('inside a body are a body', async () => {
    const wire = await Wire.open(gateway.port);
    const smuggled = filled(`GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\n%AUTH%\r\n\r\n`).toString('latin1');
    const head = `POST ${VALUE} HTTP/1.1\r\nHost: %HOST%\r\n%POST%\r\nContent-Length: ${smuggled.length}\r\nConnection: close\r\n\r\n`;
    const before = gateway.storedKeys();
    wire.send(Buffer.concat([filled(head), Buffer.from(smuggled, 'latin1')]));
    expectProblem(await wire.answer(), '400 INVALID_REQUEST');
    expect(await wire.rest()).toBe('');
    expect(gateway.storedKeys()).toBe(before);
  });

  it('of one caller never see the identity of another on the same connection', async () => {
    const wire = await Wire.open(gateway.port);
    expect((await wire.send(filled(`GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\n%AUTH%\r\n\r\n`)).answer()).status).toBe(
      200,
    );
    expectProblem(
      await wire.send(filled(`GET ${APP} HTTP/1.1\r\nHost: %HOST%\r\n\r\n`)).answer(),
      '401 CREDENTIALS_REQUIRED',
    );
    wire.end();
  });
});

it('N18, N20: none of all this stands in a log or a record', async () =>
  await expectNothingTold(gateway, ['etc/passwd', 'vault.internal', 'PROPFIND']));
