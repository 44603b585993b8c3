import type { TlsParts } from '#src/http/tls.js';

import type { IssuerConfig, ProviderConfig, TenantConfig } from './config.js';
import type { Fault } from './faults.js';
import { relaxed } from './setting.js';
import { switchesOff } from './switches.js';
import { certificateFaults } from './tls.js';
import type { Values } from './values.js';

/** All that was read, as far as it could be read. */
export interface Read {
  readonly values: Values;
  readonly profile: string | undefined;
  readonly tls: TlsParts | undefined;
  readonly issuers: readonly IssuerConfig[];
  readonly tenants: readonly TenantConfig[];
  readonly providers: readonly ProviderConfig[];
  /** Permission bits of a file, undefined when it cannot be read. */
  readonly modeOf: (path: string) => number | undefined;
}

/** A rule over more than one setting: a fault, several, or none. Quiet about what could not be read. */
type Rule = (read: Read) => readonly Fault[];

/** Names and words that are documented although this version does not know them. */
const NOT_BUILT: readonly Rule[] = [
  ({ values: v }) => fault(v.store === 'redis', 'STORE', notYet('redis')),
  ({ values: v }) => fault(v.pdp === 'authzen', 'PDP', notYet('authzen')),
  ({ values: v }) => fault(v.auditSink === 'kafka', 'AUDIT_SINK', notYet('kafka')),
];

function notYet(word: string): string {
  return `is ${word}, which is not supported yet`;
}

/** What does not fit together, in every environment. */
const CONTRADICTIONS: readonly Rule[] = [
  ({ values: v }) => fault(above(v.grantTtlDefault, v.grantTtlMax), 'GRANT_TTL_DEFAULT', 'is above GRANT_TTL_MAX'),
  ({ values: v }) =>
    fault(above(v.grantMaxUsesDefault, v.grantMaxUsesMax), 'GRANT_MAX_USES_DEFAULT', 'is above GRANT_MAX_USES_MAX'),
  ({ values: v }) =>
    [
      { path: 'STORE_DEADLINE_MS', ms: v.storeDeadlineMs },
      { path: 'PDP_DEADLINE_MS', ms: v.pdpDeadlineMs },
      { path: 'PROVIDER_DEADLINE_MS', ms: v.providerDeadlineMs },
      { path: 'AUDIT_DEADLINE_MS', ms: v.auditDeadlineMs },
    ].flatMap(({ path, ms }) => fault(above(ms, v.requestDeadlineMs), path, 'is above REQUEST_DEADLINE_MS')),
  ({ values: v }) =>
    fault(v.auditSink === 'file' && v.auditDir === undefined, 'AUDIT_DIR', 'is required by the sink file: set it'),
  keysOfTheirOwn,
  ({ values: v }) =>
    fault(
      (v.trustedProxyCidrs ?? []).some(({ prefix }) => prefix === 0),
      'TRUSTED_PROXY_CIDRS',
      'holds a network of everybody, so that any client could say who it is: name the networks of the proxies',
    ),
  resourceIdentifier,
  ({ values }) => certificateFaults(values),
  keptKeys,
  anonymous,
  developmentIssuer,
  ({ issuers }) =>
    fault(
      issuers.some(({ issuer }) => issuer.startsWith('urn:postern:')),
      'issuers',
      'use a name that starts with urn:postern:, which is ours: remove that row',
    ),
];

/** The metadata of RFC 9728 is served below the identifier's host: it must be one that answers here. */
function resourceIdentifier({ values: { resourceIdentifier: identifier, publicOrigin } }: Read): readonly Fault[] {
  if (identifier === undefined) return [];
  const ours = publicOrigin !== undefined && new URL(identifier).origin === publicOrigin;
  return fault(!ours, 'RESOURCE_IDENTIFIER', 'must be PUBLIC_ORIGIN or a path below it: set both, or neither');
}

