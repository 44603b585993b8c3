import { createPublicKey, hkdfSync, verify } from 'node:crypto';

import { expect, it } from '@jest/globals';

import { parseCompactJws, parseJsonObject } from '#libs/identity/compact-jws.js';
import { algorithmNamed } from '#libs/identity/algorithms.js';
import { authenticate } from '#libs/identity/access-token.js';
import { keySetFrom } from '#libs/identity/key-set.js';
import { checkSignature } from '#libs/identity/token-signature.js';
import { hmacSha256 } from '#libs/kernel/digest.js';
import type { JsonObject } from '#libs/kernel/json.js';
import { Refusal } from '#libs/kernel/refusal.js';

import { presented, tokenRules } from '../identity/world.js';
import { admitted } from '../support/admitted.js';
import { readVectors, vectorsFolder } from '../support/vectors.js';

interface Wycheproof<Group, Test> {
  readonly testGroups: readonly (Group & {
    readonly tests: readonly (Test & { readonly tcId: number; readonly result: string })[];
  })[];
}
interface Mac {
  readonly key: string;
  readonly msg: string;
  readonly tag: string;
}
interface Hkdf {
  readonly ikm: string;
  readonly salt: string;
  readonly info: string;
  readonly size: number;
  readonly okm: string;
}
interface Signed {
  readonly msg: string;
  readonly sig: string;
}
interface Crypto {
  readonly jws?: string;
  readonly jwe?: string;
}

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

/** What all keyed hashes, derived keys and token signatures rest on, held to published vectors. */
function run(): void {
  it('Wycheproof, HMAC-SHA-256: makes each valid tag, and no invalid one', () => {
    const { testGroups } = readVectors('wycheproof/hmac_sha256_test.json') as Wycheproof<{ tagSize: number }, Mac>;
    let seen = 0;
    for (const { tagSize, tests } of testGroups) {
      for (const { tcId, key, msg, tag, result } of tests) {
        const made = Buffer.from(hmacSha256(bytes(key), bytes(msg)), 'base64url').toString('hex');
        expect([tcId, made.slice(0, tagSize / 4) === tag]).toEqual([tcId, result === 'valid']);
        seen += 1;
      }
    }
    expect(seen).toBeGreaterThan(150);
  });

  it('Wycheproof, HKDF-SHA-256: derives each key, and refuses what is too long', () => {
    const { testGroups } = readVectors('wycheproof/hkdf_sha256_test.json') as Wycheproof<unknown, Hkdf>;
    for (const { tests } of testGroups) {
      for (const { tcId, ikm, salt, info, size, okm, result } of tests) {
        const derive = (): string =>
          Buffer.from(hkdfSync('sha256', bytes(ikm), bytes(salt), bytes(info), size)).toString('hex');
        if (result === 'valid') expect([tcId, derive()]).toEqual([tcId, okm]);
        else expect(derive).toThrow();
      }
    }
  });

  it('Wycheproof, RSA PKCS #1 of 2,048 bits: the platform verifies each valid signature and no other', () => {
    const { testGroups } = readVectors('wycheproof/rsa_signature_2048_sha256_test.json') as Wycheproof<
      { publicKeyPem: string },
      Signed
    >;
    const verdicts: [number, boolean][] = [];
    const expected: [number, boolean][] = [];
    for (const { publicKeyPem, tests } of testGroups) {
      const key = createPublicKey(publicKeyPem);
      for (const { tcId, msg, sig, result } of tests) {
        if (result === 'acceptable') continue;
        verdicts.push([tcId, verify('sha256', bytes(msg), key, bytes(sig))]);
        expected.push([tcId, result === 'valid']);
      }
    }
    expect(verdicts).toEqual(expected);
    expect(expected.filter(([, valid]) => valid)).not.toEqual([]);
  });

  const { testGroups } = readVectors('wycheproof/json_web_crypto_test.json') as Wycheproof<
    { public?: JsonObject; private?: JsonObject },
    Crypto
  >;

  it('J3, A9: Wycheproof, JSON Web Crypto: refuses each encrypted token before anything of it is read', async () => {
    const encrypted = testGroups.flatMap(({ tests }) => tests.flatMap(({ jwe }) => (jwe === undefined ? [] : [jwe])));
    expect(encrypted.length).toBeGreaterThan(30);
    for (const jwe of encrypted) {
      const text = typeof jwe === 'string' ? jwe : JSON.stringify(jwe);
      const refusal = await authenticate(
        admitted(presented({ authorization: [`Bearer ${text}`] })),
        tokenRules(),
        0,
      ).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(Refusal);
      expect(refusal).toMatchObject({
        code: 'INVALID_TOKEN',
        check: expect.stringMatching(/^(A9 encrypted|T1 (spelling|length))$/),
      });
    }
  });

  it('J3: Wycheproof, JSON Web Crypto: takes no signature that is invalid, nor one of an algorithm that is not ours', async () => {
    const OURS = ['ES256', 'PS256', 'RS256', 'EdDSA', 'Ed25519'];
    for (const { public: published, private: secret, tests } of testGroups) {
      for (const { tcId, jws, result } of tests) {
        if (jws === undefined) continue;
        const alg = algorithmOf(jws);
        const valid =
          result === 'valid' && OURS.includes(String(alg)) && published !== undefined && !('keys' in published);
        expect([tcId, await verifies(jws, published ?? secret ?? {})]).toEqual([tcId, valid]);
      }
    }
  });
}

function algorithmOf(jws: string): unknown {
  const parsed = typeof jws === 'string' ? parseCompactJws(jws) : undefined;
  return parsed === undefined ? undefined : parseJsonObject(parsed.header)?.['alg'];
}

async function verifies(jws: string, published: JsonObject): Promise<boolean> {
  const alg = algorithmOf(jws);
  const algorithm = algorithmNamed(alg);
  if (algorithm === undefined || typeof alg !== 'string') return false;
  try {
    const key = await keySetFrom({ keys: [{ ...published, kid: 'only' }] }).key('only', alg);
    if (key === undefined) return false;
    await checkSignature(jws, { alg, algorithm, kid: 'only', accessToken: true }, key);
    return true;
  } catch (error) {
    if (error instanceof Refusal || error instanceof Error) return false;
    throw error;
  }
}

if (vectorsFolder('published vectors of HMAC, HKDF, RSA and JSON Web Crypto') === undefined) {
  it('leaves the published vectors out, and says so', () => {
    expect(process.env['POSTERN_VECTORS'] ?? '').toBe('');
  });
} else {
  run();
}
