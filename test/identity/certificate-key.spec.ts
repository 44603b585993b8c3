import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import { certificateKeyWeakness } from '#libs/identity/certificate-key.js';

const ec = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).publicKey;
const rsa = (modulusLength: number, publicExponent = 65_537): KeyObject =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent }).publicKey;

/** y = 1, the identity: with this key a signature that fits every message needs no private key. */
const identity = createPublicKey({
  key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]).toString('base64url') },
  format: 'jwk',
});

describe('the key of a client certificate', () => {
  it.each([
    ['P-256', () => ec('P-256')],
    ['P-384', () => ec('P-384')],
    ['P-521', () => ec('P-521')],
    ['RSA of 2048 bits', () => rsa(2048)],
    ['Ed25519', () => generateKeyPairSync('ed25519').publicKey],
  ])('M1: is taken: %s', (_title, make) => {
    expect(certificateKeyWeakness(make())).toBeUndefined();
  });

  it.each([
    ['RSA of 1024 bits', () => rsa(1024), 'RSA needs 2048 to 4096 bits.'],
    ['RSA with the exponent 3', () => rsa(2048, 3), 'RSA needs an exponent of 65537 or more.'],
    ['another curve', () => ec('secp256k1'), 'EC needs P-256, P-384 or P-521.'],
    ['a short curve', () => ec('P-224'), 'EC needs P-256, P-384 or P-521.'],
    ['Ed25519 of low order', () => identity, 'the key is of low order.'],
    ['Ed448', () => generateKeyPairSync('ed448').publicKey, 'its kind is not RSA, EC or Ed25519.'],
    [
      'DSA',
      () => generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 }).publicKey,
      'its kind is not RSA, EC or Ed25519.',
    ],
    ['a key for agreement', () => generateKeyPairSync('x25519').publicKey, 'its kind is not RSA, EC or Ed25519.'],
  ])('T6, T7: is not taken, since others could make its handshake too: %s', (_title, make, why) => {
    expect(certificateKeyWeakness(make())).toBe(why);
  });
});
