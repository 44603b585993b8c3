import { createHmac, createPublicKey, hash } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import { PROOF_ALGORITHMS } from '#libs/identity/algorithms.js';
import { bind } from '#libs/identity/bind.js';
import { ProofKeys } from '#libs/identity/proof-keys.js';
import {
  base64url,
  makeKey,
  mintProof,
  NOW_MS,
  ORIGIN,
  respell,
  withTrailingBits,
  type Changes,
  type SigningKey,
} from '../support/tokens.js';

import {
  aToken,
  bindingRules,
  boundToKey,
  callerKey,
  EPOCH,
  presented,
  refusalOf,
  saysOf,
  tryProof,
  type Attempt,
} from './world.js';

const NOW = NOW_MS / 1000;
const { token } = await boundToKey();

function refused(attempt: Attempt) {
  return saysOf(refusalOf(() => tryProof(attempt)));
}

function bad(check: string) {
  return { code: 'INVALID_DPOP_PROOF', check };
}

const withHeader = (header: Changes) => refused({ proof: { header } });
const withClaims = (claims: Changes) => refused({ proof: { claims } });
const withJwk = (jwk: Changes) => withHeader({ jwk: { ...callerKey.jwk, ...jwk } });

describe('D1: the field lines', () => {
  it('D1: a bound token without a proof is refused', () => {
    expect(refused({ lines: [] })).toEqual(bad('D1 missing'));
  });

  it('D1: two proofs are refused, even when both are good', () => {
    const [one, other] = [mintProof({ key: callerKey, token }), mintProof({ key: callerKey, token })];
    expect(refused({ lines: [one, other] })).toEqual(bad('D1 repeated'));
    expect(refused({ lines: [one, one] })).toEqual(bad('D1 repeated'));
  });

  it('D1: one good proof is enough', () => {
    expect(tryProof().binding).toEqual({ kind: 'dpop', jkt: callerKey.jkt });
  });
});

describe('D2: one compact JWS', () => {
  const proof = mintProof({ key: callerKey, token });

  it.each([
    '',
    'x',
    'a.b',
    `${proof}.e30`,
    `${proof},${proof}`,
    `${proof}, ${proof}`,
    ` ${proof}`,
    `${proof} `,
    `"${proof}"`,
  ])('D2: refuses what is none (%#)', (line) => {
    expect(refused({ lines: [line] })).toEqual(bad('D2 spelling'));
  });

  it.each([0, 1, 2] as const)('D2: segment %s has one spelling', (segment) => {
    for (const spelling of ['=', '\n', ' ', '\t', '\0', ',']) {
      expect(refused({ lines: [respell(proof, segment, (text) => text + spelling)] })).toEqual(bad('D2 spelling'));
    }
    expect(refused({ lines: [respell(proof, segment, () => '')] })).toEqual(bad('D2 spelling'));
  });

  it('D2: bits after the last byte must be zero', () => {
    expect(refused({ lines: [respell(proof, 2, withTrailingBits)] })).toEqual(bad('D2 spelling'));
  });

  it('D2: a proof has at most 4096 characters', () => {
    expect(refused({ lines: ['a'.repeat(4096)] })).toEqual(bad('D2 spelling'));
    expect(refused({ lines: ['a'.repeat(4097)] })).toEqual(bad('D2 length'));
  });
});

