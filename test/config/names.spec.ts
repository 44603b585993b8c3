import { describe, expect, it } from '@jest/globals';

import { NOT_YET, NOT_YET_MEMBERS, NOT_YET_SECRETS } from '#src/config/not-yet.js';
import { SECTIONS, SETTINGS } from '#src/config/schema.js';

import { DEV, faultsOf, load, newKey } from './fixture.js';

/** Every name of the page "Configuration" of the specification, in its order. */
const SPECIFIED = `
  ENVIRONMENT POSTERN_PROFILE LISTEN_ADDR ADMIN_ADDR TLS_CERT TLS_KEY TLS_CLIENT_CA PUBLIC_ORIGIN WORKERS
  ENABLE_AUTHORIZATION SECRETS_API_REQUIRE_AUTH SECRETS_ENFORCE_SCOPES SECRETS_AUDIENCE ADMIN_AUDIENCE PDP_AUDIENCE
  TENANT_ID TENANT_ALLOWED_MOUNTS TENANT_SALT ROOT_KEY AUDIT_KEY ALLOW_UNBOUND_TOKENS UNBOUND_GRANTS_PER_JTI DPOP_NONCE
  CLOCK_LEEWAY_SECONDS JWKS_GRACE_SECONDS TRUSTED_PROXY_CIDRS ADDRESS_ALLOWLIST REQUIRE_URI_IN_PATH
  GRANT_TTL_DEFAULT GRANT_TTL_MAX GRANT_MAX_USES_DEFAULT GRANT_MAX_USES_MAX
  GRANT_PARTITIONS RELEASE_WITHIN_MS BLOCK_REFRESH_MS STORE_SKEW_MS NEGATIVE_CACHE_TTL_S
  STORE REDIS_URL REDIS_SENTINELS REDIS_CLUSTER_NODES REDIS_TLS_CA PDP PDP_URL POLICIES_DIR YAML_VAULT_PATH
  AUDIT_SINK AUDIT_DIR KAFKA_BROKERS KAFKA_TOPIC_PREFIX KAFKA_TLS_CA
  KAFKA_SASL_MECHANISM KAFKA_SASL_USERNAME KAFKA_SASL_PASSWORD
  AUDIT_KAFKA_ACK_MS AUDIT_SPOOL_GRACE_SECONDS AUDIT_SPOOL_MAX_BYTES REASON_PATTERN
  STORE_DEADLINE_MS PDP_DEADLINE_MS PROVIDER_DEADLINE_MS AUDIT_DEADLINE_MS REQUEST_DEADLINE_MS
  RATE_LIMIT_SUBJECT RATE_LIMIT_TENANT RATE_LIMIT_ADDRESS
`
  .trim()
  .split(/\s+/);

const BUILT = new Set<string>(Object.values(SETTINGS).map(({ name }) => name));

