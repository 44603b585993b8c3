import { expect } from '@jest/globals';

import type { WireAnswer } from '../http/wire.js';

/** What callers act on: all of it must come through a proxy as the gateway gave it. */
const FIELDS = [
  'allow',
  'cache-control',
  'content-type',
  'dpop-nonce',
  'postern-receipt',
  'retry-after',
  'www-authenticate',
  'x-content-type-options',
  'x-correlation-id',
  'x-request-id',
];

/** Two answers to the same request are the same to a caller, but for what is new in each. */
export function expectSame(proxied: WireAnswer, direct: WireAnswer): void {
  expect(telling(proxied)).toEqual(telling(direct));
}

function telling({ status, headers, body, problem }: WireAnswer): unknown {
  const fields = FIELDS.flatMap((name) => (headers[name] ?? []).map((value) => `${name}: ${value}`));
  const fresh = ['x-request-id', 'x-correlation-id', 'postern-receipt'].flatMap((name) => headers[name] ?? []);
  const masked = (text: string): string => fresh.reduce((left, id) => left.replaceAll(id, 'fresh'), text);
  return { status, fields: fields.map(masked), body: masked(body), members: Object.keys(problem) };
}

/** What a proxy itself refuses: a problem of no type of ours (RFC 9457 section 4.2.1), so that nobody takes it for the gateway's word. */
export function expectOfProxy({ status, headers, problem }: WireAnswer, expected: number): void {
  expect(status).toBe(expected);
  expect(problem).toEqual({ type: 'about:blank', title: expect.stringMatching(/^[A-Z]/), status: expected });
  expect(headers).toMatchObject({ 'content-type': ['application/problem+json'], 'cache-control': ['no-store'] });
  expect(headers['x-request-id']).toBeUndefined();
}
