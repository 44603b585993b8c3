import { inspect } from 'node:util';

import { describe, expect, it } from '@jest/globals';

import { ConfigError } from '#src/config/faults.js';
import type { Fault } from '#src/config/faults.js';
import type { Kind, Raw } from '#src/config/kinds.js';
import { Reading } from '#src/config/reading.js';
import { SETTINGS } from '#src/config/schema.js';
import { setting } from '#src/config/setting.js';

import { DEV, faultsOf, load, newJwks, newKey } from './fixture.js';

describe('loading a configuration', () => {
  it('takes what the schema says where nobody says anything', () => {
    const config = load(DEV);
    expect(config).toMatchObject({
      environment: 'dev',
      listen: { host: '127.0.0.1', port: 8080 },
      publicOrigin: undefined,
      secretsAudience: 'crud.secrets',
      binding: { allowUnbound: true, unboundGrantsPerJti: 0, nonces: 'off' },
      grants: {
        ttlDefaultSeconds: 300,
        ttlMaxSeconds: 3600,
        maxUsesDefault: 1,
        maxUsesMax: 1000,
        partitions: 64,
        releaseWithinMs: 1500,
      },
      deadlines: { storeMs: 200, pdpMs: 300, providerMs: 1000, auditMs: 1000, requestMs: 2000 },
      providers: [{ name: 'yaml', type: 'yaml', path: '/srv/postern/config/local-secrets.yaml' }],
      policiesDir: '/srv/postern/policies',
      audit: { sink: 'file', directory: '/srv/postern/audit' },
      stateDir: '/srv/postern/state',
      tenants: [],
      issuers: [],
      developmentIssuer: false,
    });
  });

  it('takes an unset ENVIRONMENT for production', () => {
    expect(faultsOf({})).toContain('PUBLIC_ORIGIN: is required outside dev and test: set it');
  });

  it('lets the environment win over the file, and the file over the default', () => {
    const file = { GRANT_TTL_DEFAULT: 100, GRANT_TTL_MAX: 200 };
    expect(load({ ...DEV, GRANT_TTL_DEFAULT: '50' }, file).grants).toMatchObject({
      ttlDefaultSeconds: 50,
      ttlMaxSeconds: 200,
      maxUsesMax: 1000,
    });
  });

  it('lets POSTERN_PROFILE win over the profile that a script names', () => {
    const files = { '/etc/mine.yaml': 'GRANT_TTL_MAX: 1234\n' };
    const config = load({ ...DEV, POSTERN_PROFILE: '/etc/mine.yaml' }, { GRANT_TTL_MAX: 4321 }, files, 'local');
    expect([config.profile, config.grants.ttlMaxSeconds]).toEqual(['/etc/mine.yaml', 1234]);
  });

  it('tells every fault at once, each with its name, its source and what to do', () => {
    const env = { ...DEV, GRANT_TTL_MAX: 'soon', DPOP_NONCE: 'maybe', AUDIT_DIR: '' };
    const file = {
      LISTEN_ADDR: 'everywhere',
      TENANT_ALOWED_MOUNTS: 'dev',
      ADMIN_ADDR: '127.0.0.1:8081',
      providers: 'yaml',
    };
    let error: unknown;
    try {
      load(env, file);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ConfigError);
    const said = (error as ConfigError).message;
    expect(said.split('\n')).toEqual([
      'The configuration cannot be used (8 faults):',
      '  TENANT_ALOWED_MOUNTS (/etc/postern.yaml) is unknown: did you mean TENANT_ALLOWED_MOUNTS?',
      '  ADMIN_ADDR (/etc/postern.yaml) is not supported yet: remove it.',
      '  LISTEN_ADDR (/etc/postern.yaml) must be host:port, not "everywhere".',
      '  DPOP_NONCE (environment) must be required or off, not "maybe".',
      '  GRANT_TTL_MAX (environment) must be an integer from 1 to 86400, not "soon".',
      '  AUDIT_DIR (environment) is set but empty: give it a value or leave it out.',
      '  providers (/etc/postern.yaml) must be a list of maps, not "yaml".',
      '  AUDIT_DIR is required by the sink file: set it.',
    ]);
  });

  it.each([
    ['ENVIRONMENT', 'prod', /must be dev or test or staging or production/],
    ['ENVIRONMENT', 'Production', /must be dev/],
    ['LISTEN_ADDR', '127.0.0.1', /host:port/],
    ['LISTEN_ADDR', '127.0.0.1:65536', /host:port/],
    ['LISTEN_ADDR', '::1:8080', /host:port/],
    ['PUBLIC_ORIGIN', 'secrets.example.com', /must be an origin/],
    ['PUBLIC_ORIGIN', 'https://secrets.example.com/', /no final slash/],
    ['PUBLIC_ORIGIN', 'https://secrets.example.com:443', /must be an origin/],
    ['PUBLIC_ORIGIN', 'HTTPS://secrets.example.com', /must be an origin/],
    ['PUBLIC_ORIGIN', 'https://me@secrets.example.com', /must be an origin/],
    ['PUBLIC_ORIGIN', 'ftp://secrets.example.com', /must be an origin/],
    ['CLOCK_LEEWAY_SECONDS', '61', /integer from 0 to 60/],
    ['CLOCK_LEEWAY_SECONDS', '-1', /integer/],
    ['CLOCK_LEEWAY_SECONDS', '05', /integer/],
    ['CLOCK_LEEWAY_SECONDS', '5 ', /integer/],
    ['CLOCK_LEEWAY_SECONDS', '1e1', /integer/],
    ['CLOCK_LEEWAY_SECONDS', '2.5', /integer/],
    ['GRANT_MAX_USES_MAX', '0', /integer/],
    ['GRANT_PARTITIONS', '99999', /integer/],
    ['ALLOW_UNBOUND_TOKENS', 'yes', /true or false/],
    ['ALLOW_UNBOUND_TOKENS', 'TRUE', /true or false/],
    ['REASON_PATTERN', '(', /regular expression/],
    ['REASON_PATTERN', `a{1,${'9'.repeat(600)}}`, /512 characters/],
    ['TENANT_ID', 'a/b', /A-Z a-z 0-9/],
    ['TENANT_ID', '', /set but empty/],
    ['SECRETS_AUDIENCE', 'a\nb', /one line/],
    ['ROOT_KEY', 'not base64!', /must be base64/],
    ['ROOT_KEY', newKey(31), /is short: 31 bytes, at least 32/],
    ['ROOT_KEY', Buffer.alloc(32, 7).toString('base64'), /does not look random/],
    ['TENANT_SALT', Buffer.from('changeme'.repeat(4)).toString('base64'), /does not look random/],
    ['STORE', 'sqlite', /memory or redis/],
    ['STORE', 'redis', /not supported yet/],
    ['AUDIT_SINK', 'kafka', /not supported yet/],
    ['PDP', 'authzen', /not supported yet/],
    ['TENANT_ALLOWED_MOUNTS', 'dev/app', /neither mount nor provider:\/\/mount/],
    ['TENANT_ALLOWED_MOUNTS', 'dev,*', /neither mount/],
    ['TENANT_ALLOWED_MOUNTS', '..', /neither mount/],
    ['TENANT_ALLOWED_MOUNTS', 'openbao://dev', /there is no provider openbao/],
    ['GRANT_TTL_DEFAULT', '3601', /above GRANT_TTL_MAX/],
    ['GRANT_MAX_USES_DEFAULT', '1001', /above GRANT_MAX_USES_MAX/],
    ['PROVIDER_DEADLINE_MS', '2001', /above REQUEST_DEADLINE_MS/],
    ['STORE_DEADLINE_MS', '2001', /above REQUEST_DEADLINE_MS/],
  ])('refuses %s=%j', (name, value, what) => {
    const faults = faultsOf({ ...DEV, [name]: value });
    expect(faults).toContainEqual(expect.stringMatching(new RegExp(`^${name}: .*${what.source}`)));
  });

  it.each(['WORKERS', 'ADMIN_ADDR', 'AUDIT_KEY', 'REDIS_URL', 'KAFKA_BROKERS'])(
    'refuses %s, which is documented and not built, from the environment as from the file',
    (name) => {
      expect(faultsOf({ ...DEV, [name]: '1' })).toEqual([`${name}: is not supported yet: remove it`]);
      expect(faultsOf(DEV, { [name]: '1' })).toEqual([`${name}: is not supported yet: remove it`]);
    },
  );

  it('refuses a text where a file means a number, and a number where it means a text', () => {
    expect(faultsOf(DEV, { TENANT_ID: 12, GRANT_TTL_MAX: 'many', ALLOW_UNBOUND_TOKENS: 1, AUDIT_DIR: ['a'] })).toEqual([
      'TENANT_ID: must be text: put 12 in quotes',
      'ALLOW_UNBOUND_TOKENS: must be true or false, not 1',
      'GRANT_TTL_MAX: must be an integer from 1 to 86400, not "many"',
    ]);
  });

  it('refuses a name without value in a file', () => {
    expect(faultsOf(DEV, 'TENANT_ID:\n')).toEqual(['TENANT_ID: is set but empty: give it a value or leave it out']);
  });

  it.each([
    ['a repeated name', 'ENVIRONMENT: dev\nENVIRONMENT: test\n', /DUPLICATE_KEY at line 2, column 1/],
    ['an alias', 'A: &a b\nB: *a\n', /aliases/],
    ['a second document', 'ENVIRONMENT: dev\n---\nENVIRONMENT: test\n', /MULTIPLE_DOCS at line 2/],
    ['a tag', 'TENANT_ID: !secret x\n', /TAG_RESOLVE_FAILED/],
    ['a list', '- a\n', /must be a map/],
    ['a date object', 'A: !!timestamp 2001-12-14\n', /TAG_RESOLVE_FAILED|plain/],
    ['a syntax error', 'ROOT_KEY: "never-quoted\n', /MISSING_CHAR/],
    ['too much', `# ${'x'.repeat(256 * 1024)}\n`, /256 KiB/],
  ])('refuses a file with %s, without quoting it', (_, text, what) => {
    const [first = ''] = faultsOf(DEV, text);
    expect(first).toMatch(what);
    expect(first).not.toContain('never-quoted');
  });

  it('says which file it could not read', () => {
    expect(faultsOf({ ...DEV, POSTERN_PROFILE: 'loca' })).toEqual([
      'POSTERN_PROFILE: names the profile loca, whose file cannot be read (ENOENT: no such file /srv/postern/loca): it is local or the path of a file',
    ]);
  });

  it('says of an empty POSTERN_PROFILE what it may be', () => {
    expect(faultsOf({ ...DEV, POSTERN_PROFILE: '' })).toEqual([
      'POSTERN_PROFILE: is set but empty: it is local or the path of a file; leave it out to have none',
    ]);
  });

  it('reads an empty file as nothing set', () => {
    expect(faultsOf(DEV, '# nothing yet\n')).toEqual([]);
  });

  it('refuses one key twice in two roles', () => {
    const key = newKey();
    expect(faultsOf({ ...DEV, TENANT_ID: 't', ROOT_KEY: key, TENANT_SALT: key })).toEqual([
      'TENANT_SALT: is ROOT_KEY once more: make another one with: openssl rand -base64 32',
    ]);
  });

  it('demands a place for the keys that dev may leave out, and for nothing else', () => {
    const { STATE_DIR: _, ...rest } = DEV;
    expect(faultsOf(rest)).toEqual([expect.stringMatching(/^STATE_DIR: is required to keep/)]);
    expect(faultsOf({ ...rest, TENANT_ID: 't', ROOT_KEY: newKey() })).toEqual([expect.stringMatching(/^STATE_DIR/)]);
    expect(faultsOf({ ...rest, TENANT_ID: 't', ROOT_KEY: newKey(), TENANT_SALT: newKey() })).toEqual([]);
  });

  it('demands both keys in test', () => {
    expect(faultsOf({ ...DEV, ENVIRONMENT: 'test', TENANT_ID: 't' })).toEqual([
      'ROOT_KEY: is required outside dev: set it, or ROOT_KEY_FILE',
      'TENANT_SALT: is required outside dev: set it, or TENANT_SALT_FILE',
    ]);
  });

  it('matches a reason as a whole', () => {
    const { reasonPattern } = load({ ...DEV, REASON_PATTERN: 'TICKET-[0-9]+|none' });
    expect(['TICKET-1', 'none', 'TICKET-1 or so', 'xnone'].map((text) => reasonPattern.test(text))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('reads every kind of listening address', () => {
    expect(load({ ...DEV, LISTEN_ADDR: '[::1]:0' }).listen).toEqual({ host: '::1', port: 0 });
    expect(load({ ...DEV, LISTEN_ADDR: 'localhost:65535' }).listen).toEqual({ host: 'localhost', port: 65_535 });
  });

  it('warns of what production would refuse, and of names that are one slip away', () => {
    const { warnings } = load({
      ...DEV,
      ALLOW_UNBOUND_TOKEN: 'false',
      POSTERN_PROFIL: 'x',
      TENANT_ID: 't',
      PATH: '/bin',
    });
    expect(warnings).toEqual([
      expect.stringMatching(/ENVIRONMENT is dev/),
      expect.stringMatching(/ALLOW_UNBOUND_TOKENS is true/),
      expect.stringMatching(/DPOP_NONCE is off/),
      expect.stringMatching(/no issuer/),
      expect.stringMatching(/Tenant t has no mounts/),
      'The environment sets ALLOW_UNBOUND_TOKEN, which nothing reads: did you mean ALLOW_UNBOUND_TOKENS?',
      'The environment sets POSTERN_PROFIL, which nothing reads: did you mean POSTERN_PROFILE?',
    ]);
  });
});

describe('names of the environment that nothing reads', () => {
  const toldOf = (name: string): readonly string[] =>
    load({ ...DEV, [name]: 'x' }).warnings.filter((warning) => warning.startsWith('The environment sets'));

  it.each([
    ['PUBLIC_ORIGIN_FILE', 'which nothing reads: only secrets have a file of their own.'],
    ['TLS_CERT_FILE', 'which nothing reads: only secrets have a file of their own.'],
    ['TENANT_SALTS', 'which nothing reads: did you mean TENANT_SALT?'],
    ['ROOT_KEYS_FILE', 'which nothing reads: did you mean ROOT_KEY_FILE?'],
    ['ENABLE_AUTHORISATION', 'which nothing reads: did you mean ENABLE_AUTHORIZATION?'],
    ['POSTERN_ANYTHING', 'which nothing reads.'],
  ])('%s is told of', (name, what) => {
    expect(toldOf(name)).toEqual([`The environment sets ${name}, ${what}`]);
  });

  it.each(['HOME', 'PATH', 'STORES', 'KUBERNETES_SERVICE_HOST', 'NODE_OPTIONS', 'HTTP_PROXY'])(
    '%s, which belongs to others, is not',
    (name) => {
      expect(toldOf(name)).toEqual([]);
    },
  );
});

describe('secrets of the configuration', () => {
  const key = newKey();
  const files = { '/run/root-key': `${key}\n`, '/run/open-key': { text: key, mode: 0o644 } };

  it('come from the environment, or from a file of their own', () => {
    for (const env of [{ ROOT_KEY: key }, { ROOT_KEY_FILE: '/run/root-key' }]) {
      expect(Buffer.from(load({ ...DEV, ...env }, undefined, files).rootKey?.open() ?? []).toString('base64')).toBe(
        key,
      );
    }
    expect(load(DEV, { ROOT_KEY_FILE: '/run/root-key' }, files).rootKey).toBeDefined();
  });

  it('may be written in base64url, without padding', () => {
    const bytes = Buffer.from([...Array(32).keys()].map((at) => 0xff - at));
    expect(bytes.toString('base64url')).toMatch(/[-_]/);
    expect(load({ ...DEV, ROOT_KEY: bytes.toString('base64url') }).rootKey?.open()).toEqual(bytes);
  });

  it('lets the environment win, whichever of the two names it uses', () => {
    const config = load({ ...DEV, ROOT_KEY_FILE: '/run/root-key' }, { ROOT_KEY: newKey() }, files);
    expect(Buffer.from(config.rootKey?.open() ?? []).toString('base64')).toBe(key);
  });

  it('are refused when both names stand in one source', () => {
    expect(faultsOf({ ...DEV, ROOT_KEY: key, ROOT_KEY_FILE: '/run/root-key' }, undefined, files)).toEqual([
      'ROOT_KEY: stands beside ROOT_KEY_FILE: keep one of the two',
    ]);
  });

  it('are refused when their file cannot be read, or names nothing', () => {
    expect(faultsOf({ ...DEV, ROOT_KEY_FILE: '/run/none' })[0]).toMatch(
      /^ROOT_KEY_FILE: names a file that cannot be read/,
    );
    expect(faultsOf({ ...DEV, ROOT_KEY_FILE: '' })[0]).toMatch(/^ROOT_KEY_FILE: must be the path of a file/);
  });

  it('are refused outside dev and test when everybody can read their file', () => {
    const env = { ROOT_KEY_FILE: '/run/open-key' };
    expect(faultsOf({ ...DEV, ...env }, undefined, files)).toEqual([]);
    expect(faultsOf({ ...DEV, ...env, ENVIRONMENT: 'production' }, undefined, files)).toContain(
      'ROOT_KEY_FILE: names a file that everybody on this machine can use: chmod o= /run/open-key',
    );
  });

  it.each([
    ['no line end', 'value', 'value'],
    ['a line end', 'value\n', 'value'],
    ['a line end of Windows', 'value\r\n', 'value'],
    ["two line ends, of which one is the secret's", 'value\n\n', 'value\n'],
    ['spaces before the line end', 'value  \n', 'value  '],
    ['a line end inside', 'a\nb\n', 'a\nb'],
  ])('from a file lose one line end and nothing else: %s', (_, content, expected) => {
    const faults: Fault[] = [];
    const reading = new Reading({
      sources: [{ name: 'environment', values: new Map([['PASSWORD_FILE', '/run/password']]) }],
      readFile: () => ({ text: content, mode: 0o600 }),
      resolve: (path) => path,
      prefix: '',
      fileSuffix: '_FILE',
      faults,
    });
    const asIs: Kind<Raw> = { says: 'anything', json: {}, read: (raw) => raw };
    const password = setting('PASSWORD', asIs, { secret: true, description: 'A password.' });
    expect(reading.read(password, 'production')).toBe(expected);
    expect(faults).toEqual([]);
  });

  it('are not repeated when they stand where the path of their file belongs', () => {
    expect(faultsOf({ ...DEV, ROOT_KEY_FILE: key.replace(/^\//, 'a') })).toEqual([
      'ROOT_KEY_FILE: must be the path of a file, and looks like the secret itself: that goes into ROOT_KEY',
    ]);
    const pem = '-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n-----END PRIVATE KEY-----\n';
    expect(faultsOf({ ...DEV, ROOT_KEY_FILE: pem }).join()).not.toContain('MC4CAQAw');
  });

  it('are refused when their file is empty, or too large to be a secret', () => {
    for (const empty of ['', '\n', '\r\n']) {
      expect(faultsOf({ ...DEV, ROOT_KEY_FILE: '/run/empty' }, undefined, { '/run/empty': empty })).toEqual([
        'ROOT_KEY_FILE: names a file that is empty: /run/empty',
      ]);
    }
    const large = { '/run/large': 'A'.repeat(64 * 1024 + 1) };
    expect(faultsOf({ ...DEV, ROOT_KEY_FILE: '/run/large' }, undefined, large)).toEqual([
      'ROOT_KEY_FILE: names a file of more than 64 KiB, which is no secret: /run/large',
    ]);
  });

  it('print as [sealed], however they are printed, alone and within the whole', () => {
    const config = load({ ...DEV, TENANT_ID: 't', ROOT_KEY: key, TENANT_SALT: newKey() });
    expect([String(config.rootKey), JSON.stringify(config.rootKey), inspect(config.rootKey)]).toEqual([
      '[sealed]',
      '"[sealed]"',
      '[sealed]',
    ]);
    const whole = inspect(config, { depth: 9, showHidden: true }) + JSON.stringify(config);
    expect(whole).toContain('[sealed]');
    expect(whole).not.toContain(key);
    expect(whole).not.toContain(Buffer.from(key, 'base64').toString('hex'));
  });

  it('are never repeated by a fault', () => {
    const almost = `${key.slice(0, 30)}!`;
    const said = faultsOf({ ...DEV, ROOT_KEY: almost, TENANT_SALT: newKey(8) }).join();
    expect(said).toMatch(/TENANT_SALT: is short.*ROOT_KEY: must be base64/);
    expect(said).not.toContain(almost.slice(0, 8));
  });
});

describe('the sections of a file', () => {
  const files = { '/srv/postern/keys.json': newJwks() };
  const issuer = { issuer: 'https://id.example.com', jwks_file: 'keys.json', algorithms: ['ES256'] };

  it('read an issuer with its keys', () => {
    const claims = { tenant: 'org', subject_type: 'kind', groups: 'roles' };
    const row = { ...issuer, claims, max_token_age_seconds: 60, audience: 'other' };
    expect(load(DEV, { issuers: [row, { ...issuer, issuer: 'urn:b' }] }, files).issuers).toEqual([
      {
        issuer: 'https://id.example.com',
        jwks: JSON.parse(files['/srv/postern/keys.json']) as unknown,
        algorithms: ['ES256'],
        audience: 'other',
        claims: { tenant: 'org', subjectType: 'kind', groups: 'roles' },
        maxTokenAgeSeconds: 60,
      },
      expect.objectContaining({ issuer: 'urn:b', audience: 'crud.secrets', claims: {}, maxTokenAgeSeconds: 3600 }),
    ]);
  });

  const privateSet = JSON.stringify({ keys: [{ kty: 'oct', k: 'AAAA', kid: 'a' }] });
  it.each([
    ['no issuer', { ...issuer, issuer: undefined }, 'issuers[0].issuer: is required: set it'],
    [
      'no algorithms',
      { ...issuer, algorithms: [] },
      'issuers[0].algorithms: is empty: name what the issuer signs with',
    ],
    [
      'a symmetric algorithm',
      { ...issuer, algorithms: 'HS256' },
      'issuers[0].algorithms: must be ES256 or EdDSA or PS256 or RS256, not "HS256"',
    ],
    [
      'the algorithm none',
      { ...issuer, algorithms: 'none' },
      'issuers[0].algorithms: must be ES256 or EdDSA or PS256 or RS256, not "none"',
    ],
    [
      'a missing file',
      { ...issuer, jwks_file: 'x.json' },
      'issuers[0].jwks_file: cannot be read: does the file exist, and may we read it?',
    ],
    ['a file that is no JSON', { ...issuer, jwks_file: 'text' }, 'issuers[0].jwks_file: is not JSON'],
    ['a file without keys', { ...issuer, jwks_file: 'empty' }, /^issuers\[0\]\.jwks_file: cannot be used/],
    ['a file with a list', { ...issuer, jwks_file: 'list' }, /^issuers\[0\]\.jwks_file: is no JWK Set/],
    ['secret keys', { ...issuer, jwks_file: 'private' }, /private or symmetric key/],
    [
      'keys under a name of no standard',
      { ...issuer, jwks_url: 'https://id.example.com/keys' },
      'issuers[0].jwks_url: is unknown: did you mean jwks_uri?',
    ],
    ['no such profile', { ...issuer, profile: 'oidc' }, 'issuers[0].profile: must be rfc9068 or compat, not "oidc"'],
    [
      'a mistyped member',
      { ...issuer, algoritms: ['ES256'] },
      'issuers[0].algoritms: is unknown: did you mean algorithms?',
    ],
    [
      'a mistyped claim',
      { ...issuer, claims: { tennant: 'x' } },
      'issuers[0].claims.tennant: is unknown: did you mean claims.tenant?',
    ],
    [
      'our own name',
      { ...issuer, issuer: 'urn:postern:dev' },
      'issuers: use a name that starts with urn:postern:, which is ours: remove that row',
    ],
    ['too old tokens', { ...issuer, max_token_age_seconds: 604_801 }, /max_token_age_seconds: must be an integer/],
    ['no map', 'https://id.example.com', 'issuers[0]: must be a map, not "https://id.example.com"'],
  ])('refuse an issuer with %s', (_, row, what) => {
    const more = {
      '/srv/postern/text': 'text',
      '/srv/postern/empty': '{"keys": []}',
      '/srv/postern/list': '[]',
      '/srv/postern/private': privateSet,
    };
    const expected: unknown = typeof what === 'string' ? what : expect.stringMatching(what);
    expect(faultsOf(DEV, { issuers: [row] }, { ...files, ...more })).toEqual([expected]);
  });

  it('refuse an issuer that stands twice', () => {
    expect(faultsOf(DEV, { issuers: [issuer, issuer] }, files)).toEqual([
      'issuers[1].issuer: stands twice: one row per issuer',
    ]);
  });

  it('read tenants, each with its issuers, mounts and providers', () => {
    const tenants = [
      { id: 'red', issuers: issuer.issuer, mounts: 'red, yaml://shared', salt: newKey() },
      { id: 'blue', issuers: [issuer.issuer], mounts: [], providers: ['yaml'] },
    ];
    expect(load(DEV, { issuers: [issuer], tenants }, files).tenants).toEqual([
      {
        id: 'red',
        issuers: [issuer.issuer],
        claimOptional: false,
        mounts: [{ mount: 'red' }, { provider: 'yaml', mount: 'shared' }],
        providers: ['yaml'],
        salts: [{ id: '1', key: expect.anything() }],
        acrValues: [],
      },
      {
        id: 'blue',
        issuers: [issuer.issuer],
        claimOptional: false,
        mounts: [],
        providers: ['yaml'],
        salts: [],
        acrValues: [],
      },
    ]);
  });

  const tenant = { id: 'red', issuers: issuer.issuer, mounts: 'red' };
  it.each([
    [
      'an issuer that is not configured',
      [{ ...tenant, issuers: 'urn:x' }],
      'tenants[0].issuers: names "urn:x", which is no row of issuers',
    ],
    [
      'a provider that is not configured',
      [{ ...tenant, providers: 'x' }],
      'tenants[0].providers: names "x", which is no row of providers',
    ],
    ['a pattern as a mount', [{ ...tenant, mounts: 'red*' }], /tenants\[0\]\.mounts: holds "red\*"/],
    ['no id', [{ ...tenant, id: undefined }], 'tenants[0].id: is required: set it'],
    ['an id twice', [tenant, tenant], 'tenants[1].id: stands twice: one row per tenant'],
  ])('refuse tenants with %s', (_, tenants, what) => {
    const expected: unknown = typeof what === 'string' ? what : expect.stringMatching(what);
    expect(faultsOf(DEV, { issuers: [issuer], tenants }, files)).toEqual([expected]);
  });

  it('refuse the one tenant beside several', () => {
    const env = { ...DEV, TENANT_ID: 'red', TENANT_ALLOWED_MOUNTS: 'red' };
    expect(faultsOf(env, { issuers: [issuer], tenants: [tenant] }, files)).toEqual([
      'TENANT_ID: stands beside tenants: keep one of the two',
      'TENANT_ALLOWED_MOUNTS: stands beside tenants: keep one of the two',
    ]);
  });

  it('make the one tenant of TENANT_ID: any issuer, any provider, the claim optional', () => {
    const { tenants } = load({ ...DEV, TENANT_ID: 'red', TENANT_ALLOWED_MOUNTS: 'a, yaml://b' });
    expect(tenants).toEqual([
      {
        id: 'red',
        issuers: 'all',
        claimOptional: true,
        mounts: [{ mount: 'a' }, { provider: 'yaml', mount: 'b' }],
        providers: 'all',
        salts: [],
        acrValues: [],
      },
    ]);
  });

  it.each([
    [
      'a name twice',
      [
        { name: 'a', type: 'yaml' },
        { name: 'a', type: 'yaml' },
      ],
      'providers[1].name: stands twice: one row per name',
    ],
    [
      'an alias as a name',
      [{ name: 'vault', type: 'yaml' }],
      /^providers\[0\]\.name: cannot be used: .*another spelling/,
    ],
    ['a misleading name', [{ name: 'openbao', type: 'yaml' }], /another kind of vault/],
    ['an upper-case name', [{ name: 'Yaml', type: 'yaml' }], /providers\[0\]\.name: must be a-z/],
    [
      'a type that is not built',
      [{ name: 'bao', type: 'openbao' }],
      'providers[0].type: is openbao, which is not supported yet: only yaml is',
    ],
  ])('refuse providers with %s', (_, providers, what) => {
    const expected: unknown = typeof what === 'string' ? what : expect.stringMatching(what);
    expect(faultsOf(DEV, { providers })).toEqual([expected]);
  });

  it('let a provider name its own file', () => {
    const providers = [
      { name: 'a', type: 'yaml' },
      { name: 'b', type: 'yaml', path: '/data/b.yaml' },
    ];
    expect(load({ ...DEV, YAML_VAULT_PATH: 'a.yaml' }, { providers }).providers.map(({ path }) => path)).toEqual([
      '/srv/postern/a.yaml',
      '/data/b.yaml',
    ]);
  });
});

describe('the schema', () => {
  it('has presets that its own kinds accept, in every environment', () => {
    for (const { kind, default: usual, devAndTest } of Object.values(SETTINGS)) {
      for (const preset of [usual, devAndTest]) {
        if (preset !== undefined) expect(() => kind.read(preset)).not.toThrow();
      }
    }
  });

  it('names each setting once, with its unit in the name where it has one', () => {
    const names = Object.values(SETTINGS).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, unit } of Object.values(SETTINGS)) {
      if (unit === 'milliseconds') expect(name).toMatch(/_MS$/);
      // the documented names of the specification are kept as they are
      if (unit === 'seconds') expect(name).toMatch(/_SECONDS$|^GRANT_TTL_/);
    }
  });
});
