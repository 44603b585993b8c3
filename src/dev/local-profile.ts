import type { Config } from '#src/config/config.js';
import { packageRoot, readFromDisk } from '#src/config/disk.js';
import { ConfigError } from '#src/config/faults.js';
import { loadConfig } from '#src/config/load.js';
import type { LoadOptions } from '#src/config/sources.js';

import { type DevelopmentIssuer, openDevelopmentIssuer } from './development-issuer.js';
import { openStateFolder, type StateFolder } from './state-folder.js';

/** The profile `local` with what it keeps for itself. */
export interface LocalProfile {
  readonly config: Config;
  readonly state: StateFolder;
  readonly issuer: DevelopmentIssuer;
}

/**
 * For programs beside the gateway that make development tokens (the command line, the demonstration, benches): the same file, the
 * same state folder, hence the same key.
 * @throws ConfigError when the environment does not allow it
 */
export async function openLocalProfile(env: LoadOptions['env']): Promise<LocalProfile> {
  const config = loadConfig({ env, profile: 'local', directory: packageRoot(), readFile: readFromDisk });
  if (config.stateDir === undefined) {
    throw new ConfigError([{ path: 'STATE_DIR', what: 'is needed for development tokens: name a folder' }]);
  }
  const state = await openStateFolder(config.stateDir);
  return { config, state, issuer: await openDevelopmentIssuer(config, state) };
}
