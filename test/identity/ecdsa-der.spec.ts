import { verify } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { derFromRaw } from '#libs/identity/ecdsa-der.js';
import { makeKey, signBytes } from '../support/tokens.js';

const hex = (text: string) => Buffer.from(text, 'hex');

describe('an ECDSA signature in DER', () => {
  it.each([
    ['00'.repeat(64), '3006020100020100'],
    ['00'.repeat(31) + '7f' + '00'.repeat(31) + '80', '300702017f02020080'],
    ['7f' + '00'.repeat(31) + '00'.repeat(30) + '0100', `3026022 07f${'00'.repeat(31)}02020100`.replace(' ', '')],
    ['ff'.repeat(64), `3046022100${'ff'.repeat(32)}022100${'ff'.repeat(32)}`],
  ])('has integers that are positive and as short as can be: %s', (raw, der) => {
    expect(Buffer.from(derFromRaw(hex(raw))).toString('hex')).toBe(der);
  });

  it('says of every signature what the raw form says', () => {
    const key = makeKey('ES256');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(511), (message, bit) => {
        const raw = Buffer.from(signBytes(key, message));
        expect(verify('sha256', message, key.publicKey, derFromRaw(raw))).toBe(true);
        raw[bit >> 3] = raw[bit >> 3]! ^ (1 << (bit & 7));
        const expected = verify('sha256', message, { key: key.publicKey, dsaEncoding: 'ieee-p1363' }, raw);
        expect([verify('sha256', message, key.publicKey, derFromRaw(raw)), expected]).toEqual([false, false]);
      }),
      { numRuns: 500 },
    );
  });

  it('agrees with the raw form on bytes that are no signature', () => {
    const key = makeKey('ES256');
    const part = fc.oneof(
      fc.constant(Buffer.alloc(32)),
      fc.constant(Buffer.alloc(32, 0xff)),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
    );
    fc.assert(
      fc.property(part, part, (r, s) => {
        const raw = Buffer.concat([r, s]);
        expect(verify('sha256', r, key.publicKey, derFromRaw(raw))).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});
