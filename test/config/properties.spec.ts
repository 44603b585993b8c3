import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import * as fc from 'fast-check';
import { stringify } from 'yaml';

import { ConfigError } from '#src/config/faults.js';
import { inspectConfig } from '#src/config/inspect.js';
import { renderJsonSchema } from '#src/config/json-schema.js';
import { type Raw, Wrong } from '#src/config/kinds.js';
import { loadConfig } from '#src/config/load.js';
import { NOT_YET } from '#src/config/not-yet.js';
import { SECTIONS, SETTINGS } from '#src/config/schema.js';
import type { Setting } from '#src/config/setting.js';

import { newJwks, newKey } from './fixture.js';

const settings: readonly Setting<unknown>[] = Object.values(SETTINGS);
const isValid = new Ajv({ allErrors: true }).compile(JSON.parse(renderJsonSchema()) as object);

/** Text that some setting takes, or nearly. */
const words = `
  dev production true false 0 1 65 99999 off required memory redis file kafka yaml embedded 127.0.0.1:0 [::1]:8080 localhost:80
  https://a.example http://127.0.0.1:8080 https://a.example/ https://a.example/x 10.0.0.0/8 ::/0 2001:db8::/32 1.2.3.4 50/100 0.5/1
  a a,b yaml://a,b urn:a ES256 keys.json .* [ ${'A'.repeat(43)} ${'ab:'.repeat(31)}ab
`;
const word = fc.constantFrom(...words.trim().split(/\s+/), newKey(), newKey().replace(/=$/, ''), newKey(16));
const scalar: fc.Arbitrary<Raw> = fc.oneof(
  word,
  fc.string({ maxLength: 40 }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const raw: fc.Arbitrary<Raw> = fc.oneof(
  { weight: 4, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
);

const members = Object.values(SECTIONS).flatMap(({ members: rows }) =>
  Object.values<Setting<unknown>>(rows).map(({ name }) => name),
);
const row: fc.Arbitrary<Raw> = fc.dictionary(
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...members.map((name) => name.split('.')[0] ?? '')) },
    fc.string({ maxLength: 9 }),
  ),
  fc.oneof(
    raw,
    fc.dictionary(fc.constantFrom('tenant', 'groups', 'scopes', 'id', 'key', 'key_file'), raw),
    fc.array(fc.dictionary(fc.constantFrom('id', 'key', 'key_file', 'x'), raw)),
  ),
  { maxKeys: 6 },
);
const names = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...settings.map(({ name }) => name)) },
  fc.constantFrom(
    ...NOT_YET,
    'ROOT_KEY_FILE',
    'TENANT_SALT_FILE',
    'TLS_KEY_FILE',
    'TENANT_IDD',
    '__proto__',
    'constructor',
  ),
);
const file = fc
  .tuple(
    fc.dictionary(names, raw, { maxKeys: 12 }),
    fc.dictionary(
      fc.constantFrom(...Object.keys(SECTIONS)),
      fc.oneof({ weight: 5, arbitrary: fc.array(row, { maxLength: 3 }) }, raw),
    ),
  )
  .map(([set, sections]) => ({ ...set, ...sections }));
const env = fc.dictionary(names, fc.oneof(word, fc.string({ maxLength: 20 })), { maxKeys: 8 });

const JWKS = newJwks();
const options = (variables: Record<string, string>, content: unknown) => ({
  env: variables,
  profile: '/etc/postern.yaml',
  directory: '/srv',
  readFile: (path: string) => {
    if (path === '/etc/postern.yaml')
      return { text: stringify(content, { aliasDuplicateObjects: false }), mode: 0o644 };
    if (path === '/srv/keys.json') return { text: JWKS, mode: 0o644 };
    throw new Error(`ENOENT: ${path}`);
  },
});

describe('whatever is configured', () => {
  it('is a configuration or one list of sentences, and never an error of another kind', () => {
    fc.assert(
      fc.property(env, file, (variables, content) => {
        try {
          expect(loadConfig(options(variables, content)).warnings.every((warning) => /[.?]$/.test(warning))).toBe(true);
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
          expect(error.faults.length).toBeGreaterThan(0);
          for (const { path, what } of error.faults) {
            expect(path).not.toBe('');
            expect(what).toMatch(/^\S/);
            expect(what).not.toMatch(/undefined|\[object|\n/);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('is shown without its secrets, by the same verdict as a start gives', () => {
    fc.assert(
      fc.property(env, file, fc.constantFrom('ROOT_KEY', 'TENANT_SALT', 'TLS_KEY'), (variables, content, name) => {
        const secret = newKey();
        const given = options({ ...variables, [name]: secret }, { ...content, [name]: secret });
        const shown = inspectConfig(given);
        expect(JSON.stringify(shown)).not.toContain(secret);
        let faults: ConfigError['faults'] = [];
        try {
          loadConfig(given);
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
          ({ faults } = error);
        }
        expect(shown.faults).toEqual(faults);
      }),
      { numRuns: 30 },
    );
  });
});

describe('config/postern.schema.json against the loader', () => {
  it('calls nothing wrong that the loader takes, but for text where a number or a flag belongs', () => {
    fc.assert(
      fc.property(fc.constantFrom(...settings), raw, ({ name, kind }, value) => {
        if (value === null || value === '') return;
        try {
          kind.read(value);
        } catch (error) {
          if (!(error instanceof Wrong)) throw error;
          return;
        }
        const { type } = kind.json as { type?: string };
        const textForAnother = typeof value === 'string' && (type === 'integer' || type === 'boolean');
        expect([name, value, isValid({ [name]: value })]).toEqual([name, value, !textForAnother]);
      }),
      { numRuns: 5_000 },
    );
  });
});
