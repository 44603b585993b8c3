import { describe, expect, it } from '@jest/globals';

import { algorithmNamed, ALGORITHMS } from '#libs/identity/algorithms.js';
import { parseCompactJws, parseJsonObject } from '#libs/identity/compact-jws.js';
import { verifyProof } from '#libs/identity/dpop-proof.js';
import { isRefusedPoint } from '#libs/identity/ed25519-points.js';
import { keySetFrom } from '#libs/identity/key-set.js';
import { ProofKeys } from '#libs/identity/proof-keys.js';
import { importPublicJwk, thumbprint } from '#libs/identity/public-jwk.js';
import { checkSignature } from '#libs/identity/token-signature.js';
import { sha256 } from '#libs/kernel/digest.js';
import type { Json, JsonObject } from '#libs/kernel/json.js';
import { base64url } from '../support/tokens.js';
import { readVectors, vectorsFolder } from '../support/vectors.js';

import { EPOCH, NONCE_KEY, presented, refusalOf, saysOf } from './world.js';

interface Rfc9449 {
  access_token_of_section_7_1: string;
  jkt_of_section_6_1: string;
  examples: [Example, Example, Example];
}
interface Example {
  proof: string;
  claims: { iat: number; jti: string };
}
interface Thumbprints {
  cases: { rfc: string; jwk: JsonObject; thumbprint: string }[];
}
type Cctv = { number: number; key: string; flags: string[] | null }[];
interface Wycheproof<Group> {
  testGroups: (Group & { tests: Test[] })[];
}
interface Test {
  tcId: number;
  comment: string;
  result: 'valid' | 'invalid' | 'acceptable';
  jws: string;
  msg: string;
  sig: string;
}
interface JwsGroup {
  public?: JsonObject;
  private?: JsonObject;
}
interface EcdsaGroup {
  publicKey: { wx: string; wy: string };
}
interface EddsaGroup {
  publicKeyJwk: JsonObject;
}

/** One token, one set of keys: whether the steps of authenticate that read keys and signatures let it pass. */
async function verifies(jws: string, published: JsonObject): Promise<boolean> {
  try {
    const keys = keySetFrom('keys' in published ? published : { keys: [{ kid: 'only', ...published }] });
    const parsed = parseCompactJws(jws);
    const header = parsed === undefined ? undefined : parseJsonObject(parsed.header);
    if (header === undefined || 'crit' in header || 'b64' in header) return false;
    const { alg } = header;
    const algorithm = algorithmNamed(alg);
    const kid = published['kid'] ?? header['kid'] ?? 'only';
    if (typeof alg !== 'string' || typeof kid !== 'string') return false;
    const key = await keys.key(kid, alg);
    if (key === undefined || algorithm === undefined) return false;
    await checkSignature(jws, { alg, algorithm, kid, accessToken: true }, key);
    return true;
  } catch {
    return false;
  }
}

/** Valid, but for a reason that this gateway refuses: the key names another algorithm, or foreign characters are signed. */
const REFUSED_ON_PURPOSE = new Set([346, 347, 350, 351, 372, 373]);
const OURS = ['ES256', 'PS256', 'RS256', 'EdDSA', 'Ed25519'];

function algorithmOf(jws: string): unknown {
  const parsed = parseCompactJws(jws);
  return parsed === undefined ? undefined : parseJsonObject(parsed.header)?.['alg'];
}

