import { providerNames } from '#libs/kernel/provider-names.js';

import { isMembers, type ReadFile } from './config-file.js';
import type { ProviderConfig } from './config.js';
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
export interface Row {
  readonly at: string;
  readonly members: Reading;
}

/** The rows of a section with their unknown members noted; a section that is not there has none. */
export function rowsOf(section: SectionName, raw: Raw | undefined, context: SectionContext): readonly Row[] {
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
    if (type !== 'yaml') {
      members.fault(m.type, `is ${type}, which is not supported yet: only yaml is`);
      return [];
    }
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
