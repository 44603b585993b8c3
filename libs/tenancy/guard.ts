import type { ScopeCheck } from '#libs/identity/scopes.js';
import type { BoundCaller } from '#libs/identity/bind.js';
import type { Purpose } from '#libs/kernel/purposes.js';
import { Refusal } from '#libs/kernel/refusal.js';
import { parseSecretUri, type SecretUri } from '#libs/kernel/secret-uri.js';
import type { Buckets } from '#libs/limits/buckets.js';
import { limited } from '#libs/limits/limited.js';

import { tenantOf, type Tenant, type Tenants } from './tenants.js';

/** What the request asks for, as text: only the guard turns it into something the line goes on with. */
export interface Wanted {
  readonly purpose: Purpose;
  readonly uri: string;
}

/** What the guard judges by. A Gate has all of it. */
export interface GuardRules {
  readonly tenants: Tenants;
  readonly scopes: ScopeCheck;
  /** RATE_LIMIT_TENANT. Absent: off. */
  readonly tenantBuckets?: Buckets;
}

/** Tenant, purpose and secret URI that passed the guard. */
export class Target {
  readonly #made = true;

  private constructor(
    readonly bound: BoundCaller,
    readonly tenant: Tenant,
    readonly purpose: Purpose,
    readonly uri: SecretUri,
  ) {}

  /**
   * No I/O. Order: scope → tenant → URI → mount → the tenant's rate. The tenant comes before the URI, since it says which provider names there are; a
   * caller without one gets nothing, and is not told whether its URI was well formed. The rate comes last: what the guard refuses anyway
   * costs the tenant nothing, and what is limited has not reached the store, so that its proof is unspent.
   *
   * @throws Refusal INSUFFICIENT_SCOPE, DENIED, the codes of the URI, TENANT_MOUNT_MISMATCH, RATE_LIMITED
   */
  static guard(this: void, bound: BoundCaller, wanted: Wanted, rules: GuardRules): Target {
    const { tenants, scopes, tenantBuckets } = rules;
    scopes(bound, wanted.purpose);
    const tenant = tenantOf(bound.caller.claims, tenants);
    if (tenant === undefined) throw new Refusal('DENIED', { check: 'tenant unknown' });
    const uri = parseSecretUri(wanted.uri, tenant.providers);
    checkMount(uri, tenant);
    const retryAfterMs = tenantBuckets?.take(tenant.id);
    if (retryAfterMs !== undefined) throw limited('rate tenant', retryAfterMs);
    return new Target(bound, tenant, wanted.purpose, uri);
  }

  static is(value: unknown): value is Target {
    return typeof value === 'object' && value !== null && #made in value;
  }
}

export const guard: typeof Target.guard = Target.guard;

/** Whole segments are compared: `secret` is not `secret2`. The answer does not list what is allowed. */
function checkMount(uri: SecretUri, tenant: Tenant): void {
  const allowed = tenant.mounts.some(
    ({ provider, mount }) => mount === uri.mount && (provider === undefined || provider === uri.provider),
  );
  if (!allowed) {
    throw new Refusal('TENANT_MOUNT_MISMATCH', {
      check: 'mount',
      detail: `The mount ${uri.mount} is not one of this tenant's.`,
    });
  }
}
