import { types } from 'node:util';

import type { SecretUri } from '#libs/kernel/secret-uri.js';
import type { ReadAnswer, SecretProvider } from '#libs/providers/secret-provider.js';

import { YamlFault } from './strict-yaml.js';
import { parseVault, type Folder } from './vault.js';
import { fingerprintOf, readSmallFile, watchFile } from './watched-file.js';

/** What became of the file after the start. Holds places, never a name or a value. */
export type YamlFileEvent =
  { readonly kind: 'reloaded' } | { readonly kind: 'kept'; /** What is wrong, and where. */ readonly why: string };

export interface YamlFileOptions {
  /** YAML_VAULT_PATH. */
  readonly path: string;
  /** Told of each change once; `kept`: the file is broken or gone and the last good one still serves. */
  readonly report: (event: YamlFileEvent) => void;
  /** How often the file is looked at; a change serves after at most two looks and the reading. Default 250 ms. */
  readonly lookEveryMs?: number;
}

/** A SecretProvider that must be closed. */
export interface YamlProvider extends SecretProvider {
  close(): void;
}

/**
 * The YAML provider: one file, for a laptop and for tests (spec, "Providers"). Top level = mount, then folders, then keys.
 *
 * - A URI with a key is that string; without, the strings that stand directly at that path. What lies in folders below is not part
 *   of it: it has URIs, and so grants, of its own. A path without strings of its own is not found.
 * - There are no versions. Nothing is written.
 * - The parsed file stays in memory (it is the vault, not a cache of one) and follows the file.
 *
 * @throws Error naming file, line and column when the first load fails
 */
export async function openYamlProvider({ path, report, lookEveryMs = 250 }: YamlFileOptions): Promise<YamlProvider> {
  const known = await fingerprintOf(path);
  let root: Folder;
  try {
    root = await load(path);
  } catch (error) {
    throw new Error(`The YAML vault ${path} cannot be used: ${reasonOf(error)}`, { cause: error });
  }

  const close = watchFile(path, known, {
    everyMs: lookEveryMs,
    changed: async () => {
      try {
        root = await load(path);
      } catch (error) {
        report({ kind: 'kept', why: reasonOf(error) });
        return;
      }
      report({ kind: 'reloaded' });
    },
  });

  return {
    read: (uri, signal) => {
      signal.throwIfAborted();
      return answer(root, uri);
    },
    close,
  };
}

/** From the parsed segments, level by level. */
function answer(root: Folder, { mount, path, key, version }: SecretUri): ReadAnswer {
  if (version !== undefined) return { kind: 'version_unsupported' };
  let folder = root.folders.get(mount);
  for (const segment of path) folder = folder?.folders.get(segment);
  const value = key === undefined ? folder?.whole : folder?.keys.get(key);
  return value === undefined ? { kind: 'not_found' } : { kind: 'value', value };
}

async function load(path: string): Promise<Folder> {
  return parseVault(await readSmallFile(path));
}

/** Words for an operator. Errors of the file system name the path, which the operator chose; no error quotes the file. */
function reasonOf(error: unknown): string {
  if (error instanceof YamlFault) return error.message;
  if (!types.isNativeError(error)) return 'it cannot be read';
  return 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'not UTF-8' : error.message;
}
