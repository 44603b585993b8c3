import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import type { Code } from '#libs/kernel/codes.js';
import { providerNames } from '#libs/kernel/provider-names.js';
import { Refusal } from '#libs/kernel/refusal.js';
import { parseSecretPrefix, SecretPrefix } from '#libs/kernel/secret-prefix.js';
import { parseSecretUri } from '#libs/kernel/secret-uri.js';

import { HOSTILE } from './hostile-uris.js';

const names = providerNames([
  { name: 'openbao', engine: 'kv2' },
  { name: 'hashicorp', engine: 'kv2' },
  { name: 'yaml' },
]);

describe('a prefix', () => {
  it.each([
    ['openbao://secret', 'openbao+kv2://secret'],
    ['VAULT://secret/app', 'hashicorp+kv2://secret/app'],
    ['yaml://secret/app/api', 'yaml://secret/app/api'],
  ])('%s is read as %s, and that as itself', (text, canonical) => {
    expect(parseSecretPrefix(text, names).toString()).toBe(canonical);
    expect(parseSecretPrefix(canonical, names).toString()).toBe(canonical);
  });

  it.each<[string, Code, string]>([
    ['yaml://secret#k', 'KEY_NOT_ALLOWED', 'prefix key'],
    ['yaml://secret/a#k?version=1', 'KEY_NOT_ALLOWED', 'prefix key'],
    ['yaml://secret?version=1', 'VERSION_NOT_ALLOWED', 'prefix version'],
    ['yaml://secret/', 'ILLEGAL_SEGMENT', 'uri empty segment'],
    ['yaml://', 'ILLEGAL_SEGMENT', 'uri mount'],
    ['yaml://secret/*', 'INVALID_WILDCARD', 'uri wildcard'],
    ['openbao://secret/metadata/app', 'API_PATH_IN_URI', 'uri api path'],
    ['yaml://secret/app#', 'INVALID_KEY', 'uri key'],
  ])('%s is %s', (text, code, check) => {
    const refusal = refused(text);
    expect([refusal.code, refusal.check]).toEqual([code, check]);
    expect(refusal.detail).toMatch(/^[\x20-\x7e]{10,1300}$/);
  });

  it('is too long when only its canonical form is', () => {
    const text = `vault://m/${Array(8).fill('x'.repeat(127)).join('/')}`.slice(0, 1_020);
    expect(refused(text).check).toBe('prefix canonical length');
    expect(parseSecretPrefix(text.slice(0, -4), names).toString()).toHaveLength(1_024);
  });

  it.each<[string, string, boolean]>([
    ['yaml://secret', 'yaml://secret/a', true],
    ['yaml://secret', 'yaml://secret/a/b/c?version=1#k', true],
    ['yaml://secret/app', 'yaml://secret/app', true],
    ['yaml://secret/app', 'yaml://secret/app/api', true],
    ['yaml://secret/app', 'yaml://secret/apple', false],
    ['yaml://secret/app', 'yaml://secret/apple/api', false],
    ['yaml://secret/app/api', 'yaml://secret/app', false],
    ['yaml://secret/app', 'yaml://secret/App/api', false],
    ['yaml://secret', 'yaml://secret2/a', false],
    ['openbao://secret', 'hashicorp://secret/a', false],
    ['vault://secret', 'hashicorp+kv2://secret/a', true],
  ])('%s covers %s: %s', (prefix, uri, covers) => {
    expect(parseSecretPrefix(prefix, names).covers(parseSecretUri(uri, names))).toBe(covers);
  });

  it('covers nothing of another engine, though the provider has the same name', () => {
    const other = providerNames([{ name: 'openbao', engine: 'kv9' }]);
    expect(parseSecretPrefix('openbao://secret', names).covers(parseSecretUri('openbao://secret/a', other))).toBe(
      false,
    );
  });

  it('covers exactly the secrets whose segments begin with its own', () => {
    const segments = fc.array(fc.constantFrom('a', 'aa', 'b', 'a.b'), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(segments, segments, (inside, wanted) => {
        fc.pre(wanted.length > 1);
        const uri = parseSecretUri(`yaml://${wanted.join('/')}`, names);
        const begins = `${wanted.join('/')}/`.startsWith(`${inside.join('/')}/`);
        expect(parseSecretPrefix(`yaml://${inside.join('/')}`, names).covers(uri)).toBe(begins);
      }),
    );
  });

  it('takes of the hostile corpus only what lacks nothing but a path', () => {
    const taken = HOSTILE.map(([text]) => text).filter((text) => read(text) instanceof SecretPrefix);
    expect(taken).toEqual(['openbao://secret']);
  });

  it('is not taken from an object that only looks like one', () => {
    const prefix = parseSecretPrefix('yaml://m', names);
    expect(SecretPrefix.is(prefix)).toBe(true);
    for (const other of [Object.assign({}, prefix), undefined, null, 'yaml://m']) {
      expect(SecretPrefix.is(other)).toBe(false);
    }
  });
});

function read(text: string): SecretPrefix | Refusal {
  try {
    return parseSecretPrefix(text, names);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

function refused(text: string): Refusal {
  const answer = read(text);
  if (answer instanceof Refusal) return answer;
  throw new Error(`was read: ${text}`);
}
