import type { Rate } from '#libs/limits/rate.js';

import type { ReadFile } from './config-file.js';
import type { Config, TenantConfig } from './config.js';
import { ConfigError, type Fault } from './faults.js';
import { readIssuers } from './issuer-rows.js';
import { openFileFaults } from './inline-secrets.js';
import { NOT_YET } from './not-yet.js';
import { type Source, unknownNames } from './reading.js';
import { missingOf, type Read, refusalsOf } from './refusals.js';
import { SETTINGS } from './schema.js';
import { readProviders, type SectionContext } from './sections.js';
import { isRequired, relaxed } from './setting.js';
import { IN_FILES, type LoadOptions, NAMES, openSources } from './sources.js';
import { switchesOff } from './switches.js';
import { checkAcrValues, readMounts, readTenants } from './tenant-rows.js';
import { readTls } from './tls.js';
import { readValues, type Values } from './values.js';
import { idleTrust, loosenessOf, slipsIn, staleCertificate, unprovenProxies, weakTrust } from './warnings.js';

/** What the development issuer calls itself; no configured issuer may take the name. */
export const DEVELOPMENT_ISSUER = 'urn:postern:dev';

/**
 * One configuration from a file (the profile) and the environment, which wins. Nothing is guessed: an unknown name in the file, a
 * documented name that is not built yet, a value of the wrong kind and an insecure choice outside dev and test are faults.
 *
 * @throws ConfigError with every fault at once
 */
export function loadConfig(options: LoadOptions): Config {
  const { env, readFile } = options;
  const faults: Fault[] = [];
  const { profile, file, sources, resolve, reading } = openSources(options, faults);

  checkNames(sources, faults);
  // An ENVIRONMENT that cannot be read is judged as production: its fault never hides another.
  const environment = reading.read(SETTINGS.environment, 'production') ?? 'production';
  const values = readValues(reading, environment);
  const context = { environment, reading, faults, file: file.name, readFile, resolve };
  const tls = readTls(values, context);
  const read = { values, profile, tls, modeOf: modeWith(readFile), ...readSections(file, values, context) };
  faults.push(...openFileFaults(file.values, { mode: file.mode, path: file.name, environment }));
  faults.push(...refusalsOf(read), ...missingOf(read, faults));
  if (faults.length > 0) throw new ConfigError(faults);
  return assemble(read, {
    resolve,
    warnings: [
      ...loosenessOf(read),
      ...weakTrust(read),
      ...idleTrust(read),
      ...unprovenProxies(read),
      ...staleCertificate(read),
      ...slipsIn(Object.keys(env), NAMES),
    ],
  });
}

/** Names that nothing reads, and names that nothing reads yet. */
function checkNames(sources: readonly Source[], faults: Fault[]): void {
  for (const { name: from, values } of sources) {
    for (const { name, meant } of unknownNames(values.keys(), IN_FILES)) {
      const known = NOT_YET.has(name.replace(/_FILE$/, ''));
      const what = known
        ? 'is not supported yet: remove it'
        : `is unknown${meant === undefined ? '' : `: did you mean ${meant}?`}`;
      faults.push({ path: name, what, from });
    }
  }
}

function readSections(
  file: Source,
  values: Values,
  context: SectionContext,
): Pick<Read, 'issuers' | 'providers' | 'tenants'> {
  const issuers = readIssuers(file.values.get('issuers'), context, values.secretsAudience ?? '');
  const raw =
    file.values.get('providers') ?? (relaxed(values.environment) ? [{ name: 'yaml', type: 'yaml' }] : undefined);
  const providers = readProviders(raw, context, values.yamlVaultPath ?? '');
  const known = {
    issuers: new Set([
      ...issuers.map(({ issuer }) => issuer),
      ...(values.developmentIssuer === true ? [DEVELOPMENT_ISSUER] : []),
    ]),
    providers: new Set(providers.map(({ name }) => name)),
  };
  if (!file.values.has('tenants'))
    return { issuers, providers, tenants: theOneTenant(values, context, known.providers) };
  for (const setting of [
    SETTINGS.tenantId,
    SETTINGS.tenantAllowedMounts,
    SETTINGS.tenantSalt,
    SETTINGS.tenantAcrValues,
  ]) {
    if (context.reading.has(setting)) context.reading.fault(setting, 'stands beside tenants: keep one of the two');
  }
  return { issuers, providers, tenants: readTenants(file.values.get('tenants'), context, known) };
}

