import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { decodeBase64url, isBase64url } from '#libs/kernel/base64url.js';

const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

describe('base64url', () => {
  it.each([
    ['', ''],
    ['Zg', 'f'],
    ['Zm8', 'fo'],
    ['Zm9v', 'foo'],
    ['Zm9vYg', 'foob'],
    ['Zm9vYmE', 'fooba'],
    ['Zm9vYmFy', 'foobar'],
  ])('reads %j (RFC 4648 section 10, without padding)', (text, meant) => {
    expect(Buffer.from(decodeBase64url(text) ?? []).toString()).toBe(meant);
    expect(isBase64url(text)).toBe(true);
  });

  it('reads the two characters that differ from base64', () => {
    expect([...(decodeBase64url('-_-_') ?? [])]).toEqual([0xfb, 0xff, 0xbf]);
  });

  it.each([
    'Zg==',
    'Zm8=',
    'Zm9v=',
    'Zh',
    'Zm9',
    'Z',
    'Zm9vY',
    '+/+/',
    ' Zm9v',
    'Zm9v ',
    'Zm9v\n',
    '\nZm9v',
    'Zm\t9v',
    'Zm9v.',
    'Zm 9v',
    'Zm9\u0076\u0301',
    '\u017fm9v',
    'Zm9v\0',
    'Zm9vYmE\n',
    '\uff21\uff21',
    'Zm%39v',
  ])('does not read %j', (text) => {
    expect(decodeBase64url(text)).toBeUndefined();
    expect(isBase64url(text)).toBe(false);
  });

  it('takes, of all last characters, exactly those whose unused bits are zero', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    for (const last of alphabet) {
      for (const text of [`A${last}`, `AA${last}`, `AAAAA${last}`]) {
        expect([text, isBase64url(text)]).toEqual([text, encode(Buffer.from(text, 'base64url')) === text]);
      }
    }
  });

  it('reads back what was written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeBase64url(encode(bytes))).toEqual(bytes);
      }),
    );
  });

  it('reads exactly the texts that come out again when written', () => {
    const unit = fc.constantFrom(...'AQgwEZaz09-_+/= \n.'.split(''));
    const text = fc.oneof(fc.string({ unit, maxLength: 9 }), fc.string({ maxLength: 9 }), fc.base64String());
    fc.assert(
      fc.property(text, (wanted) => {
        const bytes = decodeBase64url(wanted);
        expect(bytes === undefined).toBe(encode(Buffer.from(wanted, 'base64url')) !== wanted);
        if (bytes !== undefined) expect(encode(bytes)).toBe(wanted);
      }),
      { numRuns: 2_000 },
    );
  });
});
