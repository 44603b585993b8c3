import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { ProviderNames } from '#libs/kernel/provider-names.js';
import { parseSecretUri, type SecretUri } from '#libs/kernel/secret-uri.js';
import type { ReadAnswer, SecretProvider } from '#libs/providers/secret-provider.js';

/** Mount → path, joined with `/` → key → value. */
export type Seed = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>;

/** A provider over a vault that holds exactly the seed, each path as its version 1. */
export interface SeededProvider {
  readonly provider: SecretProvider;
  /** The names that spell it; the first canonical one is used. */
  readonly names: ProviderNames;
  readonly keepsVersions: boolean;
  /** Makes the vault hold exactly this from now on, and resolves when the vault (not the provider) does. */
  reseed(seed: Seed): Promise<void>;
  /** Takes the vault away, so that reads must fail; left out where a vault cannot be away. */
  takeAway?(): Promise<void>;
  close(): Promise<void>;
}

const SEED: Seed = {
  app: {
    'payments/api': { token: 'seed-value-token', url: 'https://payments.example.com/?a=b#c', empty: '' },
    'payments/db': { password: 'seed-value-password' },
    'payments/api/v2': { token: 'seed-value-deeper' },
    Payments: { token: 'seed-value-upper' },
    texts: {
      lines: 'first\nsecond\n',
      umlaut: 'Zürich 🗝 \u0000end',
      spaces: '  both sides  ',
      number: '0012',
      yes: 'true',
    },
    own: { toString: 'seed-value-own' },
  },
  other: { 'payments/api': { token: 'seed-value-other-mount' } },
};

const LIVE = (): AbortSignal => new AbortController().signal;
/** A change in the vault must be served within this time. */
const SEEN_WITHIN_MS = 5_000;

