import { describe, expect, it } from '@jest/globals';

import { DEV, faultsOf, load, newJwks, newKey } from './fixture.js';

const ISSUERS = ['https://red.example', 'https://blue.example'].map((issuer) => ({
  issuer,
  jwks_file: 'jwks.json',
  algorithms: 'ES256',
  claims: { tenant: 'tenant' },
}));
const [RED, BLUE] = ISSUERS.map(({ issuer }) => issuer) as [string, string];
const PROVIDERS = ['one', 'two'].map((name) => ({ name, type: 'yaml', path: `${name}.yaml` }));
const files = { '/srv/postern/jwks.json': newJwks() };

const red = (changes: object = {}): object => ({
  id: 'red',
  issuers: [RED],
  mounts: 'kv',
  providers: ['one'],
  salt: newKey(),
  ...changes,
});
const blue = (changes: object = {}): object => red({ id: 'blue', issuers: [BLUE], providers: ['two'], ...changes });
const world = (...tenants: readonly object[]): object => ({ issuers: ISSUERS, providers: PROVIDERS, tenants });
const TEST = { ENVIRONMENT: 'test', AUDIT_DIR: 'audit', ROOT_KEY: newKey() };
const faults = (...tenants: readonly object[]): string[] => faultsOf(TEST, world(...tenants), files);

