import { afterEach, describe, expect, it } from '@jest/globals';

import type { KeySource } from '#libs/identity/issuers.js';
import type { Json } from '#libs/kernel/json.js';

import { base64url, jwksOf, makeKey, type KeyAlgorithm, type SigningKey } from '../support/tokens.js';

/** A source of the keys that a JWK Set publishes, and what it told the operator. */
export interface OpenKeySource {
  readonly source: KeySource;
  readonly told: readonly string[];
  close(): Promise<void>;
}

const good = makeKey('ES256', 'good');
const second = makeKey('ES256', 'second');
const rsa = makeKey('RS256', 'rsa');
const ed = makeKey('Ed25519', 'ed');

/** Every MUST of the KeySource port; each adapter runs it. */
export function keySourceContract(name: string, open: (jwks: Json) => Promise<OpenKeySource>): void {
  describe(`the key source ${name}`, () => {
    let opened: OpenKeySource | undefined;

    const sourceOf = async (jwks: Json): Promise<KeySource> => {
      opened = await open(jwks);
      return opened.source;
    };
    afterEach(async () => {
      await opened?.close();
      opened = undefined;
    });

    it.each(['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'] as KeyAlgorithm[])(
      'J1, J2: finds a key for %s by its kid',
      async (alg) => {
        const key = makeKey(alg);
        const found = await (await sourceOf(jwksOf(good, key))).key('key-1', alg);
        expect(found?.equals(key.publicKey)).toBe(true);
        expect(found?.type).toBe('public');
      },
    );

    it('J1: one key serves one algorithm', async () => {
      const source = await sourceOf(jwksOf(good, rsa));
      for (const algorithm of ['PS256', 'ES256', 'EdDSA', 'rs256', 'HS256', 'none', '']) {
        expect(await source.key('rsa', algorithm)).toBeUndefined();
      }
      expect(await source.key('rsa', 'RS256')).toBeDefined();
    });

    it('J9: a kid is data: what is no kid of the set finds nothing, and nothing goes wrong', async () => {
      const source = await sourceOf(jwksOf(good));
      const kids = [
        '',
        'Good',
        'good ',
        'good\0',
        '__proto__',
        'constructor',
        '../good',
        "' or 1=1",
        '\ud800',
        'k'.repeat(10_000),
      ];
      for (const kid of kids) expect(await source.key(kid, 'ES256')).toBeUndefined();
      expect(await source.key('good', 'ES256')).toBeDefined();
    });

    it('T19: a kid that two keys have serves nobody, in whatever order they stand, and the operator is told', async () => {
      const twins = [
        [second, { ...makeKey('ES256', 'second') }],
        [makeKey('ES256', 'second'), second],
      ] as const;
      for (const pair of twins) {
        const source = await sourceOf(jwksOf(good, ...pair));
        expect(await source.key('second', 'ES256')).toBeUndefined();
        expect(await source.key('good', 'ES256')).toBeDefined();
        expect(opened?.told.join()).toMatch(/kid "second": stands more than once/);
        await opened?.close();
      }
    });

    it.each([
      ['T6: an RSA key of 1024 bits', published(makeKey('RS256', 'weak', 1024)), 'RS256', /2048 to 4096/],
      ['T6: an RSA key with the exponent 1', published(rsa, { kid: 'weak', e: 'AQ' }), 'RS256', /65537/],
      [
        'T6: an RSA key that can be factored (ROCA)',
        published(rsa, { kid: 'weak', n: roca() }),
        'RS256',
        /CVE-2017-15361/,
      ],
      [
        'T7: an Ed25519 key of low order',
        published(ed, { kid: 'weak', x: base64url(Buffer.alloc(32)) }),
        'EdDSA',
        /low order/,
      ],
      ['J4: a point off the curve', published(second, { kid: 'weak', y: second.jwk['x']! }), 'ES256', /no public key/],
      ['T9: a padded coordinate', published(second, { kid: 'weak', x: `${second.jwk['x']!}=` }), 'ES256', /canonical/],
    ] as [string, Json, string, RegExp][])(
      '%s is left out, and the operator is told',
      async (_name, weak, algorithm, why) => {
        const source = await sourceOf({ keys: [published(good), weak] });
        expect(await source.key('weak', algorithm)).toBeUndefined();
        expect(await source.key('good', 'ES256')).toBeDefined();
        expect(opened?.told.join()).toMatch(why);
      },
    );

    it('a key for something else is left out, and nobody is told', async () => {
      const source = await sourceOf({ keys: [published(good), published(second, { use: 'enc' })] });
      expect(await source.key('second', 'ES256')).toBeUndefined();
      expect(opened?.told).toEqual([]);
    });

    it('answers many at once, each by its own kid', async () => {
      const source = await sourceOf(jwksOf(good, second));
      const kids = Array.from({ length: 200 }, (_, at) => (at % 2 === 0 ? 'good' : 'second'));
      const found = await Promise.all(kids.map((kid) => source.key(kid, 'ES256')));
      found.forEach((key, at) => {
        expect(key?.equals((at % 2 === 0 ? good : second).publicKey)).toBe(true);
      });
    });

    it('N32: keeps its generation while its keys stay', async () => {
      const source = await sourceOf(jwksOf(good));
      const { generation } = source;
      await source.key('good', 'ES256');
      await source.key('nobody', 'ES256');
      expect(source.generation).toBe(generation);
    });
  });
}

function published(key: SigningKey, changes: Readonly<Record<string, string>> = {}): Json {
  return { ...key.jwk, kid: key.kid, alg: key.alg, use: 'sig', ...changes };
}

/** A power of 65537 is one modulo every prime: the fingerprint in its plainest form, with 2049 bits. */
function roca(): string {
  return base64url(Buffer.from((65_537n ** 128n).toString(16).padStart(514, '0'), 'hex'));
}