/** Every MUST of the SecretProvider port; each adapter runs it against the vault it speaks to. */
export function secretProviderContract(name: string, make: (seed: Seed) => Promise<SeededProvider>): void {
  describe(`the secret provider ${name}`, () => {
    let seeded: SeededProvider;

    beforeEach(async () => {
      seeded = await make(SEED);
    });
    afterEach(async () => {
      await seeded.close();
    });

    /** `rest` is what follows `provider://`. */
    const uri = (rest: string): SecretUri => {
      const [spelled] = seeded.names.keys();
      return parseSecretUri(`${spelled}://${rest}`, seeded.names);
    };
    const read = async (rest: string): Promise<ReadAnswer> => await seeded.provider.read(uri(rest), LIVE());
    const valueOf = async (rest: string): Promise<unknown> => {
      const answer = await read(rest);
      return answer.kind === 'value' ? answer.value : answer.kind;
    };

    it("answers the key's string for a URI with a key", async () => {
      expect(await valueOf('app/payments/api#token')).toBe('seed-value-token');
      expect(await valueOf('app/payments/db#password')).toBe('seed-value-password');
    });

    it('answers the whole map for a URI without a key, and nothing of the paths below it', async () => {
      expect(await valueOf('app/payments/api')).toEqual(SEED['app']?.['payments/api']);
    });

    it.each(Object.keys(SEED['app']?.['texts'] ?? {}))('gives the text %s back octet for octet', async (key) => {
      expect(await valueOf(`app/texts#${key}`)).toBe(SEED['app']?.['texts']?.[key]);
    });

    it('takes an empty string for a value', async () => {
      expect(await valueOf('app/payments/api#empty')).toBe('');
    });

    it.each([
      ['an absent mount', 'nowhere/payments/api#token'],
      ['an absent path', 'app/payments/nothing#token'],
      ['an absent key', 'app/payments/api#nothing'],
      ['an absent path without a key', 'app/payments/nothing'],
      ['a path that only leads to others', 'app/payments'],
      ['a key below such a path', 'app/payments#token'],
      ['a path beyond a secret', 'app/payments/db/password'],
      ['the beginning of a segment', 'app/payments/ap#token'],
      ['a segment and more', 'app/payments/api2#token'],
      ['another case of a path', 'app/PAYMENTS#token'],
      ['another case of a key', 'app/payments/api#Token'],
      ['a path of another mount', 'other/payments/db#password'],
    ])('answers not_found for %s', async (_, rest) => {
      expect(await read(rest)).toEqual({ kind: 'not_found' });
    });

    it.each(['toString', 'valueOf', 'hasOwnProperty', 'length', '__defineGetter__', 'size', 'get'])(
      'finds nothing that a language lends to every object: %s',
      async (word) => {
        expect(await read(`app/payments/api#${word}`)).toEqual({ kind: 'not_found' });
        expect(await read(`app/${word}/api#token`)).toEqual({ kind: 'not_found' });
        expect(await read(`${word}/payments/api#token`)).toEqual({ kind: 'not_found' });
      },
    );

    it('finds a key of such a name when the vault holds one', async () => {
      expect(await valueOf('app/own#toString')).toBe('seed-value-own');
    });

    it('tells mounts apart', async () => {
      expect(await valueOf('other/payments/api#token')).toBe('seed-value-other-mount');
    });

    it('answers reads that run at once each with its own value', async () => {
      const paths = [
        'app/payments/api#token',
        'app/payments/db#password',
        'other/payments/api#token',
        'app/Payments#token',
      ];
      const many = Array.from({ length: 40 }, (_, at) => paths[at % paths.length] ?? '');
      const alone = new Map(await Promise.all(paths.map(async (path) => [path, await valueOf(path)] as const)));
      expect(await Promise.all(many.map(valueOf))).toEqual(many.map((path) => alone.get(path)));
    });

    it('lends nothing: what a reader does to a map changes no later answer', async () => {
      const first = await valueOf('app/payments/api');
      try {
        Object.assign(first as object, { token: 'changed by a reader' });
      } catch {
        // a frozen answer is as good as a copied one
      }
      expect(await valueOf('app/payments/api#token')).toBe('seed-value-token');
      expect(await valueOf('app/payments/api')).toEqual(SEED['app']?.['payments/api']);
    });

    it('answers a pinned version as that version or not at all', async () => {
      const pinned = await read('app/payments/api?version=1#token');
      const future = await read('app/payments/api?version=7#token');
      if (seeded.keepsVersions) {
        expect(pinned).toEqual({ kind: 'value', value: 'seed-value-token', version: 1 });
        expect(future).toEqual({ kind: 'not_found' });
      } else {
        expect([pinned, future]).toEqual([{ kind: 'version_unsupported' }, { kind: 'version_unsupported' }]);
      }
    });

    it('says the version of an unpinned answer exactly when it keeps versions', async () => {
      const answer = await read('app/payments/api#token');
      expect('version' in answer).toBe(seeded.keepsVersions);
    });

    it('rejects under a signal that is aborted', async () => {
      const late = async (): Promise<ReadAnswer> =>
        await seeded.provider.read(uri('app/payments/api#token'), AbortSignal.abort());
      await expect(late()).rejects.toThrow();
    });

    it('keeps no value: what changes in the vault is served, and what is gone is not found', async () => {
      expect(await valueOf('app/payments/api#token')).toBe('seed-value-token');
      await seeded.reseed({ app: { 'payments/api': { token: 'second-value-token' } } });
      await eventually(async () => {
        expect(await valueOf('app/payments/api#token')).toBe('second-value-token');
        expect(await read('app/payments/db#password')).toEqual({ kind: 'not_found' });
      });
    });

    it('throws when the vault is away, and its error names no mount, path, key or value', async () => {
      if (seeded.takeAway === undefined) return;
      await seeded.takeAway();
      const error: unknown = await read('app/payments/api#token').then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(Error);
      expect(String((error as Error).stack)).not.toMatch(/payments|#token|seed-value/);
    });
  });
}

/** Until it holds; the last failure when it never does. */
async function eventually(holds: () => Promise<void>): Promise<void> {
  const ends = Date.now() + SEEN_WITHIN_MS;
  for (;;) {
    try {
      await holds();
      return;
    } catch (error) {
      if (Date.now() > ends) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
