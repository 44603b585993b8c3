import { isAbsolute, join } from 'node:path';
import { types } from 'node:util';

import { parseConfigFile, type ReadFile } from './config-file.js';
import type { Config, TenantConfig } from './config.js';
import { ConfigError, type Fault } from './faults.js';
import { type Raw, Wrong } from './kinds.js';
import { NOT_YET } from './not-yet.js';
import { Reading, type Source, unknownNames } from './reading.js';
import { type Read, refusalsOf } from './refusals.js';
import { SECTIONS, SETTINGS } from './schema.js';
import { readIssuers, readMounts, readProviders, readTenants, type SectionContext } from './sections.js';
import { isRequired, relaxed, type Setting } from './setting.js';
import { switchesOff } from './switches.js';
import { readValues, type Values } from './values.js';
import { loosenessOf, slipsIn } from './warnings.js';

export interface LoadOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `local`, or the path of a file, for when POSTERN_PROFILE is not set. Undefined: the environment alone. */
  readonly profile?: string | undefined;
  /** Absolute: where relative paths count from, and where `config/local.yaml` lies. */
  readonly directory: string;
  readonly readFile: ReadFile;
}

/** What the development issuer calls itself; no configured issuer may take the name. */
export const DEVELOPMENT_ISSUER = 'urn:postern:dev';

const ALL: readonly Setting<unknown>[] = Object.values(SETTINGS);
const NAMES: ReadonlySet<string> = new Set(
  ALL.flatMap(({ name, secret }) => (secret === true ? [name, `${name}_FILE`] : [name])),
);
const IN_FILES: ReadonlySet<string> = new Set([...NAMES, ...Object.keys(SECTIONS)]);

/**
 * One configuration from a file (the profile) and the environment, which wins. Nothing is guessed: an unknown name in the file, a
 * documented name that is not built yet, a value of the wrong kind and an insecure choice outside dev and test are faults.
 *
 * @throws ConfigError with every fault at once
 */
export function loadConfig({ env, profile: usual, directory, readFile }: LoadOptions): Config {
  const faults: Fault[] = [];
  const profile = env['POSTERN_PROFILE'] ?? usual;
  const resolve = (path: string): string => (isAbsolute(path) ? path : join(directory, path));
  const file = readProfile(profile, { resolve, readFile, faults });
  const sources = [environmentSource(env), file];
  const reading = new Reading({ sources, readFile, resolve, prefix: '', fileSuffix: '_FILE', faults });

  checkNames(sources, faults);
  // An ENVIRONMENT that cannot be read is judged as production: its fault never hides another.
  const environment = reading.read(SETTINGS.environment, 'production') ?? 'production';
  const values = readValues(reading, environment);
  const context = { environment, reading, faults, file: file.name, readFile, resolve };
  const read = { values, profile, modeOf: modeWith(readFile), ...readSections(file, values, context) };
  faults.push(...refusalsOf(read));
  if (faults.length > 0) throw new ConfigError(faults);
  return assemble(read, { resolve, warnings: [...loosenessOf(read), ...slipsIn(Object.keys(env), NAMES)] });
}

function readProfile(
  profile: string | undefined,
  { resolve, readFile, faults }: { resolve: (path: string) => string; readFile: ReadFile; faults: Fault[] },
): Source {
  if (profile === undefined) return { name: 'file', values: new Map() };
  const path = resolve(profile === 'local' ? 'config/local.yaml' : profile);
  const fault = (what: string): Source => {
    faults.push({ path: 'POSTERN_PROFILE', what });
    return { name: path, values: new Map() };
  };
  let text: string;
  try {
    ({ text } = readFile(path));
  } catch (error) {
    const why = types.isNativeError(error) ? error.message : 'unknown';
    return fault(`names the profile ${profile}, whose file cannot be read (${why}): it is local or the path of a file`);
  }
  try {
    return { name: path, values: parseConfigFile(text) };
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    return fault(`names ${path}, which ${error.message}`);
  }
}

function environmentSource(env: LoadOptions['env']): Source {
  const values = new Map<string, Raw>();
  for (const name of [...NAMES, ...NOT_YET]) {
    const value = env[name];
    if (value !== undefined) values.set(name, value);
  }
  return { name: 'environment', values };
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
  for (const setting of [SETTINGS.tenantId, SETTINGS.tenantAllowedMounts, SETTINGS.tenantSalt]) {
    if (context.reading.has(setting)) context.reading.fault(setting, 'stands beside tenants: keep one of the two');
  }
  return { issuers, providers, tenants: readTenants(file.values.get('tenants'), context, known) };
}

/** TENANT_ID and its companions: every issuer may claim it, and a token may leave the claim out. */
function theOneTenant(
  { tenantId: id, tenantAllowedMounts, tenantSalt: salt, environment }: Values,
  { reading }: SectionContext,
  providers: ReadonlySet<string>,
): readonly TenantConfig[] {
  const mounts = readMounts(tenantAllowedMounts ?? [], providers, (what) =>
    reading.fault(SETTINGS.tenantAllowedMounts, what),
  );
  if (id === undefined) return [];
  if (!reading.has(SETTINGS.tenantSalt) && isRequired({ required: 'outside dev' }, environment)) {
    reading.fault(SETTINGS.tenantSalt, 'is required outside dev: set it, or TENANT_SALT_FILE');
  }
  return [{ id, issuers: 'all', claimOptional: true, mounts, providers: 'all', salt }];
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
  { values: v, profile, issuers, tenants, providers }: Read,
  { resolve, warnings }: { resolve: (path: string) => string; warnings: readonly string[] },
): Config {
  return {
    profile,
    environment: v.environment,
    listen: sure(v.listen),
    publicOrigin: v.publicOrigin,
    switchesOff: switchesOff(v),
    secretsAudience: sure(v.secretsAudience),
    clockLeewaySeconds: sure(v.clockLeewaySeconds),
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

function sure<T>(value: T | undefined): T {
  if (value === undefined)
    throw new Error('A setting without fault has no value: its row in the schema lacks a preset.');
  return value;
}