describe('D3: header and claims', () => {
  it.each(['{"typ":"dpop+jwt","typ":"dpop+jwt"}', '[]', '"dpop+jwt"', '{', ''.padEnd(3)])(
    'D3: the header %p is not one strict JSON object',
    (headerText) => {
      expect(refused({ proof: { headerText } })).toEqual(bad('D3 header'));
    },
  );

  it.each(['{"jti":"a","jti":"a"}', '[]', 'null', '{"iat":1e400}', '\uFEFF{}', '{"jti":"\\ud800"}'])(
    'D3: the payload %p is not one strict JSON object',
    (payloadText) => {
      expect(refused({ proof: { payloadText } })).toEqual(bad('D3 claims'));
    },
  );

  it.each(['htm', 'htu', 'ath'])('D3: the claim %s is there and a string', (name) => {
    for (const value of [undefined, null, 1, true, {}, ['GET']]) {
      expect(withClaims({ [name]: value })).toEqual(bad(`D3 ${name}`));
    }
  });

  it('D3: the claim iat is there and a number', () => {
    for (const iat of [undefined, null, String(NOW), [NOW], {}, true])
      expect(withClaims({ iat })).toEqual(bad('D3 iat'));
  });

  it.each([undefined, null, 'key', [], 1])('D3: jwk %p is no key', (jwk) => {
    expect(withHeader({ jwk })).toEqual(bad('D3 jwk'));
  });

  it('D15: jti is a string of 1 to 128 characters', () => {
    for (const jti of [undefined, null, '', 1, {}, ['x'], 'x'.repeat(129)])
      expect(withClaims({ jti })).toEqual(bad('D15 jti'));
    expect(tryProof({ proof: { claims: { jti: 'x'.repeat(128) } } }).proof?.jti).toBe('x'.repeat(128));
  });

  it('D23: header parameters and claims that are not known are ignored', () => {
    const proof = {
      header: { kid: 'x', jku: 'https://evil.example' },
      claims: { constructor: null, nonce: 1, sub: [] },
    };
    expect(tryProof({ proof }).proof?.jkt).toBe(callerKey.jkt);
  });
});

