import type { Json } from '#libs/kernel/json.js';

/**
 * Encodings of Ed25519 public keys that are refused wherever a key is registered, bound or used.
 *
 * - The points of order 1, 2, 4 and 8: OpenSSL verifies under them, and with such a key a signature that fits every message needs
 *   no private key at all. Their y is 0, 1, -1 or one of two numbers of order 8.
 * - The encodings of y that are not below p = 2^255 - 19: RFC 8032 section 5.1.3 (1) refuses them, OpenSSL does not, and one point
 *   with two encodings is one key with two thumbprints.
 *
 * The top bit is the sign of x; each y stands with both.
 */
const REFUSED: ReadonlySet<unknown> = new Set([...lowOrder(), ...notBelowP()].flatMap(bothSigns));

/** @param x the JWK's `x`, already known to be canonical base64url */
export function isRefusedPoint(x: Json | undefined): boolean {
  return REFUSED.has(x);
}

/** y in little-endian hex, as RFC 8032 section 5.1.2 encodes it. */
function lowOrder(): string[] {
  return [
    '00'.repeat(32),
    '01' + '00'.repeat(31),
    'ec' + 'ff'.repeat(30) + '7f',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  ];
}

/** p to 2^255 - 1: they differ in the lowest byte only. */
function notBelowP(): string[] {
  return Array.from({ length: 0x100 - 0xed }, (_, above) => (0xed + above).toString(16) + 'ff'.repeat(30) + '7f');
}

function bothSigns(hex: string): string[] {
  const even = Buffer.from(hex, 'hex');
  const odd = Buffer.from(even);
  odd[31] = (odd[31] ?? 0) | 0x80;
  return [even.toString('base64url'), odd.toString('base64url')];
}
