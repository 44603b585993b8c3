import { keySetFrom } from '#libs/identity/key-set.js';
import { isJsonObject, type JsonObject } from '#libs/kernel/json.js';
import { providerNames } from '#libs/kernel/provider-names.js';
import type { AllowedMount } from '#libs/tenancy/tenants.js';

import { isMembers, type ReadFile } from './config-file.js';
import type { IssuerConfig, ProviderConfig, TenantConfig } from './config.js';
import type { Fault } from './faults.js';
import { isList, type Raw, shown } from './kinds.js';
import { NOT_YET_MEMBERS } from './not-yet.js';
import { flattened, type Reading, unknownNames } from './reading.js';
import { SECTIONS } from './schema.js';
import type { Environment, Setting } from './setting.js';

export type SectionName = keyof typeof SECTIONS;

/** What the rows of the sections are read with. */
export interface SectionContext {
  readonly environment: Environment;
  readonly reading: Reading;
  readonly faults: Fault[];
  readonly file: string;
  readonly readFile: ReadFile;
  /** Relative paths to absolute ones. */
  readonly resolve: (path: string) => string;
}

/** One row: its members' reader, and its name in faults. */
interface Row {
  readonly at: string;
  readonly members: Reading;
}

/** The rows of a section with their unknown members noted; a section that is not there has none. */
function rowsOf(section: SectionName, raw: Raw | undefined, context: SectionContext): readonly Row[] {
  const { faults, file, reading } = context;
  if (raw === undefined) return [];
  if (!isList(raw)) {
    faults.push({ path: section, what: `must be a list of maps, not ${shown(raw)}`, from: file });
    return [];
  }
  return raw.flatMap((item, index) => {
    const at = `${section}[${index}]`;
    if (!isMembers(item)) {
      faults.push({ path: at, what: `must be a map, not ${shown(item)}`, from: file });
      return [];
    }
    const values = flattened(item);
    checkMembers(section, at, { given: values.keys(), context });
    return [{ at, members: reading.row(`${at}.`, { name: file, values }) }];
  });
}

function checkMembers(
  section: SectionName,
  at: string,
  { given, context }: { given: Iterable<string>; context: SectionContext },
): void {
  const members: readonly Setting<unknown>[] = Object.values(SECTIONS[section].members);
  const known = new Set(members.flatMap(({ name, secret }) => (secret === true ? [name, `${name}_file`] : [name])));
  for (const { name, meant } of unknownNames(given, known)) {
    const what = NOT_YET_MEMBERS.has(`${section}.${name}`)
      ? 'is not supported yet: remove it'
      : `is unknown${meant === undefined ? '' : `: did you mean ${meant}?`}`;
    context.faults.push({ path: `${at}.${name}`, what, from: context.file });
  }
}

export function readIssuers(raw: Raw | undefined, context: SectionContext, audience: string): readonly IssuerConfig[] {
  const seen = new Set<string>();
  return rowsOf('issuers', raw, context).flatMap(({ at, members }) => {
    const { members: m } = SECTIONS.issuers;
    const read = <T>(setting: Setting<T>): T | undefined => members.read(setting, context.environment);
    const issuer = read(m.issuer);
    const file = read(m.jwksFile);
    const jwks = file === undefined ? undefined : readJwks(file, at, context);
    const algorithms = read(m.algorithms);
    const own = read(m.audience);
    const [tenant, subjectType, groups] = [read(m.tenantClaim), read(m.subjectTypeClaim), read(m.groupsClaim)];
    const maxTokenAgeSeconds = read(m.maxTokenAgeSeconds);
    if (algorithms?.length === 0) members.fault(m.algorithms, 'is empty: name what the issuer signs with');
    if (issuer !== undefined && seen.has(issuer)) members.fault(m.issuer, 'stands twice: one row per issuer');
    if (issuer !== undefined) seen.add(issuer);
    if (issuer === undefined || jwks === undefined || algorithms === undefined || maxTokenAgeSeconds === undefined)
      return [];
    const claims = {
      ...(tenant !== undefined && { tenant }),
      ...(subjectType !== undefined && { subjectType }),
      ...(groups !== undefined && { groups }),
    };
    return [{ issuer, jwks, algorithms, audience: own ?? audience, claims, maxTokenAgeSeconds }];
  });
}

