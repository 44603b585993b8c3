import type { Journal } from '#libs/audit/trail.js';
import type { GrantDesk } from '#libs/grants/permit.js';
import type { TokenRules } from '#libs/identity/access-token.js';
import type { AdmissionRules } from '#libs/identity/admit.js';
import type { BindingRules } from '#libs/identity/bind.js';
import type { ScopeCheck } from '#libs/identity/scopes.js';
import type { Clock } from '#libs/kernel/clock.js';
import type { SecretUri } from '#libs/kernel/secret-uri.js';
import type { Buckets } from '#libs/limits/buckets.js';
import type { Vault } from '#libs/providers/mount-table.js';
import type { Tenants } from '#libs/tenancy/tenants.js';

/** The keyed hashes that stand for a secret in the audit (spec, "Secret URIs: Derived"). */
export interface Refs {
  /** `resource_ref`: tenant and URI without version. */
  resourceRef(tenant: string, uri: SecretUri): string;
  /** `path_ref`: tenant and URI without version and key. */
  pathRef(tenant: string, uri: SecretUri): string;
  /** `request_hash`: what was decided and executed, keyed like the refs, since plain hashes of paths can be guessed. */
  requestHash(tenant: string, parts: readonly string[]): string;
}

/** All ports and rules that the lines need, as one named object. `src/composition` builds it from configuration. */
export interface Gate {
  readonly clock: Clock;
  /** ADDRESS_ALLOWLIST, RATE_LIMIT_ADDRESS. */
  readonly admission: AdmissionRules;
  readonly tokens: TokenRules;
  readonly binding: BindingRules;
  /** SECRETS_ENFORCE_SCOPES. */
  readonly scopes: ScopeCheck;
  readonly tenants: Tenants;
  /** RATE_LIMIT_TENANT. */
  readonly tenantBuckets?: Buckets;
  readonly grants: GrantDesk;
  readonly vault: Vault;
  readonly audit: { readonly journal: Journal; readonly refs: Refs; readonly deadlineMs: number };
  /** REQUEST_DEADLINE_MS. */
  readonly requestDeadlineMs: number;
}
