import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import type { Code } from '#libs/kernel/codes.js';
import { providerNames } from '#libs/kernel/provider-names.js';
import { Refusal } from '#libs/kernel/refusal.js';
import { parseSecretUri, SecretUri, type ProviderNames } from '#libs/kernel/secret-uri.js';

import { anyText } from '../support/any-text.js';
import { HOSTILE } from './hostile-uris.js';

const names = providerNames([
  { name: 'openbao', engine: 'kv2' },
  { name: 'openbao-eu', engine: 'kv2' },
  { name: 'hashicorp', engine: 'kv2' },
  { name: 'yaml' },
]);

const GRAMMAR = /^[A-Za-z0-9._\-+:/?=#]+$/;

describe('a secret URI that is well formed', () => {
  it.each([
    ['openbao+kv2://secret/app/api#token', 'openbao+kv2://secret/app/api#token'],
    ['openbao://secret/a', 'openbao+kv2://secret/a'],
    ['OPENBAO://secret/a', 'openbao+kv2://secret/a'],
    ['OpenBao-EU+kv2://secret/a', 'openbao-eu+kv2://secret/a'],
    ['vault://secret/a', 'hashicorp+kv2://secret/a'],
    ['Vault+kv2://secret/a', 'hashicorp+kv2://secret/a'],
    ['yaml://secret/app/api#token', 'yaml://secret/app/api#token'],
    ['yaml://secret/a?version=7', 'yaml://secret/a?version=7'],
    ['openbao://secret/a?version=7#k', 'openbao+kv2://secret/a?version=7#k'],
    ['openbao://secret/a#k?version=7', 'openbao+kv2://secret/a?version=7#k'],
    ['openbao://secret/a?version=2147483647', 'openbao+kv2://secret/a?version=2147483647'],
    ['openbao://Secret/App/a.b_c-d', 'openbao+kv2://Secret/App/a.b_c-d'],
    ['openbao://secret/...', 'openbao+kv2://secret/...'],
    ['openbao://secret/data', 'openbao+kv2://secret/data'],
    ['openbao://secret/metadata#k', 'openbao+kv2://secret/metadata#k'],
    ['openbao://secret/app/data/x', 'openbao+kv2://secret/app/data/x'],
    ['openbao://data/x', 'openbao+kv2://data/x'],
    ['yaml://secret/data/x', 'yaml://secret/data/x'],
    ['openbao://secret/Data/x', 'openbao+kv2://secret/Data/x'],
    ['openbao://secret/__proto', 'openbao+kv2://secret/__proto'],
    ['yaml://m/a#..', 'yaml://m/a#..'],
  ])('%s is read as %s', (text, canonical) => {
    expect(parseSecretUri(text, names).toString()).toBe(canonical);
  });

  it('comes apart into its parts', () => {
    const uri = parseSecretUri('vault://teams/a/kv/db?version=3#password', names);
    expect(Object.assign({}, uri)).toEqual({
      provider: 'hashicorp',
      engine: 'kv2',
      mount: 'teams',
      path: ['a', 'kv', 'db'],
      key: 'password',
      version: 3,
    });
    expect(uri.unversioned()).toBe('hashicorp+kv2://teams/a/kv/db#password');
    expect(uri.wholeMap()).toBe('hashicorp+kv2://teams/a/kv/db');
  });

  it('holds 16 segments, 128 characters a segment and a key, and 1,024 in all', () => {
    const long = 'x'.repeat(128);
    expect(parseSecretUri(`yaml://m/${Array(15).fill('s').join('/')}`, names).path).toHaveLength(15);
    expect(parseSecretUri(`yaml://${long}/${long}#${long}`, names).key).toBe(long);
    const full = `yaml://m/${Array(8).fill('x'.repeat(126)).join('/')}`.slice(0, 1_024);
    expect(parseSecretUri(full, names).toString()).toHaveLength(1_024);
  });
});

describe('a secret URI that is refused', () => {
  it.each<[string, Code, string]>([
    ['openbao://secret//a', 'ILLEGAL_SEGMENT', 'uri empty segment'],
    ['openbao://secret/a/', 'ILLEGAL_SEGMENT', 'uri empty segment'],
    ['openbao:///a', 'ILLEGAL_SEGMENT', 'uri empty segment'],
    ['openbao://secret/./a', 'ILLEGAL_SEGMENT', 'uri reserved segment'],
    ['openbao://secret/../a', 'ILLEGAL_SEGMENT', 'uri reserved segment'],
    ['openbao://secret/constructor', 'ILLEGAL_SEGMENT', 'uri reserved segment'],
    ['openbao://secret/a%2Fb', 'ILLEGAL_SEGMENT', 'uri percent'],
    ['openbao://secret/a b', 'ILLEGAL_SEGMENT', 'uri segment'],
    [`openbao://secret/${'x'.repeat(129)}`, 'ILLEGAL_SEGMENT', 'uri segment length'],
    ['openbao:secret/a', 'ILLEGAL_SEGMENT', 'uri scheme'],
    ['://secret/a', 'ILLEGAL_SEGMENT', 'uri scheme'],
    ['openbao://', 'ILLEGAL_SEGMENT', 'uri mount'],
    ['openbao://secret', 'ILLEGAL_SEGMENT', 'uri path'],
    ['openbao://secret/a#k#l', 'ILLEGAL_SEGMENT', 'uri two #'],
    ['openbao://secret/*', 'INVALID_WILDCARD', 'uri wildcard'],
    ['openbao://secret/a#*', 'INVALID_WILDCARD', 'uri wildcard'],
    ['doppler://secret/a', 'UNSUPPORTED_PROVIDER', 'uri provider'],
    ['openbao+kv1://secret/a', 'UNSUPPORTED_ENGINE', 'uri engine'],
    ['openbao+KV2://secret/a', 'UNSUPPORTED_ENGINE', 'uri engine'],
    ['openbao+://secret/a', 'UNSUPPORTED_ENGINE', 'uri engine'],
    ['yaml+kv2://secret/a', 'UNSUPPORTED_ENGINE', 'uri engine'],
    ['openbao://secret/a?version=1&version=1', 'AMBIGUOUS_QUERY', 'uri version twice'],
    ['openbao://secret/a?version=1#k?version=1', 'AMBIGUOUS_QUERY', 'uri two ?'],
    ['openbao://secret/a?ttl=1', 'UNKNOWN_PARAMETER', 'uri parameter'],
    ['openbao://secret/a?Version=1', 'UNKNOWN_PARAMETER', 'uri parameter'],
    ['openbao://secret/a?version=1&', 'UNKNOWN_PARAMETER', 'uri parameter'],
    ['openbao://secret/a?mount=kv', 'DOUBLE_MOUNT_SOURCE', 'uri mount parameter'],
    ['openbao://secret/a?version=1&mount=kv', 'DOUBLE_MOUNT_SOURCE', 'uri mount parameter'],
    ['openbao://secret/a?version=0', 'INVALID_VERSION', 'uri version'],
    ['openbao://secret/a?version=01', 'INVALID_VERSION', 'uri version'],
    ['openbao://secret/a?version=+1', 'INVALID_VERSION', 'uri version'],
    ['openbao://secret/a?version=1e1', 'INVALID_VERSION', 'uri version'],
    ['openbao://secret/a?version=2147483648', 'INVALID_VERSION', 'uri version'],
    ['openbao://secret/a?version=99999999999999999999', 'INVALID_VERSION', 'uri version'],
    ['openbao://secret/a?version', 'INVALID_VERSION', 'uri version'],
    ['openbao://secret/a?version=', 'INVALID_VERSION', 'uri version'],
    ['openbao://secret/a#', 'INVALID_KEY', 'uri key'],
    ['openbao://secret/a#?version=1', 'INVALID_KEY', 'uri key'],
    ['openbao://secret/a#a/b', 'INVALID_KEY', 'uri key'],
    ['openbao://secret/a#__proto__', 'INVALID_KEY', 'uri key'],
    [`openbao://secret/a#${'x'.repeat(129)}`, 'INVALID_KEY', 'uri key'],
    [`openbao://secret/${'x/'.repeat(15)}x`, 'URI_TOO_LONG', 'uri segments'],
    [`openbao://secret/${'x/'.repeat(600)}*`, 'URI_TOO_LONG', 'uri length'],
    ['openbao://secret/data/app', 'API_PATH_IN_URI', 'uri api path'],
    ['vault://secret/metadata/app/api#k', 'API_PATH_IN_URI', 'uri api path'],
  ])('%s is %s', (text, code, check) => {
    const refusal = refused(text);
    expect([refusal.code, refusal.check]).toEqual([code, check]);
    expect(refusal.detail).toMatch(/^[\x20-\x7e]{10,1300}$/);
  });

  it('is told how the secret is named when an API path was pasted', () => {
    expect(refused('vault://secret/data/app/api?version=2#k').detail).toMatch(/ vault:\/\/secret\/app\/api$/);
    expect(refused('openbao+kv2://secret/data/metadata/data/x').detail).toMatch(/ openbao\+kv2:\/\/secret\/x$/);
    expect(refused('openbao://secret/metadata/data').detail).toMatch(/ openbao:\/\/secret\/data$/);
  });

  it('does not hear of providers that it did not name', () => {
    expect(refused('doppler://secret/a').detail).not.toMatch(/openbao|hashicorp|yaml/);
    expect(refused('yaml+kv9://secret/a').detail).not.toMatch(/kv2/);
  });

  it('gets nothing back that is not printable', () => {
    expect(refused('openbao://secret/a\u001b[31m').detail).toContain('(not printable)');
    expect(refused('openbao://secret/a"b').detail).toContain('(not printable)');
  });

  it('is too long when only its canonical form is', () => {
    const text = `vault://m/${Array(8).fill('x'.repeat(127)).join('/')}`.slice(0, 1_020);
    expect(refused(text).check).toBe('uri canonical length');
    expect(parseSecretUri(text.slice(0, -4), names).toString()).toHaveLength(1_024);
  });
});

describe('the hostile corpus', () => {
  it('holds at least 150 strings, each once', () => {
    expect(HOSTILE.length).toBeGreaterThanOrEqual(150);
    expect(new Set(HOSTILE.map(([text]) => text)).size).toBe(HOSTILE.length);
  });

  it.each(HOSTILE.map(([text, code]): [string, string, Code] => [JSON.stringify(text).slice(0, 90), text, code]))(
    '%s',
    (_shown, text, code) => {
      expect(refused(text).code).toBe(code);
    },
  );

  it('is refused whatever the table of providers holds', () => {
    const none: ProviderNames = new Map();
    for (const [text] of HOSTILE) expect(() => parseSecretUri(text, none)).toThrow(Refusal);
  });
});

describe('any string', () => {
  const near = fc.string({
    unit: fc.constantFrom(...'ab.-_/:#?=+&%* versiondatkyml1029\\@\0\u00e9'.split('')),
    maxLength: 60,
  });
  const tail = near.map((text) => `yaml://m/${text}`);

  it('is either refused or made of the grammar and equal to itself when read again', () => {
    let [tried, read] = [0, 0];
    fc.assert(
      fc.property(fc.oneof(anyText(), near, tail), (text) => {
        tried += 1;
        let uri: SecretUri;
        try {
          uri = parseSecretUri(text, names);
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal);
          return;
        }
        read += 1;
        expect(text).toMatch(GRAMMAR);
        expect(parseSecretUri(uri.toString(), names).toString()).toBe(uri.toString());
      }),
      { numRuns: 3_000 },
    );
    expect(read).toBeGreaterThan(tried / 300);
  });
});