/** TENANT_ID and its companions: every issuer may claim it, and a token may leave the claim out. */
function theOneTenant(
  { tenantId: id, tenantAllowedMounts, tenantSalt: key, tenantAcrValues: acrValues = [], environment }: Values,
  { reading }: SectionContext,
  providers: ReadonlySet<string>,
): readonly TenantConfig[] {
  const mounts = readMounts(tenantAllowedMounts ?? [], providers, (what) =>
    reading.fault(SETTINGS.tenantAllowedMounts, what),
  );
  checkAcrValues(acrValues, (what) => reading.fault(SETTINGS.tenantAcrValues, what));
  if (id === undefined) return [];
  if (!reading.has(SETTINGS.tenantSalt) && isRequired({ required: 'outside dev' }, environment)) {
    reading.fault(SETTINGS.tenantSalt, 'is required outside dev: set it, or TENANT_SALT_FILE');
  }
  const salts = key === undefined ? [] : [{ id: '1', key }];
  return [{ id, issuers: 'all', claimOptional: true, mounts, providers: 'all', salts, acrValues }];
}

function modeWith(readFile: ReadFile): Read['modeOf'] {
  return (path) => {
    try {
      return readFile(path).mode;
    } catch {
      return undefined;
    }
  };
}

/** Only after no fault was found: every preset and every required setting is there. */
function assemble(
  { values: v, profile, tls, issuers, tenants, providers }: Read,
  { resolve, warnings }: { resolve: (path: string) => string; warnings: readonly string[] },
): Config {
  return {
    profile,
    environment: v.environment,
    listen: sure(v.listen),
    tls,
    publicOrigin: v.publicOrigin,
    switchesOff: switchesOff(v),
    secretsAudience: sure(v.secretsAudience),
    clockLeewaySeconds: sure(v.clockLeewaySeconds),
    jwksGraceSeconds: sure(v.jwksGraceSeconds),
    issuers,
    developmentIssuer: sure(v.developmentIssuer),
    stateDir: v.stateDir === undefined ? undefined : resolve(v.stateDir),
    tenants,
    providers,
    rootKey: v.rootKey,
    binding: {
      allowUnbound: sure(v.allowUnboundTokens),
      unboundGrantsPerJti: sure(v.unboundGrantsPerJti),
      nonces: sure(v.dpopNonce),
    },
    addresses: {
      proxies: v.trustedProxyCidrs ?? [],
      proxyThumbprints: v.trustedProxyThumbprints ?? [],
      clientCertHeader: sure(v.clientCertHeader),
      allowed: v.addressAllowlist,
    },
    rates: {
      address: rateOf(sure(v.rateLimitAddress)),
      tenant: rateOf(sure(v.rateLimitTenant)),
      subject: rateOf(sure(v.rateLimitSubject)),
    },
    resource: { identifier: v.resourceIdentifier, documentation: v.resourceDocumentation },
    requireUriInPath: sure(v.requireUriInPath),
    reasonPattern: sure(v.reasonPattern),
    grants: {
      ttlDefaultSeconds: sure(v.grantTtlDefault),
      ttlMaxSeconds: sure(v.grantTtlMax),
      maxUsesDefault: sure(v.grantMaxUsesDefault),
      maxUsesMax: sure(v.grantMaxUsesMax),
      partitions: sure(v.grantPartitions),
      releaseWithinMs: sure(v.releaseWithinMs),
    },
    store: 'memory',
    storeSkewMs: sure(v.storeSkewMs),
    policiesDir: resolve(sure(v.policiesDir)),
    audit: { sink: 'file', directory: resolve(sure(v.auditDir)) },
    deadlines: {
      storeMs: sure(v.storeDeadlineMs),
      pdpMs: sure(v.pdpDeadlineMs),
      providerMs: sure(v.providerDeadlineMs),
      auditMs: sure(v.auditDeadlineMs),
      requestMs: sure(v.requestDeadlineMs),
    },
    warnings,
  };
}

function rateOf(limit: Rate | 'off'): Rate | undefined {
  return limit === 'off' ? undefined : limit;
}

function sure<T>(value: T | undefined): T {
  if (value === undefined)
    throw new Error('A setting without fault has no value: its row in the schema lacks a preset.');
  return value;
}
