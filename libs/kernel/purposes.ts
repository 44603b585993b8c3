/**
 * Purposes (why a secret is used; the action that the PDP is asked about) and the OAuth scope that each needs.
 * Source: spec, "Scopes" and "The Secrets API". Both must hold.
 */
export const SCOPE_OF = {
  execute: 'secrets.read',
  read: 'secrets.read',
  write: 'secrets.write',
  delete: 'secrets.delete',
  undelete: 'secrets.delete',
  destroy_versions: 'secrets.destroy',
  rotate: 'secrets.rotate',
  read_metadata: 'secrets.read_metadata',
  owner_update: 'secrets.set_owner',
  revoke_grant: 'secrets.admin',
} as const;

export type Purpose = keyof typeof SCOPE_OF;
export type Scope = (typeof SCOPE_OF)[Purpose];

/** The purposes that disclose a value: one `forbid` on the action group `disclose` covers both. */
export type Disclosure = Extract<Purpose, 'execute' | 'read'>;