/** With one key in two places, whoever holds it for the one can recompute the other's hashes (security, N23). */
function keysOfTheirOwn({ values: { rootKey }, tenants }: Read): readonly Fault[] {
  const again = 'once more: make another one with: openssl rand -base64 32';
  const seen = rootKey === undefined ? [] : [{ whose: 'ROOT_KEY', key: rootKey }];
  return tenants.flatMap(({ id, issuers, salts }) =>
    salts.flatMap(({ key }) => {
      const known = seen.find((other) => same(other.key.open(), key.open()));
      seen.push({ whose: `a salt of tenant ${id}`, key });
      if (known === undefined) return [];
      const [path, what] = issuers === 'all' ? ['TENANT_SALT', 'is'] : ['tenants', `hold, as a salt of ${id},`];
      return [{ path, what: `${what} ${known.whose} ${again}` }];
    }),
  );
}

/** Only in dev may a key be left to the state folder (elsewhere its absence is a fault of its own). */
function keptKeys({ values: v, tenants }: Read): readonly Fault[] {
  const left = v.rootKey === undefined || tenants.some(({ salts }) => salts.length === 0);
  return fault(
    v.environment === 'dev' && left && v.stateDir === undefined,
    'STATE_DIR',
    'is required to keep the keys that are not set (ROOT_KEY, TENANT_SALT): name a folder',
  );
}

/** Whoever presents nothing speaks for the one tenant, and holds no token that a rule about tokens could be kept with. */
function anonymous({ values: v }: Read): readonly Fault[] {
  if (v.requireAuth !== false || !relaxed(v.environment)) return [];
  const at = 'SECRETS_API_REQUIRE_AUTH';
  return [
    ...fault(
      v.tenantId === undefined,
      at,
      'is false, so TENANT_ID must say whose secrets anonymous may ask for: set it',
    ),
    ...fault(
      v.allowUnboundTokens === false,
      at,
      'is false beside ALLOW_UNBOUND_TOKENS=false, under which anonymous would get nothing: change one of the two',
    ),
    ...fault(
      (v.unboundGrantsPerJti ?? 0) > 0,
      'UNBOUND_GRANTS_PER_JTI',
      'counts the grants of one token, and anonymous (SECRETS_API_REQUIRE_AUTH=false) has none: set it to 0',
    ),
  ];
}

function developmentIssuer({ values: v, profile }: Read): readonly Fault[] {
  if (v.developmentIssuer !== true) return [];
  const at = 'DEVELOPMENT_ISSUER';
  return [
    ...fault(profile !== 'local', at, 'exists only in the profile local (POSTERN_PROFILE=local): remove it'),
    ...fault(
      !relaxed(v.environment),
      at,
      `cannot be on when ENVIRONMENT is ${v.environment}: it makes tokens for anybody; remove it`,
    ),
    ...fault(v.stateDir === undefined, 'STATE_DIR', 'is required by DEVELOPMENT_ISSUER: name a folder'),
  ];
}

