import { describe, expect, it } from '@jest/globals';

import { hmacSha256, sha256 } from '#libs/kernel/digest.js';

const hex = (digest: string): string => Buffer.from(digest, 'base64url').toString('hex');
const bytes = (value: number, count: number): Uint8Array => new Uint8Array(count).fill(value);

describe('SHA-256', () => {
  it.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ])('of %j is the published one, for text and for bytes', (text, digest) => {
    expect(hex(sha256(text))).toBe(digest);
    expect(sha256(new TextEncoder().encode(text))).toBe(sha256(text));
  });

  it('is written in base64url without padding, and takes text as UTF-8', () => {
    expect(sha256('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
    expect(sha256('\u20ac')).toBe(sha256(Uint8Array.of(0xe2, 0x82, 0xac)));
  });
});

describe('HMAC-SHA-256', () => {
  const long = 'This is a test using a larger than block-size key and a larger than block-size data. ';
  it.each<[string, Uint8Array, string | Uint8Array, string]>([
    ['4.2', bytes(0x0b, 20), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      '4.3',
      Buffer.from('Jefe'),
      'what do ya want for nothing?',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    ['4.4', bytes(0xaa, 20), bytes(0xdd, 50), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
    [
      '4.5',
      Uint8Array.from({ length: 25 }, (_, at) => at + 1),
      bytes(0xcd, 50),
      '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
    ],
    [
      '4.7',
      bytes(0xaa, 131),
      'Test Using Larger Than Block-Size Key - Hash Key First',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
    [
      '4.8',
      bytes(0xaa, 131),
      `${long}The key needs to be hashed before being used by the HMAC algorithm.`,
      '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
    ],
  ])('is that of RFC 4231 section %s', (_section, key, data, digest) => {
    expect(hex(hmacSha256(key, data))).toBe(digest);
    expect(hmacSha256(key, data)).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('goes on with a key as it was at its first use', () => {
    const key = bytes(7, 32);
    const before = hmacSha256(key, 'data');
    key.fill(8);
    expect(hmacSha256(key, 'data')).toBe(before);
    expect(hmacSha256(bytes(8, 32), 'data')).not.toBe(before);
  });
});
