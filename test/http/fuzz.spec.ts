import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { type Running, startEdge } from './gateway.js';
import { Wire } from './wire.js';

/** The statuses that bytes of an attacker may lead to (spec, Security, I19). */
const THEIRS = new Set([400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 417, 421, 429, 431]);

let gateway: Running;

beforeAll(async () => {
  gateway = await startEdge({
    timeouts: { headersMs: 150, requestMs: 150, keepAliveMs: 150, idleMs: 2_000, checkEveryMs: 20 },
  });
});
afterAll(async () => await gateway.close());

const METHODS = ['GET', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE', 'CONNECT', 'PRI', 'get', ''];
const PATHS = [
  '/api/secrets',
  '/api/secrets/value',
  '/api/secrets/value/a',
  '/api/secrets/read/a',
  '/',
  '*',
  'http://a/',
];
const FIELDS = [
  'Host',
  'Authorization',
  'DPoP',
  'Content-Type',
  'Content-Length',
  'Transfer-Encoding',
  'Content-Encoding',
  'Expect',
  'Upgrade',
  'Connection',
  'X-Access-Reason',
  'X-Correlation-ID',
  'X-Request-ID',
  'traceparent',
  'X-Forwarded-For',
  '__proto__',
  'constructor',
];
const VALUES = [
  'application/json',
  'chunked',
  '0',
  '2',
  '99999999999999999999',
  '-1',
  'close',
  '100-continue',
  'h2c',
  'DPoP a.b.c',
  'Bearer x',
];

const junk = fc.string({ unit: 'binary-ascii', maxLength: 30 });
const value = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...VALUES) }, { weight: 1, arbitrary: junk });
const target = fc
  .tuple(fc.constantFrom(...PATHS), fc.oneof(fc.constant(''), fc.constant('?uri=a'), junk))
  .map(([path, rest]) => path + rest);

/** Nearly a request: mostly well framed, with our Host or without, and a body that may or may not be what was announced. */
const request = fc
  .record({
    method: fc.constantFrom(...METHODS),
    target,
    version: fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTPS/1.1', ''),
    ours: fc.boolean(),
    fields: fc.array(fc.tuple(fc.constantFrom(...FIELDS), value), { maxLength: 5 }),
    body: fc.oneof(fc.constantFrom('', '{}', '{"uri":"a"}', '2\r\n{}\r\n0\r\n\r\n'), junk),
  })
  .map(({ method, target: asked, version, ours, fields, body }) => {
    const lines = [...(ours ? [['Host', gateway.host]] : []), ...fields].map(([name, text]) => `${name}: ${text}`);
    return `${[`${method} ${asked} ${version}`, ...lines].join('\r\n')}\r\n\r\n${body}`;
  });

/** Every status line that came back until the connection ended. */
async function statusesOf(bytes: string): Promise<number[]> {
  const wire = await Wire.open(gateway.port);
  wire.send(Buffer.from(bytes, 'latin1'));
  const text = await wire.rest();
  return [...text.matchAll(/HTTP\/1\.1 ([0-9]{3})/g)].map(([, status]) => Number(status));
}

async function expectNoHarm(batch: readonly string[]): Promise<void> {
  const answers = await Promise.all(batch.map(statusesOf));
  for (const [i, statuses] of answers.entries()) {
    const strange = statuses.filter((status) => status !== 100 && !THEIRS.has(status));
    expect({ bytes: batch[i], strange }).toEqual({ bytes: batch[i], strange: [] });
  }
}

describe('bytes from outside', () => {
  it('never lead to a 5xx, to a 2xx without a token, or to a connection that stays', async () => {
    await fc.assert(fc.asyncProperty(fc.array(request, { minLength: 100, maxLength: 120 }), expectNoHarm), {
      numRuns: 8,
    });
  });

  it('that are no request at all neither', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'binary-ascii', maxLength: 200, size: 'max' }), { minLength: 50, maxLength: 60 }),
        expectNoHarm,
      ),
      { numRuns: 8 },
    );
  });

  it('leave one JSON object a line in the log, and no fault in it', () => {
    expect(gateway.log.length).toBeGreaterThan(0);
    for (const line of gateway.log) {
      expect(line).toMatch(/^[^\n]+\n$/);
      expect(JSON.parse(line)).toMatchObject({ msg: 'answered' });
    }
  });
});
