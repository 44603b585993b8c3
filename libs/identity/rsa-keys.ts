import type { KeyObject } from 'node:crypto';

import { isRoca } from './roca.js';

/** RFC 7518 section 3.3; the exponent 1 makes every message its own signature (spec, T6). */
const RSA = { minBits: 2048, maxBits: 4096, minExponent: 65_537n };

/** T6: why an RSA key is not taken, as one sentence. The export is canonical, whatever spelling the numbers came in. */
export function rsaWeakness(key: KeyObject): string | undefined {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < RSA.minBits || modulusLength > RSA.maxBits) return 'RSA needs 2048 to 4096 bits.';
  if (publicExponent < RSA.minExponent) return 'RSA needs an exponent of 65537 or more.';
  const { n = '' } = key.export({ format: 'jwk' });
  const modulus = BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`);
  return isRoca(modulus) ? 'the key was made by a library whose keys can be factored (CVE-2017-15361).' : undefined;
}
