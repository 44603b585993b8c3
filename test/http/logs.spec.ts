import { Writable } from 'node:stream';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { Refusal } from '#libs/kernel/refusal.js';
import { createLog } from '#src/telemetry/logger.js';
import { nestLogger } from '#src/telemetry/nest-logger.js';

import { type Running, startEdge } from './gateway.js';
import { ask } from './wire.js';

let gateway: Running;

beforeAll(async () => {
  gateway = await startEdge();
});
afterAll(async () => await gateway.close());

/** What an attacker would put anywhere: line ends, quotes, an escape sequence, Unicode line breaks in UTF-8. */
const HOSTILE = 'canary"\\{}\u001b[31m\u0085\u00e2\u0080\u00a8%0a%0d';

function parsed(lines: readonly string[]): Record<string, unknown>[] {
  return lines.map((line) => {
    expect(line.endsWith('\n')).toBe(true);
    expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
    return JSON.parse(line) as Record<string, unknown>;
  });
}

describe('the access log', () => {
  it('has one JSON object a line, with these members and no other', async () => {
    const before = gateway.log.length;
    await ask(
      gateway.port,
      `GET /api/secrets/value/a HTTP/1.1\r\nHost: ${gateway.host}\r\nX-Correlation-ID: c-7\r\n\r\n`,
    );
    const [line, ...more] = parsed(gateway.log.slice(before));
    expect(more).toEqual([]);
    expect(line).toMatchObject({
      level: 'info',
      route: 'GET /api/secrets/value/{uri}',
      correlation_id: 'c-7',
      status: 401,
      code: 'CREDENTIALS_REQUIRED',
    });
    expect(Object.keys(line!).sort()).toEqual(
      ['code', 'correlation_id', 'level', 'ms', 'msg', 'request_id', 'route', 'status', 'time'].sort(),
    );
  });

  it('never holds what came from outside', async () => {
    const before = gateway.log.length;
    const bytes = [
      `GET /canary HTTP/1.1\r\nHost: ${gateway.host}\r\n\r\n`,
      `GET /api/secrets/value/canary HTTP/1.1\r\nHost: ${gateway.host}\r\nUser-Agent: ${HOSTILE}\r\nX-Request-ID: ${HOSTILE}\r\nAuthorization: DPoP ${HOSTILE}\r\nDPoP: ${HOSTILE}\r\nX-Access-Reason: canary\r\ntraceparent: ${HOSTILE}\r\n\r\n`,
      `GET /api/secrets/value?uri=canary HTTP/1.1\r\nHost: ${HOSTILE}\r\n\r\n`,
      `POST /api/secrets/value HTTP/1.1\r\nHost: ${gateway.host}\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"uri":"canary"}`,
      `POST /api/secrets/value HTTP/1.1\r\nHost: ${gateway.host}\r\nContent-Type: canary\r\nContent-Length: 6\r\n\r\ncanary`,
      `CANARY / HTTP/1.1\r\nHost: ${gateway.host}\r\n\r\n`,
      `\r\ncanary\r\n\r\n`,
    ];
    for (const each of bytes) await ask(gateway.port, Buffer.from(each, 'latin1'));
    const lines = gateway.log.slice(before);
    expect(parsed(lines)).toHaveLength(bytes.length);
    expect(lines.join('')).not.toMatch(/canary/i);
  });
});

describe('a fault', () => {
  function logged(write: (log: ReturnType<typeof createLog>) => void): Record<string, unknown> {
    const lines: string[] = [];
    write(createLog({ stream: { write: (line: string) => void lines.push(line) } }));
    const [line, ...more] = parsed(lines);
    expect(more).toEqual([]);
    return line!;
  }
  const ids = { requestId: 'r', correlationId: 'c' };

  it('names the code, the check, and the place of a foreign error, never its message', () => {
    const cause = new TypeError('canary\nat canary');
    const line = logged((log) => log.fault(ids, new Refusal('INTERNAL', { check: 'defect', cause })));
    expect(line).toMatchObject({ level: 'error', request_id: 'r', code: 'INTERNAL', check: 'defect' });
    expect(line['cause']).toMatchObject({ name: 'TypeError' });
    expect(JSON.stringify(line)).toContain('logs.spec');
    expect(JSON.stringify(line)).not.toContain('canary');
  });

  it('needs no cause', () => {
    expect(logged((log) => log.fault(ids, new Refusal('UNAVAILABLE', { check: 'store late' })))).toMatchObject({
      code: 'UNAVAILABLE',
      check: 'store late',
    });
  });

  it('of the framework is one line, and its chatter none', () => {
    const line = logged((log) => {
      const nest = nestLogger(log);
      nest.log('Mapped route');
      nest.error('one\ntwo\u2028three');
    });
    expect(line).toMatchObject({ level: 'error', msg: 'framework: one two three' });
  });
});

describe('the log', () => {
  it('is written out on demand', () => {
    let flushed = 0;
    const stream = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), {
      flushSync: () => void (flushed += 1),
    });
    createLog({ stream }).flush();
    expect(flushed).toBe(1);
  });
});