/** A JWK Set of public keys. A private key beside them is refused: this file is meant to be shared. */
function readJwks(path: string, at: string, { resolve, readFile, faults }: SectionContext): JsonObject | undefined {
  const fault = (what: string): undefined => {
    faults.push({ path: `${at}.jwks_file`, what, from: path });
  };
  let set: unknown;
  try {
    set = JSON.parse(readFile(resolve(path)).text);
  } catch (error) {
    return fault(
      error instanceof SyntaxError ? 'is not JSON' : 'cannot be read: does the file exist, and may we read it?',
    );
  }
  if (!isJsonObject(set)) return fault('is no JWK Set: {"keys": [...]} is expected');
  try {
    keySetFrom(set);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return fault(`cannot be used: ${error.message.replace(/\.$/, '')}`);
  }
  return set;
}

export function readProviders(
  raw: Raw | undefined,
  context: SectionContext,
  yamlVaultPath: string,
): readonly ProviderConfig[] {
  const seen = new Set<string>();
  return rowsOf('providers', raw, context).flatMap(({ members }) => {
    const { members: m } = SECTIONS.providers;
    const name = members.read(m.name, context.environment);
    const type = members.read(m.type, context.environment);
    const path = members.read(m.path, context.environment) ?? yamlVaultPath;
    if (name === undefined || type === undefined) return [];
    if (seen.has(name)) members.fault(m.name, 'stands twice: one row per name');
    seen.add(name);
    const what = nameFault(name);
    if (what !== undefined) members.fault(m.name, what);
    return [{ name, type, path: context.resolve(path) }];
  });
}

/** A name that promises another kind of vault would mislead whoever reads the URI. */
function nameFault(name: string): string | undefined {
  if (['openbao', 'hashicorp'].includes(name)) return `promises another kind of vault than yaml: take another name`;
  try {
    providerNames([{ name }]);
    return undefined;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return `cannot be used: ${error.message.replace(/\.$/, '')}`;
  }
}

export function readTenants(
  raw: Raw | undefined,
  context: SectionContext,
  known: { readonly issuers: ReadonlySet<string>; readonly providers: ReadonlySet<string> },
): readonly TenantConfig[] {
  const seen = new Set<string>();
  return rowsOf('tenants', raw, context).flatMap(({ members }) => {
    const { members: m } = SECTIONS.tenants;
    const read = <T>(setting: Setting<T>): T | undefined => members.read(setting, context.environment);
    const [id, issuers, mountTexts, providers, salt] = [
      read(m.id),
      read(m.issuers),
      read(m.mounts),
      read(m.providers),
      read(m.salt),
    ];
    if (id !== undefined && seen.has(id)) members.fault(m.id, 'stands twice: one row per tenant');
    if (id !== undefined) seen.add(id);
    for (const name of issuers ?? []) {
      if (!known.issuers.has(name)) members.fault(m.issuers, `names ${shown(name)}, which is no row of issuers`);
    }
    for (const name of providers ?? []) {
      if (!known.providers.has(name)) members.fault(m.providers, `names ${shown(name)}, which is no row of providers`);
    }
    const mounts = readMounts(mountTexts ?? [], known.providers, (what) => members.fault(m.mounts, what));
    if (id === undefined || issuers === undefined) return [];
    return [{ id, issuers, claimOptional: false, mounts, providers: providers ?? 'all', salt }];
  });
}

/** `mount`, or `provider://mount`; whole names, no patterns. */
export function readMounts(
  texts: readonly string[],
  providers: ReadonlySet<string>,
  fault: (what: string) => void,
): readonly AllowedMount[] {
  return texts.flatMap((text) => {
    const [, provider, mount = ''] = /^(?:([a-z][a-z0-9-]*):\/\/)?([A-Za-z0-9._-]{1,128})$/.exec(text) ?? [];
    if (['', '.', '..', '__proto__', 'prototype', 'constructor'].includes(mount)) {
      fault(`holds ${shown(text)}, which is neither mount nor provider://mount (no patterns, no paths)`);
      return [];
    }
    if (provider === undefined) return [{ mount }];
    if (!providers.has(provider)) fault(`holds ${shown(text)}, but there is no provider ${provider}`);
    return [{ provider, mount }];
  });
}
