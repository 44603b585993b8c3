import { isAbsolute, join } from 'node:path';
import { types } from 'node:util';

import { type FileRead, parseConfigFile, type ReadFile } from './config-file.js';
import type { Fault } from './faults.js';
import { type Raw, Wrong } from './kinds.js';
import { NOT_YET, NOT_YET_SECRETS } from './not-yet.js';
import { Reading, type Source } from './reading.js';
import { SECTIONS, SETTINGS } from './schema.js';
import type { Setting } from './setting.js';

export interface LoadOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `local`, or the path of a file, for when POSTERN_PROFILE is not set. Undefined: the environment alone. */
  readonly profile?: string | undefined;
  /** Absolute: where relative paths count from, and where `config/local.yaml` lies. */
  readonly directory: string;
  readonly readFile: ReadFile;
}

const ALL: readonly Setting<unknown>[] = Object.values(SETTINGS);
/** Every name that the environment may set; those of secrets also with `_FILE`. */
export const NAMES: ReadonlySet<string> = new Set(
  ALL.flatMap(({ name, secret }) => (secret === true ? [name, `${name}_FILE`] : [name])),
);
/** The same for a file: its sections too. */
export const IN_FILES: ReadonlySet<string> = new Set([...NAMES, ...Object.keys(SECTIONS)]);

/** The file, and its permission bits: undefined when there is none, or it cannot be read. */
interface FileSource extends Source {
  readonly mode: number | undefined;
}

/** Where everything is looked up, before anything was judged. */
export interface Sources {
  /** `local`, the path of a file, or undefined. */
  readonly profile: string | undefined;
  readonly file: FileSource;
  /** The environment, then the file: the first wins. */
  readonly sources: readonly Source[];
  readonly reading: Reading;
  /** Relative paths to absolute ones. */
  readonly resolve: (path: string) => string;
}

/** A file that cannot be read or is no plain YAML is a fault like another: what the environment says is read all the same. */
export function openSources({ env, profile: usual, directory, readFile }: LoadOptions, faults: Fault[]): Sources {
  const profile = env['POSTERN_PROFILE'] ?? usual;
  const resolve = (path: string): string => (isAbsolute(path) ? path : join(directory, path));
  const file = readProfile(profile, { resolve, readFile, faults });
  const sources = [environmentSource(env), file];
  const reading = new Reading({ sources, readFile, resolve, prefix: '', fileSuffix: '_FILE', faults });
  return { profile, file, sources, reading, resolve };
}

function readProfile(
  profile: string | undefined,
  { resolve, readFile, faults }: { resolve: (path: string) => string; readFile: ReadFile; faults: Fault[] },
): FileSource {
  if (profile === undefined) return { name: 'file', values: new Map(), mode: undefined };
  const path = resolve(profile === 'local' ? 'config/local.yaml' : profile);
  const fault = (what: string): FileSource => {
    faults.push({ path: 'POSTERN_PROFILE', what });
    return { name: path, values: new Map(), mode: undefined };
  };
  if (profile === '') return fault('is set but empty: it is local or the path of a file; leave it out to have none');
  let found: FileRead;
  try {
    found = readFile(path);
  } catch (error) {
    const why = types.isNativeError(error) ? error.message : 'unknown';
    return fault(`names the profile ${profile}, whose file cannot be read (${why}): it is local or the path of a file`);
  }
  try {
    return { name: path, values: parseConfigFile(found.text), mode: found.mode };
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    return fault(`names ${path}, which ${error.message}`);
  }
}

function environmentSource(env: LoadOptions['env']): Source {
  const values = new Map<string, Raw>();
  for (const name of [...NAMES, ...NOT_YET, ...[...NOT_YET_SECRETS].map((secret) => `${secret}_FILE`)]) {
    const value = env[name];
    if (value !== undefined) values.set(name, value);
  }
  return { name: 'environment', values };
}