describe('the section tenants', () => {
  it('reads a tenant whole', () => {
    const salts = [
      { id: '1', key: newKey() },
      { id: '2026', key_file: 'new-salt' },
    ];
    const row = red({ salt: undefined, salts, acr_values: ['silver', 'gold'], policies: 'red-policies' });
    const { tenants } = load(TEST, world(row, blue()), { ...files, '/srv/postern/new-salt': newKey() });
    expect(tenants[0]).toEqual({
      id: 'red',
      issuers: [RED],
      claimOptional: false,
      mounts: [{ mount: 'kv' }],
      providers: ['one'],
      salts: [
        { id: '1', key: expect.anything() },
        { id: '2026', key: expect.anything() },
      ],
      acrValues: ['silver', 'gold'],
      policiesDir: '/srv/postern/red-policies',
    });
    expect(JSON.stringify(tenants)).not.toContain(salts[0]?.key);
  });

  it('has a tenant say which providers are its own where there is more than one', () => {
    expect(faults(red({ providers: undefined }), blue())).toEqual([
      'tenants[0].providers: is required where there is more than one provider: name its own',
    ]);
    const one = { ...world(red({ providers: undefined })), providers: PROVIDERS.slice(0, 1) };
    expect(load(TEST, one, files).tenants[0]?.providers).toEqual(['one']);
    expect(load(TEST, world(red({ providers: [] })), files).tenants[0]?.providers).toEqual([]);
  });

  const key = newKey();
  it.each<[string, readonly object[], readonly unknown[]]>([
    [
      'a salt beside salts',
      [red({ salts: [{ id: '1', key }] })],
      ['tenants[0].salt: stands beside salts: keep one of the two'],
    ],
    [
      'no salt',
      [red({ salt: undefined })],
      ['tenants[0].salt: is required outside dev: set it, or salt_file, or salts'],
    ],
    ['no salt in salts', [red({ salt: undefined, salts: [] })], ['tenants[0].salts: is empty: name one salt at least']],
    [
      'a salt twice',
      [
        red({
          salt: undefined,
          salts: [
            { id: '1', key },
            { id: '1', key: newKey() },
          ],
        }),
      ],
      ['tenants[0].salts: holds an id twice'],
    ],
    [
      'a text as salts',
      [red({ salt: undefined, salts: key })],
      ['tenants[0].salts: must be a list of maps with id and key, or id and key_file'],
    ],
    [
      'a text among salts',
      [red({ salt: undefined, salts: [key] })],
      ['tenants[0].salts[0]: must be a map of id and key (or key_file)'],
    ],
    [
      'salts that are wrong in every way',
      [
        red({
          salt: undefined,
          salts: [
            { id: 'a.b', key: 'c2hvcnQ=' },
            { key, kid: 1 },
          ],
        }),
      ],
      [
        expect.stringMatching(/^tenants\[0\]\.salts\[0\]\.id: must be 1 to 16/),
        expect.stringMatching(/^tenants\[0\]\.salts\[0\]\.key: is short/),
        'tenants[0].salts[1].kid: is unknown: write id and key, or id and key_file',
        'tenants[0].salts[1].id: is required: set it',
      ],
    ],
    [
      'a salt file that is not there',
      [red({ salt: undefined, salts: [{ id: '1', key_file: 'nowhere' }] })],
      [expect.stringMatching(/^tenants\[0\]\.salts\[0\]\.key_file: names a file that cannot be read/)],
    ],
    [
      "a mount on another tenant's provider",
      [red({ mounts: 'two://kv' }), blue()],
      ['tenants[0].mounts: holds "two://kv", but there is no provider two'],
    ],
    [
      'an acr value with a space',
      [red({ acr_values: ['gold silver'] })],
      [expect.stringMatching(/^tenants\[0\]\.acr_values: must be acr value/)],
    ],
    [
      'an acr value twice',
      [red({ acr_values: ['gold', 'silver', 'gold'] })],
      ['tenants[0].acr_values: holds "gold" twice: list each once, the weakest first'],
    ],
  ])('refuses %s', (_, tenants, expected) => {
    expect(faults(...tenants)).toEqual(expected);
  });

  it('tells every fault of every tenant at once', () => {
    const found = faults(
      red({ issuers: ['https://else.example'], providers: ['three'], acr_values: ['a b'], salt: undefined }),
      blue({ id: 'red', mounts: 'three://kv', policies: '' }),
    );
    expect(found.map((fault) => fault.split(':')[0])).toEqual([
      'tenants[0].acr_values',
      'tenants[0].issuers',
      'tenants[0].providers',
      'tenants[0].salt',
      'tenants[1].policies',
      'tenants[1].id',
      'tenants[1].mounts',
    ]);
  });

  it('N23: refuses one salt for two tenants, for two ids, and ROOT_KEY as a salt', () => {
    const again = (whose: string, of: string): string =>
      `tenants: hold, as a salt of ${of}, ${whose} once more: make another one with: openssl rand -base64 32`;
    expect(faults(red({ salt: key }), blue({ salt: key }))).toEqual([again('a salt of tenant red', 'blue')]);
    expect(faults(red({ salt: TEST.ROOT_KEY }))).toEqual([again('ROOT_KEY', 'red')]);
    const both = [
      { id: '1', key },
      { id: '2', key },
    ];
    expect(faults(red({ salt: undefined, salts: both }))).toEqual([again('a salt of tenant red', 'red')]);
  });

  it('warns of an issuer whose tokens can never name the tenant that trusts it', () => {
    const silent = ISSUERS.map((row) => (row.issuer === BLUE ? { ...row, claims: {} } : row));
    const { warnings } = load(TEST, { ...world(red(), blue()), issuers: silent }, files);
    expect(warnings).toContain(
      `Tenant blue trusts ${BLUE}, which has no claims.tenant: none of its tokens is the tenant's.`,
    );
    expect(warnings.filter((line) => line.includes('claims.tenant'))).toHaveLength(1);
  });
});

describe('TENANT_ACR_VALUES', () => {
  const one = { ...DEV, TENANT_ID: 'red', TENANT_ALLOWED_MOUNTS: 'kv' };

  it('are the one tenant’s, in their order', () => {
    expect(load({ ...one, TENANT_ACR_VALUES: 'urn:a:silver, urn:a:gold' }).tenants[0]?.acrValues).toEqual([
      'urn:a:silver',
      'urn:a:gold',
    ]);
    expect(load({ ...one, TENANT_ACR_VALUES: '' }).tenants[0]?.acrValues).toEqual([]);
  });

  it('stand neither twice nor beside tenants', () => {
    expect(faultsOf({ ...one, TENANT_ACR_VALUES: 'a,a' })).toEqual([
      'TENANT_ACR_VALUES: holds "a" twice: list each once, the weakest first',
    ]);
    expect(faultsOf({ ...TEST, TENANT_ACR_VALUES: 'a' }, world(red()), files)).toEqual([
      'TENANT_ACR_VALUES: stands beside tenants: keep one of the two',
    ]);
  });
});
