import { generateKeyPairSync } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';

import { faultsOf, load, newJwks, newKey, type Env, type Files } from './fixture.js';

const FILES: Files = { '/srv/postern/keys.json': newJwks(), '/srv/secrets.yaml': 'app: {}\n' };
const ISSUER = { issuer: 'https://id.example.com', jwks_file: 'keys.json', algorithms: 'ES256' };
const PROVIDER = { name: 'yaml', type: 'yaml', path: '/srv/secrets.yaml' };
const FILE = { issuers: [ISSUER], providers: [PROVIDER] };
/** As good as this version can be configured. */
const GOOD: Env = {
  ENVIRONMENT: 'production',
  PUBLIC_ORIGIN: 'https://secrets.example.com',
  ROOT_KEY: newKey(),
  TENANT_ID: 'acme',
  TENANT_ALLOWED_MOUNTS: 'app',
  TENANT_SALT: newKey(),
  AUDIT_DIR: '/var/lib/postern/audit',
};
/** What is still missing for production: the store, the sink and the signature that the next versions bring. */
const NOT_BUILT = [
  'STORE: is redis, which is not supported yet',
  'AUDIT_SINK: is kafka, which is not supported yet',
  'AUDIT_KEY: is required outside dev and test, and this version does not sign its audit trail yet',
];

const beyondNotBuilt = (env: Env, file: unknown = FILE, files: Files = {}, profile?: string): string[] =>
  faultsOf(env, file, { ...FILES, ...files }, profile).filter((fault) => !NOT_BUILT.includes(fault));

const without = (env: Env, ...names: readonly string[]): Env =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)));

