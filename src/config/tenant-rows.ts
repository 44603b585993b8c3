import type { AllowedMount } from '#libs/tenancy/tenants.js';

import { isMembers } from './config-file.js';
import type { SaltConfig, TenantConfig } from './config.js';
import { type Raw, shown } from './kinds.js';
import { flattened, type Reading, unknownNames } from './reading.js';
import { SALT_MEMBERS, SECTIONS } from './schema.js';
import { rowsOf, type SectionContext } from './sections.js';
import { isRequired, type Setting } from './setting.js';

/** What the rows of `tenants` may name. */
export interface Known {
  readonly issuers: ReadonlySet<string>;
  readonly providers: ReadonlySet<string>;
}

/** The section `tenants`. Whose a thing is, is written out: with two providers, a tenant says which are its own. */
export function readTenants(raw: Raw | undefined, context: SectionContext, known: Known): readonly TenantConfig[] {
  const { environment, resolve } = context;
  const seen = new Set<string>();
  const { members: m } = SECTIONS.tenants;
  return rowsOf('tenants', raw, context).flatMap(({ at, members }) => {
    const read = <T>(setting: Setting<T>): T | undefined => members.read(setting, environment);
    const [id, issuers, mountTexts, acrValues, policies] = [
      read(m.id),
      read(m.issuers),
      read(m.mounts),
      read(m.acrValues),
      read(m.policies),
    ];
    if (id !== undefined && seen.has(id)) members.fault(m.id, 'stands twice: one row per tenant');
    if (id !== undefined) seen.add(id);
    for (const name of issuers ?? []) {
      if (!known.issuers.has(name)) members.fault(m.issuers, `names ${shown(name)}, which is no row of issuers`);
    }
    const providers = readOwnProviders(members, context, known.providers);
    // a mount on another tenant's provider could never be asked for
    const mounts = readMounts(mountTexts ?? [], new Set(providers), (what) => members.fault(m.mounts, what));
    const salts = readSalts(at, members, context);
    checkAcrValues(acrValues ?? [], (what) => members.fault(m.acrValues, what));
    if (id === undefined || issuers === undefined) return [];
    const own = policies === undefined ? {} : { policiesDir: resolve(policies) };
    return [{ id, issuers, claimOptional: false, mounts, providers, salts, acrValues: acrValues ?? [], ...own }];
  });
}

/** Left out where there is one provider only: with more, another tenant's instance would be within reach of whoever forgot. */
function readOwnProviders(
  members: Reading,
  { environment }: SectionContext,
  known: Known['providers'],
): readonly string[] {
  const { providers: setting } = SECTIONS.tenants.members;
  if (!members.has(setting)) {
    if (known.size > 1) members.fault(setting, 'is required where there is more than one provider: name its own');
    return [...known];
  }
  const providers = members.read(setting, environment) ?? [];
  for (const name of providers) {
    if (!known.has(name)) members.fault(setting, `names ${shown(name)}, which is no row of providers`);
  }
  return providers;
}

/** `salt` is the salt with the id `1`; `salts` is a list of them, oldest first. */
function readSalts(at: string, members: Reading, context: SectionContext): readonly SaltConfig[] {
  const { salt: single, salts: several } = SECTIONS.tenants.members;
  const one = members.read(single, context.environment);
  const rows = members.read(several, context.environment);
  if (rows === undefined) {
    const faulty = members.has(single) || members.has(several);
    if (!faulty && isRequired({ required: 'outside dev' }, context.environment))
      members.fault(single, 'is required outside dev: set it, or salt_file, or salts');
    return one === undefined ? [] : [{ id: '1', key: one }];
  }
  if (members.has(single)) members.fault(single, 'stands beside salts: keep one of the two');
  if (rows.length === 0) members.fault(several, 'is empty: name one salt at least');
  const salts = rows.flatMap((row, index) => readSalt(`${at}.salts[${index}]`, row, context));
  if (new Set(salts.map(({ id }) => id)).size < salts.length) members.fault(several, 'holds an id twice');
  return salts;
}

function readSalt(at: string, row: Raw, { reading, faults, file, environment }: SectionContext): readonly SaltConfig[] {
  if (!isMembers(row)) {
    faults.push({ path: at, what: 'must be a map of id and key (or key_file)', from: file });
    return [];
  }
  const values = flattened(row);
  for (const { name } of unknownNames(values.keys(), new Set(['id', 'key', 'key_file']))) {
    faults.push({ path: `${at}.${name}`, what: 'is unknown: write id and key, or id and key_file', from: file });
  }
  const members = reading.row(`${at}.`, { name: file, values });
  const id = members.read(SALT_MEMBERS.id, environment);
  const key = members.read(SALT_MEMBERS.key, environment);
  return id === undefined || key === undefined ? [] : [{ id, key }];
}

/** Weakest first, hence each once: a value with two places has none. */
export function checkAcrValues(values: readonly string[], fault: (what: string) => void): void {
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  if (twice !== undefined) fault(`holds ${shown(twice)} twice: list each once, the weakest first`);
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
