import { isMembers } from './config-file.js';
import type { Environment, Setting } from './setting.js';
import { presetOf } from './setting.js';
import { ConfigError, type Fault } from './faults.js';
import { isList, type Raw, Wrong } from './kinds.js';
import { loadConfig } from './load.js';
import { flattened, type Reading } from './reading.js';
import { SECTIONS, SETTINGS } from './schema.js';
import { type LoadOptions, openSources } from './sources.js';

/** One setting as it stands: a secret is `[sealed]`, what nobody set and has no default is null. */
export interface Standing {
  readonly value: Raw;
  /** `environment`, the path of the file, the path of a secret's own file, `default`, or `unset`. */
  readonly from: string;
}

export type Standings = Readonly<Record<string, Standing>>;

/** Every setting with its origin, and what a start would say of them. */
export interface Inspection {
  readonly profile: string | undefined;
  /** Where nobody can read it: production, as at a start. */
  readonly environment: Environment;
  readonly settings: Standings;
  /** One map for each row of a section of the file. */
  readonly sections: Readonly<Record<string, readonly Standings[]>>;
  readonly faults: readonly Fault[];
  readonly warnings: readonly string[];
}

/** Looks at a configuration without using it: also one that cannot start is shown whole. */
export function inspectConfig(options: LoadOptions): Inspection {
  const { profile, file, reading } = openSources(options, []);
  const environment = environmentOf(reading);
  return {
    profile,
    environment,
    settings: standingsOf(Object.values(SETTINGS), reading, environment),
    sections: Object.fromEntries(
      Object.entries(SECTIONS).map(([name, { members }]) => [
        name,
        rowsOf(file.values.get(name)).map((row) => {
          const values = flattened(row);
          return standingsOf(Object.values(members), reading.row('', { name: file.name, values }), environment);
        }),
      ]),
    ),
    ...judged(options),
  };
}

function judged(options: LoadOptions): Pick<Inspection, 'faults' | 'warnings'> {
  try {
    return { faults: [], warnings: loadConfig(options).warnings };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { faults: error.faults, warnings: [] };
  }
}

function environmentOf(reading: Reading): Environment {
  const found = reading.origin(SETTINGS.environment);
  try {
    return found === undefined ? 'production' : SETTINGS.environment.kind.read(found.raw);
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    return 'production';
  }
}

function standingsOf(rows: readonly Setting<unknown>[], reading: Reading, environment: Environment): Standings {
  return Object.fromEntries(rows.map((row) => [row.name, standingOf(row, reading, environment)]));
}

function standingOf(row: Setting<unknown>, reading: Reading, environment: Environment): Standing {
  const found = reading.origin(row);
  if (found !== undefined) return { value: open(row, found.raw), from: found.from };
  const preset = presetOf(row, environment);
  return preset === undefined ? { value: null, from: 'unset' } : { value: preset, from: 'default' };
}

/** As it was written, with every secret sealed, also those of maps inside. */
function open({ secret, members }: Setting<unknown>, raw: Raw): Raw {
  if (secret === true) return '[sealed]';
  if (members === undefined) return raw;
  const inner = new Map(Object.values(members).map((member) => [member.name, member]));
  // what is no member is not shown: it is a fault, and may be a secret under a mistyped name
  const shown = (map: { readonly [name: string]: Raw }): Raw =>
    Object.fromEntries(
      Object.entries(map).flatMap(([name, value]) => {
        const member = inner.get(name.replace(/_file$/, ''));
        if (member === undefined) return [];
        return [[name, name === member.name ? open(member, value) : value]];
      }),
    );
  return rowsOf(raw).map(shown);
}

function rowsOf(raw: Raw | undefined): readonly { readonly [name: string]: Raw }[] {
  return raw !== undefined && isList(raw) ? raw.filter(isMembers) : [];
}