describe('the names of the specification', () => {
  it.each(SPECIFIED.filter((name) => name !== 'POSTERN_PROFILE'))(
    '%s is a setting, or refused as not supported yet: never ignored',
    (name) => {
      expect([BUILT.has(name), NOT_YET.has(name)].filter((known) => known)).toEqual([true]);
    },
  );

  it('are the only ones that are refused as not supported yet', () => {
    expect([...NOT_YET].filter((name) => !SPECIFIED.includes(name))).toEqual([]);
    expect([...NOT_YET_SECRETS].filter((name) => !NOT_YET.has(name))).toEqual([]);
  });

  it('for sections: issuers, tenants and providers are there, and no member is both built and not', () => {
    expect(Object.keys(SECTIONS)).toEqual(['issuers', 'tenants', 'providers']);
    const members = Object.entries(SECTIONS).flatMap(([section, { members: rows }]) =>
      Object.values(rows).map(({ name }) => `${section}.${name}`),
    );
    expect(members.filter((name) => NOT_YET_MEMBERS.has(name))).toEqual([]);
  });

  it.each([...NOT_YET])('%s is refused from the environment as from the file, with what to do', (name) => {
    expect(faultsOf({ ...DEV, [name]: '1' })).toEqual([`${name}: is not supported yet: remove it`]);
    expect(faultsOf(DEV, { [name]: '1' })).toEqual([`${name}: is not supported yet: remove it`]);
  });

  it.each([...NOT_YET_SECRETS].map((name) => `${name}_FILE`))(
    '%s likewise: a secret in a file is none the better',
    (name) => {
      expect(faultsOf({ ...DEV, [name]: '/run/secret' })).toEqual([`${name}: is not supported yet: remove it`]);
      expect(faultsOf(DEV, { [name]: '/run/secret' })).toEqual([`${name}: is not supported yet: remove it`]);
    },
  );

  it.each([...NOT_YET_MEMBERS])('the member %s is refused with what to do', (member) => {
    const [section = '', name = ''] = member.split('.');
    expect(faultsOf(DEV, { [section]: [{ [name]: 'x' }] })).toContain(
      `${section}[0].${name}: is not supported yet: remove it`,
    );
  });
});

describe('the documented names of older versions', () => {
  it('mean what they meant: TENANT_ID, TENANT_ALLOWED_MOUNTS, TENANT_SALT and SECRETS_AUDIENCE', () => {
    const salt = newKey();
    const config = load({
      ...DEV,
      TENANT_ID: 'acme',
      TENANT_ALLOWED_MOUNTS: 'payments,yaml://orders',
      TENANT_SALT: salt,
      SECRETS_AUDIENCE: 'vault.secrets',
    });
    expect(config).toMatchObject({
      secretsAudience: 'vault.secrets',
      tenants: [{ id: 'acme', mounts: [{ mount: 'payments' }, { provider: 'yaml', mount: 'orders' }] }],
    });
    expect(config.tenants[0]?.salts.map(({ key }) => Buffer.from(key.open()).toString('base64'))).toEqual([salt]);
  });

  it.each(['ENABLE_AUTHORIZATION', 'SECRETS_API_REQUIRE_AUTH', 'SECRETS_ENFORCE_SCOPES'])(
    '%s is on unless it is switched off, which dev and test allow and shout',
    (name) => {
      const env = { ...DEV, TENANT_ID: 'acme' };
      expect(load(env).switchesOff).toEqual([]);
      expect(load({ ...env, [name]: 'true' }).switchesOff).toEqual([]);
      for (const environment of ['dev', 'test']) {
        const keys = { ROOT_KEY: newKey(), TENANT_SALT: newKey() };
        const config = load({ ...env, ...keys, ENVIRONMENT: environment, [name]: 'false' });
        expect(config.switchesOff).toEqual([name]);
        expect(config.warnings[0]).toMatch(new RegExp(`^${name} IS OFF: .+\\.$`));
      }
    },
  );

  it.each([
    ['without a tenant', { TENANT_ID: undefined }, /^SECRETS_API_REQUIRE_AUTH: is false, so TENANT_ID must say/],
    [
      'where unbound callers get nothing',
      { ALLOW_UNBOUND_TOKENS: 'false' },
      /^SECRETS_API_REQUIRE_AUTH: is false beside ALLOW_UNBOUND_TOKENS=false/,
    ],
    [
      'beside a count of grants per token',
      { UNBOUND_GRANTS_PER_JTI: '1' },
      /^UNBOUND_GRANTS_PER_JTI: counts the grants of one token/,
    ],
  ])('SECRETS_API_REQUIRE_AUTH=false %s is refused, rather than refusing everybody', (_, changes, what) => {
    const env = { ...DEV, TENANT_ID: 'acme', SECRETS_API_REQUIRE_AUTH: 'false', ...changes };
    const given = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
    expect(faultsOf(Object.fromEntries(given))).toEqual([expect.stringMatching(what)]);
  });
});