describe('D4, D5, D8: what the header may say', () => {
  it.each([
    undefined,
    null,
    'JWT',
    'at+jwt',
    'DPoP+jwt',
    'dpop+JWT',
    'application/dpop+jwt',
    'dpop+jwt ',
    ['dpop+jwt'],
  ])('D4: refuses typ %p', (typ) => {
    expect(withHeader({ typ })).toEqual(bad('D4 typ'));
  });

  it('J11: an access token is never a proof', () => {
    expect(refused({ lines: [token] })).toEqual(bad('D4 typ'));
  });

  it.each([
    undefined,
    null,
    'none',
    'None',
    'HS256',
    'es256',
    'ES256 ',
    'ES384',
    'ed25519',
    'RS256',
    'PS256',
    ['ES256'],
  ])('D5: refuses alg %p', (alg) => {
    expect(withHeader({ alg })).toEqual(bad('D5 alg'));
  });

  it('D5: says which algs there are', () => {
    const { detail } = refusalOf(() => tryProof({ proof: { header: { alg: 'RS256' } } }));
    expect(detail).toBe('The header alg of a proof must be one of ES256, Ed25519.');
  });

  it('D5: the public key is no HMAC key', () => {
    const signed = mintProof({ key: callerKey, token, header: { alg: 'HS256' } })
      .split('.')
      .slice(0, 2)
      .join('.');
    const secret = callerKey.publicKey.export({ format: 'der', type: 'spki' });
    const forged = `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
    expect(refused({ lines: [forged] })).toEqual(bad('D5 alg'));
  });

  it.each(['Ed25519', 'EdDSA'] as const)('D5: accepts %s, both names of one algorithm', async (alg) => {
    const key = makeKey(alg);
    const bound = await proveWith(key, {});
    expect(bound.binding).toEqual({ kind: 'dpop', jkt: key.jkt });
  });

  it('D22: the challenge names the algorithms of proofs, by the name that each has today', () => {
    expect(PROOF_ALGORITHMS).toEqual(['ES256', 'Ed25519']);
  });

  it.each([{ crit: ['exp'] }, { crit: [] }, { b64: true }, { b64: false, crit: ['b64'] }])(
    'D8, T22: refuses %p',
    (header) => {
      expect(withHeader(header)).toEqual(bad('D8 crit'));
    },
  );
});

/** A token that is bound to this key, and a proof by it. */
async function proveWith(key: SigningKey, header: Changes, signer = key) {
  const { caller, token: own } = await boundToKey(key);
  const proof = mintProof({ key: signer, token: own, header: { jwk: key.jwk, ...header } });
  return bind(caller, presented({ dpop: [proof] }), bindingRules(), EPOCH, NOW_MS);
}

describe('D6, D7: the key', () => {
  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])(
    'D7, T8: refuses a key with the member %s, even empty',
    (name) => {
      for (const value of ['', 'AAAA', null, []]) expect(withJwk({ [name]: value })).toEqual(bad('D7 private'));
    },
  );

  it.each([
    ['D6 kty', { kty: 'OKP' }],
    ['D6 kty', { kty: 'RSA' }],
    ['D6 kty', { kty: 'oct' }],
    ['D6 kty', { kty: undefined }],
    ['D6 kty', { crv: 'P-384' }],
    ['D6 kty', { crv: 'secp256k1' }],
    ['D6 kty', { crv: undefined }],
    ['D6 kty', { crv: ['P-256'] }],
    ['D7 alg', { alg: 'ES384' }],
    ['D7 alg', { alg: 'es256' }],
    ['D7 alg', { alg: null }],
    ['D7 use', { use: 'enc' }],
    ['D7 use', { use: '' }],
    ['D7 use', { use: null }],
    ['D7 key_ops', { key_ops: ['sign'] }],
    ['D7 key_ops', { key_ops: ['encrypt'] }],
    ['D7 key_ops', { key_ops: ['verify', 'sign'] }],
    ['D7 key_ops', { key_ops: [] }],
    ['D7 key_ops', { key_ops: 'verify' }],
    ['T9 coordinate', { x: undefined }],
    ['T9 coordinate', { y: null }],
    ['T9 coordinate', { x: 1 }],
    ['T9 coordinate', { x: '' }],
    ['T9 coordinate', { x: [callerKey.jwk['x']] }],
  ])('%s: refuses a key with %p', (check, change) => {
    expect(withJwk(change)).toEqual(bad(check));
  });

  it('D7: accepts a key that says it verifies signatures of this algorithm', () => {
    const jwk = { ...callerKey.jwk, use: 'sig', key_ops: ['verify'], alg: 'ES256', kid: 'mine' };
    expect(tryProof({ proof: { header: { jwk } } }).proof?.jkt).toBe(callerKey.jkt);
  });

  it.each(['x', 'y'])('T9: the coordinate %s has one spelling, so that one key has one thumbprint', (name) => {
    const text = callerKey.jwk[name]!;
    const short = base64url(Buffer.from(text, 'base64url').subarray(0, 31));
    const long = base64url(Buffer.concat([Buffer.of(0), Buffer.from(text, 'base64url')]));
    for (const spelling of [`${text}=`, `${text} `, `${text}\n`, `${text}A`, withTrailingBits(text), short, long]) {
      expect(withJwk({ [name]: spelling })).toEqual(bad('T9 coordinate'));
    }
  });

  it('D6, T5: a point off the curve is a bad proof, not a defect', async () => {
    const off: SigningKey = offCurve(callerKey);
    const attempt = proveWith(off, {});
    await expect(attempt).rejects.toMatchObject({ ...bad('T5 jwk'), detail: "The proof's key cannot be used." });
  });

  it('T9: a coordinate that is not below p is no second spelling of one that is', () => {
    // x = 5 lies on P-256; x + p still fits 32 bytes
    const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
    const small = { kty: 'EC', crv: 'P-256', x: coordinate(5n), y: coordinate(yOf(5n, p)) };
    expect(createPublicKey({ key: small, format: 'jwk' }).asymmetricKeyType).toBe('ec');
    expect(() => createPublicKey({ key: { ...small, x: coordinate(5n + p) }, format: 'jwk' })).toThrow();
  });

  it('D6: a proof that another key signed is refused', async () => {
    await expect(proveWith(callerKey, {}, makeKey('ES256'))).rejects.toMatchObject(bad('D6 signature'));
    const edwards = makeKey('Ed25519');
    await expect(proveWith(edwards, {}, makeKey('Ed25519'))).rejects.toMatchObject(bad('D6 signature'));
  });

  it('D6: a signature has 64 bytes', () => {
    for (const length of [1, 32, 63, 65, 96, 128]) {
      expect(refused({ proof: { signature: new Uint8Array(length).fill(1) } })).toEqual(bad('D6 signature'));
    }
  });

  it('D6: a number of the signature with a zero byte more is another spelling, which is refused', () => {
    const [head, payload, signature] = mintProof({ key: callerKey, token }).split('.');
    const raw = Buffer.from(signature!, 'base64url');
    const longer = Buffer.concat([raw.subarray(0, 32), Buffer.of(0), raw.subarray(32)]);
    expect(refused({ lines: [`${head}.${payload}.${base64url(longer)}`] })).toEqual(bad('D6 signature'));
  });

  it('D6: a DER signature is refused', () => {
    const der = Buffer.concat([Buffer.from('3044022001', 'hex'), Buffer.alloc(65, 1)]);
    expect(refused({ proof: { signature: der } })).toEqual(bad('D6 signature'));
  });

  it.each([
    ['r and s of zero', Buffer.alloc(64)],
    ['r of zero', Buffer.concat([Buffer.alloc(32), Buffer.alloc(32, 1)])],
    ['s of zero', Buffer.concat([Buffer.alloc(32, 1), Buffer.alloc(32)])],
    ['r and s above the order', Buffer.alloc(64, 0xff)],
  ])('D6: a signature with %s is refused', (_, signature) => {
    expect(refused({ proof: { signature } })).toEqual(bad('D6 signature'));
  });

  it('T6: an RSA key signs no proof, however strong', () => {
    const rsa = makeKey('RS256');
    expect(refused({ proof: { key: rsa } })).toEqual(bad('D5 alg'));
  });

  it('D18: a proof by another key than the one that the token is bound to is refused', () => {
    expect(refused({ proof: { key: makeKey('ES256') } })).toEqual({ code: 'INVALID_TOKEN', check: 'D18 jkt' });
  });

  it('D18: the key is compared before the signature is verified, and no stranger is remembered', () => {
    const proofKeys = new ProofKeys(1);
    expect(tryProof({ rules: { proofKeys } }).proof?.jkt).toBe(callerKey.jkt);
    const stranger = { key: makeKey('ES256'), signature: new Uint8Array(64) };
    expect(refused({ proof: stranger, rules: { proofKeys } }).check).toBe('D18 jkt');
    expect(proofKeys.recall(callerKey.jkt)?.key.type).toBe('public');
  });
});

/** The key with a y that is canonical and off the curve, under the thumbprint that this gives. */
function offCurve(key: SigningKey): SigningKey {
  const y = Buffer.from(key.jwk['y']!, 'base64url');
  y[31] = (y[31] ?? 0) ^ 1;
  const jwk: SigningKey['jwk'] = { ...key.jwk, y: base64url(y) };
  const canonical = JSON.stringify({ crv: jwk['crv'], kty: jwk['kty'], x: jwk['x'], y: jwk['y'] });
  return { ...key, jwk, jkt: hash('sha256', canonical, 'base64url') };
}

function coordinate(value: bigint): string {
  return base64url(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'));
}

/** A y for this x on P-256: p = 3 mod 4, so a square root is one power. */
function yOf(x: bigint, p: bigint): bigint {
  const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
  const square = (((x * x * x - 3n * x + b) % p) + p) % p;
  let root = 1n;
  for (let base = square, power = (p + 1n) / 4n; power > 0n; power >>= 1n, base = (base * base) % p) {
    if (power & 1n) root = (root * base) % p;
  }
  expect((root * root) % p).toBe(square);
  return root;
}

describe('D9, D10, D11: the request', () => {
  it.each(['get', 'Get', 'HEAD', 'POST', 'GET ', '', 'GET,POST'])('D9: htm %p is not GET', (htm) => {
    expect(withClaims({ htm })).toEqual(bad('D9 htm'));
  });

  it('D9: a proof for GET is none for another method', () => {
    for (const method of ['HEAD', 'POST', 'get']) expect(refused({ request: { method } })).toEqual(bad('D9 htm'));
  });

  it.each([
    `${ORIGIN}/api/secret`,
    `${ORIGIN}/api/secrets/`,
    `${ORIGIN}/api%2Fsecrets`,
    `${ORIGIN}/API/secrets`,
    `${ORIGIN}/x/../api/secrets`,
    `${ORIGIN}//api/secrets`,
    ORIGIN,
    'https://evil.example/api/secrets',
    'https://postern.example.evil.example/api/secrets',
    'https://postern.example:8443/api/secrets',
    'http://postern.example/api/secrets',
  ])('D10: htu %s is another target', (htu) => {
    expect(withClaims({ htu })).toEqual(bad('D10 htu'));
  });

  it.each([
    'HTTPS://Postern.Example/api/secrets',
    `${ORIGIN}:443/api/secrets`,
    `${ORIGIN}/api/%73ecrets`,
    `${ORIGIN}/api/secrets?ignored`,
    `${ORIGIN}/api/secrets#ignored`,
  ])('D10: htu %s is the same target', (htu) => {
    expect(tryProof({ proof: { claims: { htu } } }).proof?.jkt).toBe(callerKey.jkt);
  });

  it.each([
    '/api/secrets',
    '//postern.example/api/secrets',
    'postern.example/api/secrets',
    'https:/api/secrets',
    'ftp://postern.example/api/secrets',
    'https://postern.example@evil.example/api/secrets',
    'https://user:pass@postern.example/api/secrets',
    ' https://postern.example/api/secrets',
    'https://postern.example/api/secrets\n',
    'https://postern.example/api/\tsecrets',
    'https://postern.example\\api\\secrets',
    'https:\\\\postern.example/api/secrets',
    'https://postern.example/api/secréts',
    'https://postern.example/api/secrets\0',
    '',
  ])('T13: htu %j is refused before any parser could mend it', (htu) => {
    expect(withClaims({ htu })).toEqual(bad('T13 htu'));
  });

  it('T13: an array with the right htu is not the right htu', () => {
    expect(withClaims({ htu: [`${ORIGIN}/api/secrets`] })).toEqual(bad('D3 htu'));
  });

  it('D11, T12: htu is compared with the configured origins and with nothing else', () => {
    const proof = { htu: 'http://localhost:8080/api/secrets' };
    expect(refused({ proof })).toEqual(bad('D10 htu'));
    expect(tryProof({ proof, rules: { origins: [ORIGIN, 'http://localhost:8080'] } }).proof?.jkt).toBe(callerKey.jkt);
    expect(refused({ rules: { origins: [] } })).toEqual(bad('D10 htu'));
    expect(refused({ rules: { origins: ['', '*', 'postern.example'] } })).toEqual(bad('D10 htu'));
  });

  it('D17: ath is the hash of the token that is sent', () => {
    const ath = createAth(aToken());
    for (const wrong of [ath, '', createAth(`${token} `), token])
      expect(withClaims({ ath: wrong })).toEqual(bad('D17 ath'));
  });
});

