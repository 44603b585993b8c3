import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import { parse } from 'yaml';

import { packageRoot } from '#src/config/disk.js';
import { renderJsonSchema } from '#src/config/json-schema.js';
import { NOT_YET } from '#src/config/not-yet.js';
import { SECTIONS, SETTINGS } from '#src/config/schema.js';

import { blocks, pages } from '../docs/markdown.js';
import { newKey } from './fixture.js';

const ROOT = packageRoot();
const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Schema {
  readonly properties: Readonly<Record<string, Record<string, unknown>>>;
}

const schema = JSON.parse(renderJsonSchema()) as Schema;
// strict by default: an unknown keyword or a pattern that is none would be a slip of ours
const validate = new Ajv({ allErrors: true }).compile(schema);

/** Whether an editor would underline something. */
const errorsOf = (content: unknown): readonly string[] => {
  validate(content);
  return (validate.errors ?? []).map(({ instancePath, keyword }) => `${instancePath} ${keyword}`.trim());
};

const ISSUER = { issuer: 'https://id.example.com', jwks_file: 'keys.json', algorithms: ['ES256'] };
const TENANT = { id: 'red', issuers: 'https://id.example.com', mounts: ['red'] };

describe('config/postern.schema.json', () => {
  it('is what the table of settings says (npx postern config schema --write makes it)', () => {
    expect(textOf('config/postern.schema.json')).toBe(renderJsonSchema());
  });

  it('knows every setting with its description, and every name that is not supported yet as such', () => {
    for (const { name, description } of Object.values(SETTINGS)) {
      expect(schema.properties[name]?.['description']).toContain(description);
    }
    for (const name of [...Object.keys(SECTIONS), ...NOT_YET]) expect(schema.properties).toHaveProperty(name);
    for (const name of NOT_YET) expect(schema.properties[name]).toMatchObject({ deprecated: true });
  });

  it.each(['config/local.yaml', 'config/production.example.yaml'])(
    '%s names it for editors, and keeps to it',
    (path) => {
      const text = textOf(path);
      expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=postern.schema.json');
      expect(errorsOf(parse(text))).toEqual([]);
    },
  );

  it('finds nothing wrong with any configuration that a page shows', () => {
    const shown = pages()
      .flatMap((each) => blocks(each, 'yaml').map((text) => [each.path, parse(text) as object] as const))
      .filter(([, content]) => Object.keys(content).some((name) => name in schema.properties));
    expect(shown.length).toBeGreaterThan(5);
    for (const [path, content] of shown) expect([path, ...errorsOf(content)]).toEqual([path]);
  });

  it.each([
    ['an empty file with nothing set', {}],
    ['numbers and flags', { GRANT_TTL_MAX: 60, REQUIRE_URI_IN_PATH: true }],
    [
      'a list as a list and as text',
      { TENANT_ALLOWED_MOUNTS: ['a', 'yaml://b'], TRUSTED_PROXY_CIDRS: '10.0.0.0/8, ::1' },
    ],
    ['a secret, or the path of its file', { ROOT_KEY: newKey(), TENANT_SALT_FILE: '/run/salt' }],
    ['an issuer with nested claims', { issuers: [{ ...ISSUER, claims: { tenant: 'org', groups: 'roles' } }] }],
    [
      'a tenant with salts',
      {
        tenants: [
          {
            ...TENANT,
            salts: [
              { id: '1', key: newKey() },
              { id: '2', key_file: '/k' },
            ],
          },
        ],
      },
    ],
  ])('takes %s', (_, content) => {
    expect(errorsOf(content)).toEqual([]);
  });

  it.each([
    ['a wrong name', { TENANT_IDD: 'a' }, 'additionalProperties'],
    ['a wrong name in a section', { issuers: [{ ...ISSUER, algoritms: [] }] }, '/issuers/0 additionalProperties'],
    [
      'a wrong name in a nested map',
      { issuers: [{ ...ISSUER, claims: { tennant: 'x' } }] },
      '/issuers/0/claims additionalProperties',
    ],
    [
      'a wrong name in a salt',
      { tenants: [{ ...TENANT, salts: [{ id: '1', kee: 'x' }] }] },
      '/tenants/0/salts/0 additionalProperties',
    ],
    ['text for a number', { GRANT_TTL_MAX: 'soon' }, '/GRANT_TTL_MAX type'],
    ['a number out of range', { CLOCK_LEEWAY_SECONDS: 61 }, '/CLOCK_LEEWAY_SECONDS maximum'],
    ['text for a flag', { ALLOW_UNBOUND_TOKENS: 'yes' }, '/ALLOW_UNBOUND_TOKENS type'],
    ['a number for a text', { TENANT_ID: 12 }, '/TENANT_ID type'],
    ['a word that is none', { ENVIRONMENT: 'prod' }, '/ENVIRONMENT enum'],
    ['no origin', { PUBLIC_ORIGIN: 'secrets.example.com' }, '/PUBLIC_ORIGIN pattern'],
    ['no address to listen on', { LISTEN_ADDR: 'everywhere' }, '/LISTEN_ADDR pattern'],
    ['nothing after a name', { TENANT_ID: null }, '/TENANT_ID type'],
    ['a section that is no list', { providers: 'yaml' }, '/providers type'],
    ['a row without what it needs', { providers: [{ name: 'a' }] }, '/providers/0 required'],
    ['a secret beside its file', { ROOT_KEY: newKey(), ROOT_KEY_FILE: '/run/key' }, 'not'],
    ['a salt beside its file', { tenants: [{ ...TENANT, salt: newKey(), salt_file: '/s' }] }, '/tenants/0 not'],
    ['a key that is short', { ROOT_KEY: newKey(16) }, '/ROOT_KEY minLength'],
    ['an algorithm that is none', { issuers: [{ ...ISSUER, algorithms: ['HS256'] }] }, '/issuers/0/algorithms/0 enum'],
  ])('underlines %s', (_, content, where) => {
    expect(errorsOf(content)).toContain(where);
  });

  it('says the default of each setting as the loader has it, valid by the schema itself', () => {
    for (const { name, default: preset } of Object.values(SETTINGS)) {
      expect(schema.properties[name]?.['default']).toEqual(preset);
      if (preset !== undefined) expect(errorsOf({ [name]: preset })).toEqual([]);
    }
  });
});