describe.each(['production', 'staging'])('in %s', (environment) => {
  const good = { ...GOOD, ENVIRONMENT: environment };
  const off = `is false, which is refused when ENVIRONMENT is ${environment}: remove it, or set it to true`;

  it('I26: this version does not start, and says what is not built', () => {
    expect(faultsOf(good, FILE, FILES)).toEqual(NOT_BUILT);
  });

  /** The closed list of the specification, one line after the other: what is set, and the one fault that it makes. */
  const LIST: readonly (readonly [line: string, env: Env, fault: string])[] = [
    ['policies switched off', { ENABLE_AUTHORIZATION: 'false' }, `ENABLE_AUTHORIZATION: ${off}`],
    ['tokens switched off', { SECRETS_API_REQUIRE_AUTH: 'false' }, `SECRETS_API_REQUIRE_AUTH: ${off}`],
    ['scopes switched off', { SECRETS_ENFORCE_SCOPES: 'false' }, `SECRETS_ENFORCE_SCOPES: ${off}`],
    [
      'unbound tokens allowed',
      { ALLOW_UNBOUND_TOKENS: 'true' },
      'ALLOW_UNBOUND_TOKENS: is true: whoever holds a token could use it; remove it',
    ],
    [
      'an http origin',
      { PUBLIC_ORIGIN: 'http://secrets.example.com' },
      'PUBLIC_ORIGIN: is http: use https, or http on a loopback address only',
    ],
    [
      'an http origin that only looks like loopback',
      { PUBLIC_ORIGIN: 'http://127.0.0.1.example.com' },
      'PUBLIC_ORIGIN: is http: use https, or http on a loopback address only',
    ],
    ['a PDP address', { PDP_URL: 'http://pdp.example.com' }, 'PDP_URL: is not supported yet: remove it'],
    ['a Redis without TLS', { REDIS_URL: 'redis://redis.example.com' }, 'REDIS_URL: is not supported yet: remove it'],
    [
      'the memory store',
      { STORE: 'memory' },
      'STORE: is memory: uses and spent proofs are lost with the process; set it to redis',
    ],
    [
      'the file as the only sink',
      { AUDIT_SINK: 'file' },
      'AUDIT_SINK: is file, as the only sink: evidence on one disk is not enough; set it to kafka',
    ],
    [
      'the development issuer',
      { DEVELOPMENT_ISSUER: 'true', STATE_DIR: 'state' },
      `DEVELOPMENT_ISSUER: cannot be on when ENVIRONMENT is ${environment}: it makes tokens for anybody; remove it`,
    ],
    [
      'a short key',
      { ROOT_KEY: newKey(16) },
      'ROOT_KEY: is short: 16 bytes, at least 32 are needed; make one with: openssl rand -base64 32',
    ],
    [
      'a default key',
      { ROOT_KEY: Buffer.alloc(32).toString('base64') },
      'ROOT_KEY: does not look random; make one with: openssl rand -base64 32',
    ],
    [
      'a short salt',
      { TENANT_SALT: newKey(31) },
      'TENANT_SALT: is short: 31 bytes, at least 32 are needed; make one with: openssl rand -base64 32',
    ],
    [
      'a default salt',
      { TENANT_SALT: Buffer.from('changeme'.repeat(4)).toString('base64') },
      'TENANT_SALT: does not look random; make one with: openssl rand -base64 32',
    ],
    [
      'one key as root key and salt',
      { TENANT_SALT: GOOD['ROOT_KEY'] ?? '' },
      'TENANT_SALT: is ROOT_KEY once more: make another one with: openssl rand -base64 32',
    ],
    [
      'every address as a trusted proxy',
      { TRUSTED_PROXY_CIDRS: '0.0.0.0/0' },
      'TRUSTED_PROXY_CIDRS: holds a network of everybody, so that any client could say who it is: name the networks of the proxies',
    ],
    [
      'half of all addresses as trusted proxies',
      { TRUSTED_PROXY_CIDRS: '10.0.0.0/8, 128.0.0.0/1' },
      'TRUSTED_PROXY_CIDRS: holds 128.0.0.0/1, wider than any private network: name the networks of the proxies',
    ],
    [
      'a sixteenth of all IPv6 addresses as trusted proxies',
      { TRUSTED_PROXY_CIDRS: 'fc00::/7, 2000::/4' },
      'TRUSTED_PROXY_CIDRS: holds 2000::/4, wider than any private network: name the networks of the proxies',
    ],
    ['no nonces', { DPOP_NONCE: 'off' }, 'DPOP_NONCE: is off: proofs could be made in advance; remove it'],
    [
      'empty mounts',
      { TENANT_ALLOWED_MOUNTS: '' },
      'TENANT_ALLOWED_MOUNTS: is empty, which allows tenant acme nothing: name its mounts',
    ],
  ];

  it.each(LIST)('I26: %s is one fault more', (_, env, fault) => {
    expect(beyondNotBuilt({ ...good, ...env }, FILE, {}, 'local')).toEqual([fault]);
  });

  it.each([
    ['no issuer', {}, 'issuers: are missing: without one nobody can be authenticated; name one in the file'],
    ['an empty list of issuers', { issuers: [] }, /^issuers: are missing/],
    ['no provider', { providers: undefined }, 'providers: are missing: name where values live'],
    [
      'keys of an issuer over http',
      { issuers: [{ issuer: 'urn:a', algorithms: 'ES256', jwks_uri: 'http://id.example.com/keys' }] },
      /^issuers: fetch the keys of urn:a over http: use https, or http on a loopback address only$/,
    ],
    [
      'a vault without TLS',
      { providers: [{ ...PROVIDER, address: 'http://openbao' }] },
      'providers[0].address: is not supported yet: remove it',
    ],
    [
      'a YAML vault that may be written to',
      { providers: [{ ...PROVIDER, writes: true }] },
      'providers[0].writes: is unknown',
    ],
  ])('I26: %s in the file is one fault more', (_, changes: object, what) => {
    const file = what.toString().includes('issuers: are missing')
      ? { providers: [PROVIDER], ...changes }
      : { ...FILE, ...changes };
    const expected: unknown = typeof what === 'string' ? what : expect.stringMatching(what);
    expect(beyondNotBuilt(good, file)).toEqual([expected]);
  });

  it.each([
    ['PUBLIC_ORIGIN', 'PUBLIC_ORIGIN: is required outside dev and test: set it'],
    ['ROOT_KEY', 'ROOT_KEY: is required outside dev: set it, or ROOT_KEY_FILE'],
    ['TENANT_SALT', 'TENANT_SALT: is required outside dev: set it, or TENANT_SALT_FILE'],
    ['TENANT_ID', 'TENANT_ID: is missing, and so is tenants: configure a tenant'],
    ['TENANT_ALLOWED_MOUNTS', 'TENANT_ALLOWED_MOUNTS: is empty, which allows tenant acme nothing: name its mounts'],
  ])('I26: without %s it is one fault more', (name, fault) => {
    expect(beyondNotBuilt(without(good, name))).toEqual([fault]);
  });

  it('I26: a tenant of several with empty mounts is one fault more, and names it', () => {
    const tenants = [
      { id: 'red', issuers: 'https://id.example.com', mounts: 'red', salt: newKey() },
      { id: 'blue', issuers: 'https://id.example.com', mounts: [], salt: newKey() },
    ];
    const env = without(good, 'TENANT_ID', 'TENANT_ALLOWED_MOUNTS', 'TENANT_SALT');
    expect(beyondNotBuilt(env, { ...FILE, tenants })).toEqual([
      'tenants: hold blue with empty mounts, which allow nothing: name them',
    ]);
  });

  it.each([0o604, 0o644, 0o602, 0o601])(
    'I26: a key file with the mode %p, open to everybody, is one fault more',
    (mode) => {
      const key = newKey();
      for (const name of ['ROOT_KEY', 'TENANT_SALT']) {
        const env = { ...without(good, name), [`${name}_FILE`]: '/run/key' };
        expect(beyondNotBuilt(env, FILE, { '/run/key': { text: key, mode } })).toEqual([
          `${name}_FILE: names a file that everybody on this machine can use: chmod o= /run/key`,
        ]);
        for (const kept of [0o600, 0o640, 0o660]) {
          expect(beyondNotBuilt(env, FILE, { '/run/key': { text: key, mode: kept } })).toEqual([]);
        }
      }
      const tenants = [{ id: 'red', issuers: 'https://id.example.com', mounts: 'red', salt_file: '/run/key' }];
      const env = without(good, 'TENANT_ID', 'TENANT_ALLOWED_MOUNTS', 'TENANT_SALT');
      expect(beyondNotBuilt(env, { ...FILE, tenants }, { '/run/key': { text: key, mode } })).toEqual([
        'tenants[0].salt_file: names a file that everybody on this machine can use: chmod o= /run/key',
      ]);
    },
  );

  it('I26: the key of our own TLS listener in a file that is open to everybody is one fault more', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const text = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    for (const name of ['TLS_KEY', 'TLS_KEY_FILE']) {
      const faults = beyondNotBuilt({ ...good, [name]: '/run/tls.pem' }, FILE, {
        '/run/tls.pem': { text, mode: 0o644 },
      });
      expect(faults).toContain(`${name}: names a file that everybody on this machine can use: chmod o= /run/tls.pem`);
    }
  });

  it('I26: a configuration file with secrets in it that is open to everybody is one fault more', () => {
    const file = { ...FILE, ROOT_KEY: newKey() };
    const open = (content: object, mode: number) =>
      faultsOf(
        { ...without(good, 'ROOT_KEY'), POSTERN_PROFILE: '/etc/own.yaml' },
        {},
        {
          ...FILES,
          '/run/key': newKey(),
          '/etc/own.yaml': { text: stringify(content), mode },
        },
      ).filter((fault) => !NOT_BUILT.includes(fault));
    const fault = (which: string): string =>
      `POSTERN_PROFILE: names a file that holds secrets (${which}) and that everybody on this machine can use: chmod o= /etc/own.yaml, or give them files of their own`;
    for (const mode of [0o644, 0o604, 0o602, 0o601]) expect(open(file, mode)).toEqual([fault('ROOT_KEY')]);
    expect(open(file, 0o640)).toEqual([]);
    expect(open({ ...FILE, ROOT_KEY_FILE: '/run/key' }, 0o644)).toEqual([]);
    expect(open({ ...FILE, ROOT_KEY_FILE: '/run/key', TLS_KEY: 'tls/key.pem' }, 0o644).join()).not.toContain(
      'holds secrets',
    );
    expect(open({ ...FILE, ROOT_KEY_FILE: '/run/key', TLS_KEY: '-----BEGIN X-----' }, 0o644)).toContain(
      fault('TLS_KEY'),
    );
    const salts = [
      { id: '1', key_file: '/run/key' },
      { id: '2', key: newKey() },
    ];
    const tenants = [{ id: 'red', issuers: 'https://id.example.com', mounts: 'red', salts }];
    expect(open({ ...file, tenants }, 0o604)).toContain(fault('ROOT_KEY and 1 more'));
    expect(open({ ...FILE, ROOT_KEY_FILE: '/run/key', tenants }, 0o604)).toContain(fault('tenants[0].salts[1].key'));
  });

  it('I26: a YAML vault that everybody can read is one fault more', () => {
    const files = { '/srv/secrets.yaml': { text: 'app: {}', mode: 0o604 } };
    expect(beyondNotBuilt(good, FILE, files)).toEqual([
      'providers: hold a file that everybody on this machine can use: chmod o= /srv/secrets.yaml',
    ]);
  });

  it('I26: everything that is wrong is said at once, in one list, each with what to do', () => {
    const env = {
      ...Object.fromEntries(LIST.flatMap(([, set]) => Object.entries(set))),
      ENVIRONMENT: environment,
      TENANT_ID: 'acme',
      TENANT_SALT: newKey(31),
      TRUSTED_PROXY_CIDRS: '::/0, 0.0.0.0/1',
      AUDIT_DIR: 'audit',
    };
    const files = { '/srv/secrets.yaml': { text: '', mode: 0o666 } };
    expect(faultsOf(env, { providers: [PROVIDER] }, files, 'local')).toEqual([
      'REDIS_URL: is not supported yet: remove it',
      'PDP_URL: is not supported yet: remove it',
      'TENANT_SALT: is short: 31 bytes, at least 32 are needed; make one with: openssl rand -base64 32',
      'ROOT_KEY: does not look random; make one with: openssl rand -base64 32',
      'TRUSTED_PROXY_CIDRS: holds a network of everybody, so that any client could say who it is: name the networks of the proxies',
      `DEVELOPMENT_ISSUER: cannot be on when ENVIRONMENT is ${environment}: it makes tokens for anybody; remove it`,
      `SECRETS_API_REQUIRE_AUTH: ${off}`,
      `ENABLE_AUTHORIZATION: ${off}`,
      `SECRETS_ENFORCE_SCOPES: ${off}`,
      'ALLOW_UNBOUND_TOKENS: is true: whoever holds a token could use it; remove it',
      'DPOP_NONCE: is off: proofs could be made in advance; remove it',
      'STORE: is memory: uses and spent proofs are lost with the process; set it to redis',
      'AUDIT_SINK: is file, as the only sink: evidence on one disk is not enough; set it to kafka',
      'PUBLIC_ORIGIN: is http: use https, or http on a loopback address only',
      'TRUSTED_PROXY_CIDRS: holds 0.0.0.0/1, wider than any private network: name the networks of the proxies',
      'providers: hold a file that everybody on this machine can use: chmod o= /srv/secrets.yaml',
      'AUDIT_KEY: is required outside dev and test, and this version does not sign its audit trail yet',
      'issuers: are missing: without one nobody can be authenticated; name one in the file',
      'TENANT_ALLOWED_MOUNTS: is empty, which allows tenant acme nothing: name its mounts',
    ]);
  });

  it.each(['http://127.0.0.1:8080', 'http://localhost', 'http://[::1]:8080'])(
    'an http origin on a loopback address passes: %s',
    (origin) => {
      expect(beyondNotBuilt({ ...good, PUBLIC_ORIGIN: origin })).toEqual([]);
    },
  );

  it.each(['127.0.0.1', '10.0.0.0/8', 'fc00::/7', '2001:db8::/32, 192.168.7.0/24'])(
    'a list of proxies no wider than a private network passes: %s',
    (cidrs) => {
      expect(beyondNotBuilt({ ...good, TRUSTED_PROXY_CIDRS: cidrs })).toEqual([]);
    },
  );

  it('the development issuer is refused outside the profile local too', () => {
    expect(beyondNotBuilt({ ...good, DEVELOPMENT_ISSUER: 'true', STATE_DIR: 'state' })).toEqual([
      expect.stringMatching(/^DEVELOPMENT_ISSUER: exists only in the profile local/),
      expect.stringMatching(/^DEVELOPMENT_ISSUER: cannot be on/),
    ]);
  });

  it('calls nothing missing that is there and faulty', () => {
    const env = { ...good, TENANT_ID: 'a/b', ROOT_KEY: 'x' };
    const file = { issuers: [{ ...ISSUER, jwks_file: 'gone.json' }], providers: [{ ...PROVIDER, type: 'paper' }] };
    expect(beyondNotBuilt(env, file).map((fault) => fault.split(':', 1)[0])).toEqual([
      'TENANT_ID',
      'ROOT_KEY',
      'issuers[0].jwks_file',
      'providers[0].type',
    ]);
  });

  it('shows no key in any of it', () => {
    const env = { ...good, ROOT_KEY: newKey(31), STORE: 'memory' };
    expect(faultsOf(env, FILE, FILES).join()).not.toContain(env.ROOT_KEY.slice(0, 10));
  });
});

