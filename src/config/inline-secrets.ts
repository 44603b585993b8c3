import { isMembers } from './config-file.js';
import type { Fault } from './faults.js';
import { isList, type Raw } from './kinds.js';
import { flattened } from './reading.js';
import { SECTIONS, SETTINGS } from './schema.js';
import { type Environment, relaxed, type Setting } from './setting.js';
import { isPem, sealedPem } from './tls-kinds.js';

/**
 * Spec, "Configuration": a world-readable key file. A configuration file with a secret in it is one; with secrets in files of their
 * own it may be read by everybody.
 *
 * @param mode permission bits of the file, undefined when it could not be read
 */
export function openFileFaults(
  values: ReadonlyMap<string, Raw>,
  { mode, path, environment }: { mode: number | undefined; path: string; environment: Environment },
): readonly Fault[] {
  const [first, ...more] = inlineSecrets(values);
  if (first === undefined || relaxed(environment) || ((mode ?? 0) & 0o007) === 0) return [];
  const which = more.length === 0 ? first : `${first} and ${more.length} more`;
  return [
    {
      path: 'POSTERN_PROFILE',
      what: `names a file that holds secrets (${which}) and that everybody on this machine can use: chmod o= ${path}, or give them files of their own`,
    },
  ];
}

/** Where secrets stand in the file itself, such as `ROOT_KEY` or `tenants[0].salts[1].key`. */
function inlineSecrets(values: ReadonlyMap<string, Raw>): readonly string[] {
  const rows = Object.entries(SECTIONS).flatMap(([name, { members }]) => inRows(name, values.get(name), members));
  return [...inMap('', values, Object.values(SETTINGS)), ...rows];
}

function inRows(
  at: string,
  raw: Raw | undefined,
  members: Readonly<Record<string, Setting<unknown>>>,
): readonly string[] {
  if (raw === undefined || !isList(raw)) return [];
  return raw.flatMap((row, index) =>
    isMembers(row) ? inMap(`${at}[${index}].`, flattened(row), Object.values(members)) : [],
  );
}

function inMap(
  prefix: string,
  values: ReadonlyMap<string, Raw>,
  settings: readonly Setting<unknown>[],
): readonly string[] {
  return settings.flatMap(({ name, secret, members, kind }) => {
    const raw = values.get(name);
    if (raw === undefined) return [];
    if (members !== undefined) return inRows(`${prefix}${name}`, raw, members);
    const isPath = kind === sealedPem && typeof raw === 'string' && !isPem(raw);
    return secret === true && !isPath ? [`${prefix}${name}`] : [];
  });
}