describe('a generated URI', () => {
  it('is read to the canonical form however it is spelled', () => {
    fc.assert(
      fc.property(parts, spelling, (wanted, how) => {
        const uri = parseSecretUri(spelled(wanted, how), names);
        expect(uri.toString()).toBe(canonical(wanted));
        expect(uri.path).toEqual(wanted.path);
        expect([uri.key, uri.version]).toEqual([wanted.key, wanted.version]);
      }),
    );
  });

  it('is the same secret as its canonical form, and its parts build that form again', () => {
    fc.assert(
      fc.property(parts, (wanted) => {
        const text = canonical(wanted);
        const uri = parseSecretUri(text, names);
        expect(uri.toString()).toBe(text);
        expect(parseSecretUri(uri.unversioned(), names).version).toBeUndefined();
        expect(parseSecretUri(uri.wholeMap(), names).toString()).toBe(
          canonical({ ...wanted, key: undefined, version: undefined }),
        );
      }),
    );
  });

  it('differs from every other one', () => {
    fc.assert(
      fc.property(parts, parts, (one, two) => {
        const same = JSON.stringify(one) === JSON.stringify(two);
        expect(
          parseSecretUri(canonical(one), names).toString() === parseSecretUri(canonical(two), names).toString(),
        ).toBe(same);
      }),
    );
  });
});