function run(): void {
  describe('RFC 9449', () => {
    const {
      access_token_of_section_7_1: token,
      jkt_of_section_6_1: jkt,
      examples,
    } = readVectors('rfc/rfc9449-examples.json') as Rfc9449;
    const prove = ({ proof, claims }: Example) =>
      verifyProof(
        presented({ method: 'GET', path: '/protectedresource', dpop: [proof] }),
        {
          jkt,
          tokenHash: sha256(token),
          origins: ['https://resource.example.org'],
          nonceKey: NONCE_KEY,
          nonces: 'off',
          epoch: EPOCH,
          proofKeys: new ProofKeys(),
        },
        claims.iat * 1000,
      );

    it('section 7.1: the proof for a resource is accepted', () => {
      expect(prove(examples[2])).toMatchObject({ jkt, jti: 'e1j3V_bKic8-LAEB' });
    });

    it('section 5: a proof for the token endpoint has no ath and is none for a resource', () => {
      for (const example of [examples[0], examples[1]]) {
        expect(saysOf(refusalOf(() => prove(example)))).toEqual({ code: 'INVALID_DPOP_PROOF', check: 'D3 ath' });
      }
    });
  });

  describe('RFC 7638, 8037, 9449: thumbprints', () => {
    it.each((readVectors('rfc/jwk-thumbprints.json') as Thumbprints).cases)(
      'RFC $rfc',
      ({ jwk, thumbprint: expected }) => {
        const algorithm = algorithmNamed(ALGORITHMS.find(({ kty }) => kty === jwk['kty'])?.names[0]);
        expect(thumbprint(jwk, algorithm!)).toBe(expected);
      },
    );
  });

  it('CCTV: each low-order or non-canonical Ed25519 key is refused, and no other', () => {
    const vectors = readVectors('cctv/ed25519vectors.json') as Cctv;
    expect(vectors.length).toBeGreaterThan(900);
    for (const { number, key, flags } of vectors) {
      const weak = flags?.some((flag) => flag === 'low_order_A' || flag === 'non_canonical_A') ?? false;
      expect([number, isRefusedPoint(base64url(Buffer.from(key, 'hex')))]).toEqual([number, weak]);
    }
  });

  it('Wycheproof, JSON Web Signature: accepts the valid ones of our algorithms and refuses all others', async () => {
    let accepted = 0;
    for (const group of (readVectors('wycheproof/json_web_signature_test.json') as Wycheproof<JwsGroup>).testGroups) {
      const published = group.public ?? group.private;
      for (const { tcId, jws, result } of group.tests) {
        const expected = result === 'valid' && OURS.includes(String(algorithmOf(jws))) && !REFUSED_ON_PURPOSE.has(tcId);
        expect([tcId, await verifies(jws, published!)]).toEqual([tcId, expected]);
        accepted += Number(expected);
      }
    }
    expect(accepted).toBeGreaterThan(10);
  });

  it('Wycheproof, JSON Web Key: refuses each bad set, ROCA, weak and mixed ones among them', async () => {
    const verdicts: [number, boolean][] = [];
    const expected: [number, boolean][] = [];
    for (const group of (readVectors('wycheproof/json_web_key_test.json') as Wycheproof<JwsGroup>).testGroups) {
      for (const { tcId, jws, result } of group.tests) {
        verdicts.push([tcId, await verifies(jws, group.public ?? group.private!)]);
        expected.push([tcId, result === 'valid' && OURS.includes(String(algorithmOf(jws)))]);
      }
    }
    expect(verdicts).toEqual(expected);
    expect(expected.some(([, valid]) => valid)).toBe(true);
  });

  const proofVerdict = (alg: string, jwk: JsonObject, { msg, sig }: Test): boolean => {
    const algorithm = algorithmNamed(alg)!;
    const signature = Buffer.from(sig, 'hex');
    if (signature.length !== algorithm.proof!.signatureBytes) return false;
    return algorithm.proof!.verify(Buffer.from(msg, 'hex'), importPublicJwk(jwk, algorithm), signature);
  };

  it('Wycheproof, ECDSA P-256 with raw signatures: agrees with each', () => {
    let valid = 0;
    for (const { publicKey, tests } of (
      readVectors('wycheproof/ecdsa_secp256r1_sha256_p1363_test.json') as Wycheproof<EcdsaGroup>
    ).testGroups) {
      const jwk = { kty: 'EC', crv: 'P-256', x: coordinate(publicKey.wx), y: coordinate(publicKey.wy) };
      for (const test of tests) {
        expect([test.tcId, proofVerdict('ES256', jwk, test)]).toEqual([test.tcId, test.result === 'valid']);
        valid += Number(test.result === 'valid');
      }
    }
    expect(valid).toBeGreaterThan(100);
  });

  it('Wycheproof, Ed25519: agrees with each', () => {
    let valid = 0;
    for (const { publicKeyJwk, tests } of (readVectors('wycheproof/ed25519_test.json') as Wycheproof<EddsaGroup>)
      .testGroups) {
      const jwk: Json = publicKeyJwk;
      for (const test of tests) {
        expect([test.tcId, proofVerdict('Ed25519', jwk, test)]).toEqual([test.tcId, test.result === 'valid']);
        valid += Number(test.result === 'valid');
      }
    }
    expect(valid).toBeGreaterThan(50);
  });
}

function coordinate(hex: string): string {
  return base64url(Buffer.from(hex.slice(-64).padStart(64, '0'), 'hex'));
}

if (vectorsFolder('public vectors of JWS, JWK, ECDSA, Ed25519 and DPoP') === undefined) {
  it('leaves the public vectors out, and says so', () => {
    expect(process.env['POSTERN_VECTORS'] ?? '').toBe('');
  });
} else {
  run();
}
