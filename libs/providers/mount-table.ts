import type { SecretProvider } from './secret-provider.js';

/** Every configured provider instance by the canonical name that a URI spells. */
export type ProviderTable = ReadonlyMap<string, SecretProvider>;

/** Where `fetch` looks and how long it may take. */
export interface Vault {
  readonly providers: ProviderTable;
  /** PROVIDER_DEADLINE_MS. */
  readonly deadlineMs: number;
}