describe('the class of a parsed URI', () => {
  it('is not taken from an object that only looks like one', () => {
    const uri = parseSecretUri('yaml://m/a', names);
    expect(SecretUri.is(uri)).toBe(true);
    expect(SecretUri.is(Object.assign({}, uri))).toBe(false);
    expect(SecretUri.is(Object.create(SecretUri.prototype))).toBe(false);
    expect([SecretUri.is(null), SecretUri.is(undefined), SecretUri.is('yaml://m/a')]).toEqual([false, false, false]);
  });

  it('is made by no one else', () => {
    // @ts-expect-error the constructor is private
    const make = (): SecretUri => new SecretUri({});
    const uri = parseSecretUri('yaml://m/a', names);
    // @ts-expect-error a spread loses what makes it one
    const spread: SecretUri = { ...uri }; // oxlint-disable-line typescript/no-misused-spread
    expect([typeof make, SecretUri.is(spread)]).toEqual(['function', false]);
  });
});

describe('the table of provider names', () => {
  it('has vault exactly when it has hashicorp', () => {
    expect(names.get('vault')).toBe(names.get('hashicorp'));
    expect(providerNames([{ name: 'openbao', engine: 'kv2' }]).has('vault')).toBe(false);
  });

  it('has an engine exactly for what was given one', () => {
    expect(names.get('yaml')).toStrictEqual({ name: 'yaml' });
    expect(names.get('openbao')).toStrictEqual({ name: 'openbao', engine: 'kv2' });
  });

  it.each([
    [[{ name: 'OpenBao' }], /OpenBao/],
    [[{ name: '' }], /not a-z/],
    [[{ name: '1bao' }], /1bao/],
    [[{ name: 'a+b' }], /a\+b/],
    [[{ name: 'vault', engine: 'kv2' }], /another spelling/],
    [[{ name: 'yaml' }, { name: 'yaml' }], /twice/],
    [[{ name: 'bao', engine: 'KV2' }], /KV2/],
    [[{ name: 'bao', engine: '' }], /Engine/],
    [[{ name: 'bao', engine: 'KVkv2' }], /Engine/],
    [[{ name: 'bao', engine: 'kv2-' }], /Engine/],
  ])('does not take %j', (instances, message) => {
    expect(() => providerNames(instances)).toThrow(message);
  });
});

