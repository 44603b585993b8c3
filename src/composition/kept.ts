import type { Salts } from '#libs/audit/resource-ref.js';
import type { Config, IssuerConfig } from '#src/config/config.js';
import { ConfigError } from '#src/config/faults.js';
import { openDevelopmentIssuer } from '#src/dev/development-issuer.js';
import { keptRootKey, keptTenantSalt } from '#src/dev/kept-keys.js';
import { openStateFolder, type StateFolder } from '#src/dev/state-folder.js';

/** Keys that were configured or, in dev alone, are kept in the state folder. */
export interface Kept {
  readonly rootKey: Uint8Array;
  readonly salts: Salts;
  /** The development issuer, where it is on. */
  readonly issuers: readonly IssuerConfig[];
}

/** @throws ConfigError when a key is neither configured nor may be kept; Error when the state folder cannot be used */
export async function openKept(config: Config): Promise<Kept> {
  let opened: Promise<StateFolder> | undefined;
  const state = async (path: string): Promise<StateFolder> => {
    if (config.stateDir === undefined)
      throw new ConfigError([{ path, what: 'is required: set it, or a STATE_DIR in dev' }]);
    return await (opened ??= openStateFolder(config.stateDir));
  };

  const rootKey = config.rootKey ?? (await keptRootKey(await state('ROOT_KEY')));
  const salts = new Map<string, readonly { id: string; key: Uint8Array }[]>();
  for (const { id, salts: configured } of config.tenants) {
    const own =
      configured.length > 0 ? configured : [{ id: '1', key: await keptTenantSalt(await state('TENANT_SALT'), id) }];
    salts.set(
      id,
      own.map(({ id: name, key }) => ({ id: name, key: key.open() })),
    );
  }
  const issuers = config.developmentIssuer
    ? [(await openDevelopmentIssuer(config, await state('DEVELOPMENT_ISSUER'))).issuer]
    : [];
  return { rootKey: rootKey.open(), salts, issuers };
}