/** Spec, "Configuration": the closed list, as far as its options exist. Holds in staging and in production. */
const INSECURE: readonly Rule[] = [
  ({ values: v }) => switchesOff(v).flatMap((name) => fault(true, name, notOutside(v.environment))),
  ({ values: v }) =>
    fault(
      v.allowUnboundTokens === true,
      'ALLOW_UNBOUND_TOKENS',
      'is true: whoever holds a token could use it; remove it',
    ),
  ({ values: v }) => fault(v.dpopNonce === 'off', 'DPOP_NONCE', 'is off: proofs could be made in advance; remove it'),
  ({ values: v }) =>
    fault(v.store === 'memory', 'STORE', 'is memory: uses and spent proofs are lost with the process; set it to redis'),
  ({ values: v }) =>
    fault(
      v.auditSink === 'file',
      'AUDIT_SINK',
      'is file, as the only sink: evidence on one disk is not enough; set it to kafka',
    ),
  ({ values: v }) =>
    fault(
      v.publicOrigin?.startsWith('http:') === true && !loopback(new URL(v.publicOrigin).hostname),
      'PUBLIC_ORIGIN',
      'is http: use https, or http on a loopback address only',
    ),
  ({ issuers }) =>
    issuers.flatMap((row) =>
      fault(
        'jwksUri' in row && row.jwksUri.startsWith('http:') && !loopback(new URL(row.jwksUri).hostname),
        'issuers',
        `fetch the keys of ${row.issuer} over http: use https, or http on a loopback address only`,
      ),
    ),
  ({ values: v }) =>
    (v.trustedProxyCidrs ?? [])
      .filter(({ network, prefix }) => prefix > 0 && prefix < WIDEST[network.family])
      .map(({ network, prefix }) => ({
        path: 'TRUSTED_PROXY_CIDRS',
        what: `holds ${network.text}/${prefix}, wider than any private network: name the networks of the proxies`,
      })),
  ({ values: v, tenants }) =>
    tenants.flatMap(({ id, mounts }) =>
      fault(
        mounts.length === 0 && v.tenantId === undefined,
        'tenants',
        `hold ${id} with empty mounts, which allow nothing: name them`,
      ),
    ),
  ({ providers, modeOf }) =>
    providers.flatMap(({ path }) =>
      fault(
        ((modeOf(path) ?? 0) & 0o007) !== 0,
        'providers',
        `hold a file that everybody on this machine can use: chmod o= ${path}`,
      ),
    ),
  () => [
    {
      path: 'AUDIT_KEY',
      what: 'is required outside dev and test, and this version does not sign its audit trail yet',
    },
  ],
];

function notOutside(environment: string): string {
  return `is false, which is refused when ENVIRONMENT is ${environment}: remove it, or set it to true`;
}

/** 10.0.0.0/8 and fc00::/7 (RFC 1918, RFC 4193): the proxies of a network stand in less than that. */
const WIDEST = { ipv4: 8, ipv6: 7 } as const;

/** The same list: what has to be there. Apart from the rest, since what is there and faulty is not missing. */
const NEEDED: readonly Rule[] = [
  ({ issuers }) =>
    fault(
      issuers.length === 0,
      'issuers',
      'are missing: without one nobody can be authenticated; name one in the file',
    ),
  ({ tenants }) => fault(tenants.length === 0, 'TENANT_ID', 'is missing, and so is tenants: configure a tenant'),
  ({ values: v }) =>
    fault(
      v.tenantId !== undefined && (v.tenantAllowedMounts ?? []).length === 0,
      'TENANT_ALLOWED_MOUNTS',
      `is empty, which allows tenant ${v.tenantId} nothing: name its mounts`,
    ),
  ({ providers }) => fault(providers.length === 0, 'providers', 'are missing: name where values live'),
];

/** What is missing outside dev and test, unless it is there and was found faulty already. */
export function missingOf(read: Read, known: readonly Fault[]): readonly Fault[] {
  if (relaxed(read.values.environment)) return [];
  const faulty = (name: string): boolean =>
    known.some(({ path }) => path === name || path.startsWith(`${name}[`) || path === `${name}_FILE`);
  const companions: Readonly<Record<string, readonly string[]>> = { TENANT_ID: ['tenants'] };
  return NEEDED.flatMap((rule) => rule(read)).filter(
    ({ path }) => ![path, ...(companions[path] ?? [])].some((name) => faulty(name)),
  );
}

/** Everything that forbids a start, in the order above. */
export function refusalsOf(read: Read): readonly Fault[] {
  const rules = [...NOT_BUILT, ...CONTRADICTIONS, ...(relaxed(read.values.environment) ? [] : INSECURE)];
  return rules.flatMap((rule) => rule(read));
}

function fault(when: boolean, path: string, what: string): readonly Fault[] {
  return when ? [{ path, what }] : [];
}

function above(value: number | undefined, limit: number | undefined): boolean {
  return value !== undefined && limit !== undefined && value > limit;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function loopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.[0-9]{1,3}){3}$/.test(host);
}
