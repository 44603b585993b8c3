import { describe, expect, it } from '@jest/globals';

import { keySetFrom, NoUsableKey } from '#libs/identity/key-set.js';
import type { Json } from '#libs/kernel/json.js';
import { base64url, jwksOf, makeKey, type KeyAlgorithm } from '../support/tokens.js';

const good = makeKey('ES256', 'good');
const spare = makeKey('ES256', 'spare');
const rsa = makeKey('RS256', 'rsa');

function published(key = spare, changes: Readonly<Record<string, Json | undefined>> = {}): Json {
  return { ...key.jwk, kid: key.kid, alg: key.alg, use: 'sig', ...changes };
}

/** A set with one good key and one that has the fault. */
async function spareOf(changes: Parameters<typeof published>[1], algorithm = 'ES256') {
  const set = keySetFrom({ keys: [published(good), published(spare, changes)] });
  expect((await set.key('good', 'ES256'))?.type).toBe('public');
  return { key: await set.key('spare', algorithm), faults: set.faults, others: set.others };
}

describe('a key set', () => {
  it.each(['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'] as KeyAlgorithm[])(
    'J1: finds a key by kid for %s',
    async (alg) => {
      const key = makeKey(alg);
      const found = await keySetFrom(jwksOf(key)).key('key-1', alg);
      expect(found?.equals(key.publicKey)).toBe(true);
    },
  );

  it('J1: one key serves one algorithm', async () => {
    const set = keySetFrom(jwksOf(good, rsa));
    expect(await set.key('good', 'RS256')).toBeUndefined();
    expect(await set.key('rsa', 'PS256')).toBeUndefined();
    expect(await set.key('rsa', 'rs256')).toBeUndefined();
    expect(await set.key('rsa', 'none')).toBeUndefined();
    expect((await set.key('rsa', 'RS256'))?.type).toBe('public');
  });

  it('J1: an RSA key without alg serves RS256 and not PS256', async () => {
    const set = keySetFrom({ keys: [published(rsa, { alg: undefined, kid: 'rsa' })].map(defined) });
    expect((await set.key('rsa', 'RS256'))?.type).toBe('public');
    expect(await set.key('rsa', 'PS256')).toBeUndefined();
  });

  it.each(['ES256', 'EdDSA'] as const)('J1: a key without alg serves the one that fits: %s', async (alg) => {
    const key = makeKey(alg);
    const set = keySetFrom({ keys: [defined(published(key, { alg: undefined }))] });
    expect((await set.key('key-1', alg))?.equals(key.publicKey)).toBe(true);
  });

  it('J9: finds nothing under a kid that is not there', async () => {
    const set = keySetFrom(jwksOf(good));
    for (const kid of ['', 'Good', 'good ', '__proto__', 'constructor', 'toString']) {
      expect(await set.key(kid, 'ES256')).toBeUndefined();
    }
  });

  it('T19: a kid that stands twice serves nobody, and the others go on', async () => {
    const set = keySetFrom({ keys: [published(good), published(spare), published(rsa, { kid: 'spare' })] });
    expect(await set.key('spare', 'ES256')).toBeUndefined();
    expect(await set.key('spare', 'RS256')).toBeUndefined();
    expect((await set.key('good', 'ES256'))?.type).toBe('public');
    expect(set.faults).toEqual(['kid "spare": stands more than once, so it serves nobody.']);
  });

  it('T19: a kid serves nobody even when its other key cannot be used', async () => {
    const { key, faults } = await spareOf({ kid: 'spare' });
    expect([key?.type, faults]).toEqual(['public', []]);
    const set = keySetFrom({ keys: [published(good), published(spare), published(spare, { use: 'enc' })] });
    expect(await set.key('spare', 'ES256')).toBeUndefined();
  });

  it.each([
    ['no kid', { kid: undefined }],
    ['an empty kid', { kid: '' }],
    ['a kid that is no string', { kid: 7 }],
    ['a kid of 257 characters', { kid: 'k'.repeat(257) }],
    ['another use', { use: 'tls' }],
    ['other operations', { key_ops: ['encrypt'] }],
    ['an algorithm of another type', { alg: 'RS256' }],
    ['another curve', { crv: 'P-384' }],
    ['another type', { kty: 'RSA' }],
    ['a padded coordinate', { x: `${spare.jwk['x']!}=` }],
    ['a short coordinate', { x: base64url(Buffer.alloc(31, 1)) }],
    ['a point off the curve', { y: spare.jwk['x'] }],
  ])('J4: leaves out a key with %s, and says so', async (_, changes) => {
    const { key, faults } = await spareOf(changes);
    expect(key).toBeUndefined();
    expect(faults).toEqual([expect.stringMatching(/^Key 1( \(kid .*\))?: .+\.$/)]);
  });

  it.each([
    ['encryption', { use: 'enc' }],
    ['encryption, without a kid', { use: 'enc', kid: undefined }],
    ['an algorithm that is not accepted here', { alg: 'ES384' }],
    ['an encryption algorithm', { alg: 'RSA-OAEP', kty: 'RSA' }],
    ['no algorithm that has a name', { alg: null }],
    ['another curve, without alg', { crv: 'P-384', alg: undefined }],
  ])('J1: leaves out a key for %s, which is no fault of the issuer', async (_, changes) => {
    const { key, faults, others } = await spareOf(changes);
    expect([key, faults, others]).toEqual([undefined, [], [expect.stringMatching(/^Key 1( \(kid .*\))?: is .+\.$/)]]);
  });

  it.each([
    ['a curve of another type', { kty: 'EC', crv: 'Ed25519' }],
    ['a type of another curve', { kty: 'OKP', crv: 'P-256' }],
  ])('J1: guesses no algorithm for a key without alg that has %s', async (_, changes) => {
    const { key, faults, others } = await spareOf({ ...changes, alg: undefined });
    const named = 'Key 1 (kid "spare"): is for no algorithm that is accepted here.';
    expect([key, faults, others]).toEqual([undefined, [], [named]]);
  });

  it('J1: reads no member that the type of the key does not have', async () => {
    const set = keySetFrom({ keys: [published(rsa, { crv: 'P-256', x: 'AAAA' })] });
    expect((await set.key('rsa', 'RS256'))?.equals(rsa.publicKey)).toBe(true);
  });

  it.each(['n', 'e'])('T9: takes an RSA key without %s for one whose numbers are wrong, before any import', (name) => {
    const { faults } = keySetFrom({ keys: [published(good), published(rsa, { [name]: '' })] });
    expect(faults).toEqual([expect.stringContaining("The key's numbers must be canonical base64url")]);
  });

  it('says which kids it can use', () => {
    const set = keySetFrom({
      keys: [published(good), published(rsa), published(rsa), published(spare, { use: 'enc' })],
    });
    expect(['good', 'rsa', 'spare', '__proto__'].map((kid) => set.has(kid))).toEqual([true, false, false, false]);
    expect(set.generation).toBe(keySetFrom(jwksOf(good)).generation);
  });

  it('names a kid only when it can be printed', () => {
    const { faults } = keySetFrom({ keys: [published(good), published(spare, { kid: 'a\u001b[2J', y: 'AAAA' })] });
    expect(faults).toEqual([expect.stringMatching(/^Key 1 \(kid \(not printable\)\): /)]);
  });

  it('T6: leaves out RSA keys that are short or have a small exponent', async () => {
    const short = makeKey('RS256', 'rsa', 1024);
    const faulty = [
      published(short),
      published(rsa, { e: 'AQ' }),
      published(rsa, { e: 'Aw' }),
      published(rsa, { e: '' }),
    ];
    for (const key of faulty) {
      const set = keySetFrom({ keys: [published(good), key] });
      expect(await set.key('rsa', 'RS256')).toBeUndefined();
      expect(set.faults).toHaveLength(1);
    }
  });

  it('T6: takes an RSA key of 4096 bits', async () => {
    const n = base64url(Buffer.concat([Buffer.of(0x80), Buffer.alloc(511, 0x55)]));
    const set = keySetFrom({ keys: [published(rsa, { n })] });
    expect((await set.key('rsa', 'RS256'))?.asymmetricKeyDetails?.modulusLength).toBe(4096);
  });

  it('T6: leaves out RSA keys of more than 4096 bits', async () => {
    const n = base64url(Buffer.concat([Buffer.of(0x80), Buffer.alloc(512, 0x55)]));
    const set = keySetFrom({ keys: [published(good), published(rsa, { n })] });
    expect(await set.key('rsa', 'RS256')).toBeUndefined();
  });

  it('T6: leaves out RSA keys whose modulus shows that they can be factored (ROCA)', async () => {
    // a power of 65537 is one modulo every prime: the fingerprint in its plainest form, with 2049 bits
    const n = base64url(Buffer.from((65_537n ** 128n).toString(16).padStart(514, '0'), 'hex'));
    const set = keySetFrom({ keys: [published(good), published(rsa, { n })] });
    expect(await set.key('rsa', 'RS256')).toBeUndefined();
    expect(set.faults).toEqual([expect.stringContaining('CVE-2017-15361')]);
  });

  it('T7: leaves out Ed25519 keys of low order', async () => {
    const key = makeKey('Ed25519', 'spare');
    const set = keySetFrom({ keys: [published(good), published(key, { x: base64url(Buffer.alloc(32)) })] });
    expect(await set.key('spare', 'EdDSA')).toBeUndefined();
    expect(set.faults).toEqual([expect.stringContaining('low order')]);
  });

  it.each([
    ['no object', null],
    ['an array', []],
    ['a JWK', published()],
    ['keys that are no array', { keys: {} }],
  ])('is a configuration error when it is %s', (_, jwks) => {
    expect(() => keySetFrom(jwks)).toThrow('This is no JWK Set: a JSON object with an array named keys is needed.');
  });

  it('is a configuration error when it has no usable key, and says why each is none', () => {
    expect(() => keySetFrom({ keys: [] })).toThrow('The JWK Set has no usable key.');
    expect(() => keySetFrom({ keys: [null, published(spare, { use: 'enc' })] })).toThrow(
      /no usable key\. Key 0: has no kid .* Key 1: is not for signatures/,
    );
    expect(() => keySetFrom({ keys: Array<Json>(9).fill(null) })).toThrow(/(Key \d: .*){5}$/);
    expect(() => keySetFrom({ keys: Array<Json>(9).fill(null) })).not.toThrow(/(Key \d: .*){6}/);
    expect(() => keySetFrom({ keys: [] })).toThrow(NoUsableKey);
    expect(new NoUsableKey('so').name).toBe('NoUsableKey');
    expect(() => keySetFrom({ keys: {} })).not.toThrow(NoUsableKey);
    expect(() => keySetFrom({ keys: [published(), published()] })).toThrow('stands more than once');
  });

  it('is a configuration error when it has more keys than anybody publishes', () => {
    expect(keySetFrom({ keys: [published(good), ...Array<Json>(99).fill(null)] }).faults).toHaveLength(99);
    expect(() => keySetFrom({ keys: Array<Json>(101).fill(published()) })).toThrow('at most 100');
  });

  it.each([
    ['d', { d: 'AAAA' }],
    ['an empty d', { d: '' }],
    ['k', { k: 'AAAA' }],
    ['kty oct', { kty: 'oct' }],
  ])('J5: is a configuration error when a key in it is secret: %s', (_, changes) => {
    const leaky = () => keySetFrom({ keys: [published(good), published(spare, changes)] });
    expect(leaky).toThrow('private or symmetric');
    expect(leaky).toThrow(NoUsableKey);
  });
});

/** JSON has no `undefined`. */
function defined(value: Json): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