describe('the development issuer in dev and test', () => {
  const env = { ENVIRONMENT: 'dev', AUDIT_DIR: 'audit', STATE_DIR: 'state', DEVELOPMENT_ISSUER: 'true' };

  it('is there in the profile local', () => {
    expect(load(env, {}, {}, 'local').developmentIssuer).toBe(true);
    const test = { ...env, ENVIRONMENT: 'test', ROOT_KEY: newKey() };
    expect(load(test, {}, {}, 'local').developmentIssuer).toBe(true);
  });

  it('is refused in every other profile, and without one', () => {
    expect(faultsOf(env, {})).toEqual([expect.stringMatching(/exists only in the profile local/)]);
    expect(faultsOf(env)).toEqual([expect.stringMatching(/exists only in the profile local/)]);
  });

  it('needs a folder to keep its key in', () => {
    expect(faultsOf({ ...without(env, 'STATE_DIR'), ROOT_KEY: newKey() }, {}, {}, 'local')).toEqual([
      expect.stringMatching(/^STATE_DIR: is required by DEVELOPMENT_ISSUER/),
    ]);
  });

  it('may be the issuer of a tenant', () => {
    const tenants = [{ id: 'red', issuers: 'urn:postern:dev', mounts: 'red' }];
    expect(faultsOf(env, { tenants }, {}, 'local')).toEqual([]);
    expect(faultsOf({ ...env, DEVELOPMENT_ISSUER: 'false' }, { tenants }, {}, 'local')).toEqual([
      expect.stringMatching(/^tenants\[0\]\.issuers: names/),
    ]);
  });
});
