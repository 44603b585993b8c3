import { createHmac, randomBytes } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import { refsOf, type Salts } from '#libs/audit/resource-ref.js';
import { parseSecretUri, type SecretUri } from '#libs/kernel/secret-uri.js';

const [OLD, NEW, OTHER] = [randomBytes(32), randomBytes(32), randomBytes(48)];
const SALTS: Salts = new Map([
  [
    't1',
    [
      { id: '1', key: OLD },
      { id: '2', key: NEW },
    ],
  ],
  ['t2', [{ id: '1', key: OTHER }]],
]);

const parse = (text: string): SecretUri =>
  parseSecretUri(text, new Map([['openbao', { name: 'openbao', engine: 'kv2' }]]));
const KEYED = parse('openbao+kv2://secret/app/api?version=3#token');

const hmac = (key: Uint8Array, text: string): string => createHmac('sha256', key).update(text).digest('base64url');

describe('the refs of a secret', () => {
  const refs = refsOf(SALTS);

  it('are keyed hashes over tenant and canonical URI without version, under the newest salt', () => {
    expect(refs.resourceRef('t1', KEYED)).toBe(`2.${hmac(NEW, 't1\0openbao+kv2://secret/app/api#token')}`);
    expect(refs.pathRef('t1', KEYED)).toBe(`2.${hmac(NEW, 't1\0openbao+kv2://secret/app/api')}`);
  });

  it('use the oldest salt for quotas, since a new one would refill them', () => {
    expect(refs.quotaRef('t1', KEYED)).toBe(`1.${hmac(OLD, 't1\0openbao+kv2://secret/app/api#token')}`);
  });

  it('are found again under every salt, newest first', () => {
    expect(refs.allRefs('t1', KEYED)).toEqual([refs.resourceRef('t1', KEYED), refs.quotaRef('t1', KEYED)]);
  });

  it('are one for all versions and spellings, another for another key, and for the whole map that of its path', () => {
    const whole = parse('openbao://secret/app/api');
    expect(refs.resourceRef('t1', parse('openbao://secret/app/api#token'))).toBe(refs.resourceRef('t1', KEYED));
    expect(refs.resourceRef('t1', parse('openbao://secret/app/api#other'))).not.toBe(refs.resourceRef('t1', KEYED));
    expect(refs.resourceRef('t1', whole)).toBe(refs.pathRef('t1', KEYED));
  });

  it('differ between tenants, even under one key', () => {
    const shared = refsOf(
      new Map([
        ['a', [{ id: '1', key: OLD }]],
        ['b', [{ id: '1', key: OLD }]],
      ]),
    );
    expect(shared.resourceRef('a', KEYED)).not.toBe(shared.resourceRef('b', KEYED));
    expect(refs.resourceRef('t2', KEYED).slice(2)).not.toBe(refs.quotaRef('t1', KEYED).slice(2));
  });

  it('hash a request by its parts, not by their concatenation, and never to a ref', () => {
    const hashes = [['ab', 'c'], ['a', 'bc'], ['abc'], [], ['openbao+kv2://secret/app/api']].map((parts) =>
      refs.requestHash('t1', parts),
    );
    expect(new Set([...hashes, refs.pathRef('t1', KEYED)]).size).toBe(6);
    expect(hashes[0]).toBe(`2.${hmac(NEW, 't1\0\0request\0["ab","c"]')}`);
  });

  it('are not made for a tenant without a salt', () => {
    expect(() => refs.resourceRef('t3', KEYED)).toThrow('no salt');
    expect(refs.allRefs('t3', KEYED)).toEqual([]);
  });

  it.each([
    ['without a salt', [], 'no salt'],
    ['with a short salt', [{ id: '1', key: randomBytes(31) }], 'fewer than 32 bytes'],
    ['with a dot in an id', [{ id: '1.2', key: OLD }], 'id is not'],
    [
      'with two salts of one id',
      [
        { id: '1', key: OLD },
        { id: '1', key: NEW },
      ],
      'two salts of one id',
    ],
  ])('are not configured for a tenant %s', (_, salts, why) => {
    expect(() => refsOf(new Map([['t', salts]]))).toThrow(why);
  });
});