function createAth(text: string): string {
  return hash('sha256', text, 'base64url');
}

describe('D12, D23: the time', () => {
  it('D12: iat lies within 60 s before and 10 s after now', () => {
    for (const iat of [NOW - 60, NOW, NOW + 10, NOW - 0.5])
      expect(tryProof({ proof: { claims: { iat } } }).proof).toBeDefined();
    for (const iat of [NOW - 61, NOW - 60.001, NOW + 10.001, NOW + 11, 0, -1, NOW * 1000, Number.MAX_SAFE_INTEGER]) {
      expect(withClaims({ iat })).toEqual(bad('D12 iat'));
    }
  });

  it('D12: the clock that is given counts', () => {
    const proof = { claims: { iat: NOW } };
    expect(refused({ proof, nowMs: NOW_MS + 60_001 })).toEqual(bad('D12 iat'));
    expect(refused({ proof, nowMs: NOW_MS - 10_001 })).toEqual(bad('D12 iat'));
  });

  it('D15: the proof that is handed on has whole seconds, never later than what was signed', () => {
    expect(tryProof({ proof: { claims: { iat: NOW - 0.1 } } }).proof?.iat).toBe(NOW - 1);
  });

  it('D23: exp and nbf are kept to when they are there', () => {
    expect(tryProof({ proof: { claims: { exp: NOW + 1, nbf: NOW + 10 } } }).proof).toBeDefined();
    expect(withClaims({ exp: NOW })).toEqual(bad('D23 exp'));
    expect(withClaims({ nbf: NOW + 11 })).toEqual(bad('D23 nbf'));
    for (const value of [null, 'x', [NOW + 1], {}]) {
      expect(withClaims({ exp: value })).toEqual(bad('D23 exp'));
      expect(withClaims({ nbf: value })).toEqual(bad('D23 nbf'));
    }
  });
});