interface Wanted {
  readonly provider: string;
  readonly engine: string | undefined;
  readonly mount: string;
  readonly path: readonly string[];
  readonly key: string | undefined;
  readonly version: number | undefined;
}

const alphabet = 'ABCXYZabcxyz0189._-'.split('');
const word = fc.string({ unit: fc.constantFrom(...alphabet), minLength: 1, maxLength: 12 });
const segment = word.filter((text) => text !== '.' && text !== '..');
const parts: fc.Arbitrary<Wanted> = fc
  .record({
    provider: fc.constantFrom('openbao', 'openbao-eu', 'hashicorp', 'yaml'),
    mount: segment,
    path: fc.array(segment, { minLength: 1, maxLength: 15 }),
    key: fc.option(word, { nil: undefined }),
    version: fc.option(fc.integer({ min: 1, max: 2 ** 31 - 1 }), { nil: undefined }),
  })
  .map((made) => ({ ...made, engine: made.provider === 'yaml' ? undefined : 'kv2' }));

const spelling = fc.record({
  upper: fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
  engineLeftOut: fc.boolean(),
  alias: fc.boolean(),
  older: fc.boolean(),
});

function canonical(wanted: Wanted): string {
  const scheme = wanted.engine === undefined ? wanted.provider : `${wanted.provider}+${wanted.engine}`;
  const query = wanted.version === undefined ? '' : `?version=${wanted.version}`;
  const fragment = wanted.key === undefined ? '' : `#${wanted.key}`;
  return `${scheme}://${[wanted.mount, ...wanted.path].join('/')}${query}${fragment}`;
}

function spelled(
  wanted: Wanted,
  how: { upper: boolean[]; engineLeftOut: boolean; alias: boolean; older: boolean },
): string {
  const name = how.alias && wanted.provider === 'hashicorp' ? 'vault' : wanted.provider;
  const cased = name
    .split('')
    .map((letter, at) => (how.upper[at] === true ? letter.toUpperCase() : letter))
    .join('');
  const engine = how.engineLeftOut || wanted.engine === undefined ? '' : `+${wanted.engine}`;
  const query = wanted.version === undefined ? '' : `?version=${wanted.version}`;
  const fragment = wanted.key === undefined ? '' : `#${wanted.key}`;
  const tail = how.older ? `${fragment}${query}` : `${query}${fragment}`;
  return `${cased}${engine}://${[wanted.mount, ...wanted.path].join('/')}${tail}`;
}

function refused(text: string): Refusal {
  try {
    parseSecretUri(text, names);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error(`was read: ${text}`);
}
