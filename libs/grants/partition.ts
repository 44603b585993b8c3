import type { Caller } from '#libs/identity/access-token.js';
import type { Epoch } from '#libs/identity/replay-guard.js';
import type { Deadline } from '#libs/kernel/deadline.js';
import { tenantOf, type Tenants } from '#libs/tenancy/tenants.js';

import type { GrantDesk } from './desk.js';
import { hashUnder } from './hash.js';

/**
 * p = H(tenant, iss, sub, client) mod GRANT_PARTITIONS: all that one caller does lies in one partition of the store. The tenant is
 * the one that the guard will find, so that a token with the tenant claim and one without share their quota.
 */
export function partitionOf(tenant: string, caller: Caller, desk: Pick<GrantDesk, 'keys' | 'partitions'>): number {
  const { iss, sub, clientId } = caller.claims;
  const digest = Buffer.from(hashUnder(desk.keys.hash)(tenant, iss, sub, clientId), 'base64url');
  return digest.readUIntBE(0, 6) % desk.partitions;
}

/** The store's epoch for this caller, asked once: the nonce check and the take use the same value. */
export async function epochOf(caller: Caller, tenants: Tenants, desk: GrantDesk, deadline: Deadline): Promise<Epoch> {
  const tenant = tenantOf(caller.claims, tenants)?.id ?? '';
  const partition = desk.known.partition(caller.claims, () => partitionOf(tenant, caller, desk));
  return await deadline.wait('store', desk.deadlineMs, () => desk.store.epochOf(partition));
}
