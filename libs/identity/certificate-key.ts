import type { KeyObject } from 'node:crypto';

import { isRefusedPoint } from './ed25519-points.js';
import { rsaWeakness } from './rsa-keys.js';

/** As OpenSSL names P-256, P-384 and P-521. */
const CURVES: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/**
 * Why a handshake under this key shows nothing, as one sentence: somebody else could have made it too (T6, T7). A binding to such a
 * certificate would be none. Undefined for a key that is taken.
 */
export function certificateKeyWeakness(key: KeyObject): string | undefined {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return rsaWeakness(key);
    case 'ec':
      return CURVES.has(key.asymmetricKeyDetails?.namedCurve) ? undefined : 'EC needs P-256, P-384 or P-521.';
    case 'ed25519':
      return isRefusedPoint(key.export({ format: 'jwk' }).x) ? 'the key is of low order.' : undefined;
    default:
      return 'its kind is not RSA, EC or Ed25519.';
  }
}
