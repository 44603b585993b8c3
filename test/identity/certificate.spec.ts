import { createHash } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { checkCertificate, ClientCertificate, isOneSequence } from '#libs/identity/certificate.js';
import { makeCertificate } from '../support/certificates.js';

import { refusalOf, saysOf } from './world.js';

const leaf = await makeCertificate({ name: 'svc-billing' });
const other = await makeCertificate({ name: 'svc-billing' });
const shown = { kind: 'shown', certificate: new ClientCertificate(leaf.der) } as const;

describe('a certificate', () => {
  it('M2: is named by base64url without padding of SHA-256 over its DER bytes, in 43 characters', () => {
    const { x5t } = new ClientCertificate(leaf.der);
    expect(x5t).toBe(createHash('sha256').update(leaf.der).digest('base64url'));
    expect(x5t).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('M2: is the one that the token names, octet for octet', () => {
    expect(() => checkCertificate(shown, leaf.x5t)).not.toThrow();
    const near = [
      other.x5t,
      `${leaf.x5t}=`,
      leaf.x5t.toLowerCase(),
      leaf.x5t.slice(0, -1),
      ` ${leaf.x5t}`,
      Buffer.from(leaf.x5t, 'base64url').toString('hex'),
      '',
    ];
    for (const x5t of near) {
      expect(saysOf(refusalOf(() => checkCertificate(shown, x5t)))).toEqual({
        code: 'INVALID_TOKEN',
        check: 'M2 x5t#S256',
      });
    }
  });

  it('M1: that nobody showed is refused, and so is one that must not be used, with the reason why', () => {
    expect(saysOf(refusalOf(() => checkCertificate(undefined, leaf.x5t)))).toEqual({
      code: 'INVALID_TOKEN',
      check: 'M1 certificate',
    });
    const unusable = { kind: 'unusable', check: 'M5 certificate', detail: 'It has expired.' } as const;
    expect(refusalOf(() => checkCertificate(unusable, leaf.x5t))).toMatchObject({
      code: 'INVALID_TOKEN',
      check: 'M5 certificate',
      detail: 'It has expired.',
    });
  });
});

describe('the bytes of a certificate', () => {
  it('M7: are one DER sequence from the first to the last', () => {
    expect(isOneSequence(leaf.der)).toBe(true);
    for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
      expect({ length, one: isOneSequence(sequence(length)) }).toEqual({ length, one: true });
    }
  });

  it('M7: are no sequence with a byte more or less, another tag, an open or a padded length', () => {
    const faulty: Record<string, Uint8Array> = {
      nothing: bytes(),
      'a tag alone': bytes(0x30),
      'a byte more': Buffer.concat([leaf.der, bytes(0)]),
      'a newline more': Buffer.concat([leaf.der, bytes(10)]),
      'two certificates': Buffer.concat([leaf.der, leaf.der]),
      'a byte less': leaf.der.subarray(0, -1),
      'another tag': Buffer.concat([bytes(0x31), leaf.der.subarray(1)]),
      'an open length': bytes(0x30, 0x80, 0x05, 0x00, 0x00, 0x00),
      'an open length in as many bytes as its number says': Buffer.concat([bytes(0x30, 0x80), new Uint8Array(0x80)]),
      'a length in one byte too many': Buffer.concat([bytes(0x30, 0x81, 0x02), bytes(0x05, 0x00)]),
      'a length with a zero in front': Buffer.concat([bytes(0x30, 0x82, 0x00, 0x80), new Uint8Array(0x80)]),
      'a length of four bytes': bytes(0x30, 0x84, 0, 0, 0, 1, 0),
      'a length that is cut off': bytes(0x30, 0x82, 0x01),
      'a length that is not there': bytes(0x30, 0x83),
      'PEM text': Buffer.from(leaf.pem),
    };
    const accepted = Object.entries(faulty).filter(([, der]) => isOneSequence(der));
    expect(accepted.map(([name]) => name)).toEqual([]);
  });

  it('M7: are no sequence when anything follows or is missing, whatever they hold', () => {
    fc.assert(
      fc.property(fc.nat(70_000), fc.integer({ min: -3, max: 3 }), (length, more) => {
        const whole = sequence(length);
        const changed = Buffer.concat([whole, new Uint8Array(Math.max(0, more))]).subarray(0, whole.length + more);
        return isOneSequence(changed) === (more === 0);
      }),
      { numRuns: 500 },
    );
  });
});

function bytes(...all: readonly number[]): Uint8Array {
  return Uint8Array.from(all);
}

/** A sequence with so many bytes in it. */
function sequence(length: number): Uint8Array {
  const hex = length.toString(16);
  const octets = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  const head = length < 0x80 ? bytes(0x30, length) : Buffer.concat([bytes(0x30, 0x80 | octets.length), octets]);
  return Buffer.concat([head, new Uint8Array(length)]);
}
