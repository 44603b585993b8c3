import { describe, expect, it } from '@jest/globals';

import { authenticate } from '#libs/identity/access-token.js';
import { bind } from '#libs/identity/bind.js';
import { isRefusedPoint } from '#libs/identity/ed25519-points.js';
import type { JsonObject } from '#libs/kernel/json.js';
import { sha256 } from '#libs/kernel/digest.js';
import { admitted } from '../support/admitted.js';
import { base64url, makeKey, mintProof, NOW_MS } from '../support/tokens.js';

import { aToken, bindingRules, EPOCH, presented, refusalOf, saysOf, tokenRules } from './world.js';

const P = 2n ** 255n - 19n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

describe('Ed25519 points that prove nothing', () => {
  it('T7: are the eight of the torsion group, computed from the curve', () => {
    for (const y of torsion()) {
      expect(isRefusedPoint(encode(y, 0n))).toBe(true);
      expect(isRefusedPoint(encode(y, 1n))).toBe(true);
    }
  });

  it('T7: are all encodings of a y that is not below p, so that no key has two thumbprints', () => {
    for (let y = P; y < 2n ** 255n; y += 1n) {
      expect(isRefusedPoint(encode(y, 0n))).toBe(true);
      expect(isRefusedPoint(encode(y, 1n))).toBe(true);
    }
  });

  it('T7: are no others', () => {
    for (let i = 0; i < 50; i += 1) expect(isRefusedPoint(makeKey('Ed25519').jwk['x'])).toBe(false);
    for (const y of [2n, 3n, P - 2n, P - 3n]) expect(isRefusedPoint(encode(y, 0n))).toBe(false);
  });

  it('T7: a token that is bound to such a key lets nobody in, though OpenSSL verifies its signature for every message', async () => {
    const x = encode(1n, 0n);
    const jwk: JsonObject = { crv: 'Ed25519', kty: 'OKP', x };
    const token = aToken({ claims: { cnf: { jkt: sha256(JSON.stringify(jwk)) } } });
    // R is the identity and S is zero
    const signature = Buffer.concat([Buffer.of(1), Buffer.alloc(63)]);
    const proof = mintProof({ key: makeKey('Ed25519'), token, header: { jwk }, signature });
    const request = presented({ authorization: [`DPoP ${token}`], dpop: [proof] });
    const caller = await authenticate(admitted(request), tokenRules(), NOW_MS);
    const attempt = () => bind(caller, request, bindingRules(), EPOCH, NOW_MS);
    expect(saysOf(refusalOf(attempt))).toEqual({ code: 'INVALID_DPOP_PROOF', check: 'T7 low order' });
  });
});

function encode(y: bigint, sign: bigint): string {
  const bytes = Buffer.from((y + (sign << 255n)).toString(16).padStart(64, '0'), 'hex');
  return base64url(bytes.toReversed());
}

/**
 * The y of the points whose order divides 8. Doubling gives y2 = (y^2 + x^2) / (1 - d x^2 y^2) with x^2 = (y^2 - 1) / (d y^2 + 1).
 * Order 1 and 2: y = 1, -1. Order 4: y = 0. Order 8: doubles to y = 0, so x^2 = -y^2, which is d y^4 + 2 y^2 - 1 = 0.
 */
function torsion(): bigint[] {
  const root = sqrt(mod(1n + D));
  const squares = [mod((root - 1n) * inverse(D)), mod((-root - 1n) * inverse(D))];
  const ys = squares
    .filter((square) => power(square, (P - 1n) / 2n) === 1n)
    .flatMap((square) => [sqrt(square), mod(-sqrt(square))]);
  expect(ys.length).toBeGreaterThan(0);
  return [1n, P - 1n, 0n, ...ys];
}

function mod(value: bigint): bigint {
  return ((value % P) + P) % P;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = mod(base), left = exponent; left > 0n; left >>= 1n, square = mod(square * square)) {
    if (left & 1n) result = mod(result * square);
  }
  return result;
}

function inverse(value: bigint): bigint {
  return power(value, P - 2n);
}

/** p = 5 mod 8. */
function sqrt(value: bigint): bigint {
  const candidate = power(value, (P + 3n) / 8n);
  const root = mod(candidate * candidate) === mod(value) ? candidate : mod(candidate * power(2n, (P - 1n) / 4n));
  expect(mod(root * root)).toBe(mod(value));
  return root;
}
