import { randomBytes } from 'node:crypto';

import { Sealed } from '#src/config/sealed.js';

import type { StateFolder } from './state-folder.js';

/** ROOT_KEY of a gateway in dev that was given none. 32 bytes. */
export async function keptRootKey(state: StateFolder): Promise<Sealed<Uint8Array>> {
  return await keptBytes(state, 'root-key');
}

/**
 * TENANT_SALT of a tenant in dev that was given none. 32 bytes.
 * @param tenant an id as the configuration allows it: it becomes part of a file name
 */
export async function keptTenantSalt(state: StateFolder, tenant: string): Promise<Sealed<Uint8Array>> {
  return await keptBytes(state, `tenant-salt-${tenant}`);
}

async function keptBytes(state: StateFolder, name: string): Promise<Sealed<Uint8Array>> {
  const text = await state.keep(name, () => randomBytes(32).toString('base64'));
  const bytes = Buffer.from(text.trim(), 'base64');
  if (bytes.length !== 32)
    throw new Error(`The state file ${state.path}/${name} is damaged: delete it (a new one is made).`);
  return new Sealed<Uint8Array>(bytes);
}
