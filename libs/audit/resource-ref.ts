import { hmacSha256 } from '#libs/kernel/digest.js';
import type { SecretUri } from '#libs/kernel/secret-uri.js';

/** A tenant's salt: at least 32 random bytes, and the key id that its refs begin with. */
export interface Salt {
  /** `[A-Za-z0-9_-]{1,16}`: no dot, since a dot ends it. TENANT_SALT has the id `1`. */
  readonly id: string;
  readonly key: Uint8Array;
}

/** Each tenant's salts, oldest first. The newest is used for records, the oldest for quotas (spec, "Secret URIs: derived"). */
export type Salts = ReadonlyMap<string, readonly Salt[]>;

/** The keyed hashes that stand for a secret in the audit: equal on every instance, useless to whoever has no salt. */
export interface ResourceRefs {
  /** Tenant and URI without version. */
  resourceRef(tenant: string, uri: SecretUri): string;
  /** Tenant and URI without version and key. */
  pathRef(tenant: string, uri: SecretUri): string;
  /** What was decided and executed. */
  requestHash(tenant: string, parts: readonly string[]): string;
  /** `resourceRef` under the oldest salt: a new salt must not refill a quota. */
  quotaRef(tenant: string, uri: SecretUri): string;
  /** `resourceRef` under every salt, newest first: for whoever looks a secret up in an old trail. */
  allRefs(tenant: string, uri: SecretUri): readonly string[];
}

/** Refs that are remembered; past it all are forgotten and worked out anew. */
const MAX_REMEMBERED = 4096;

/**
 * A hot secret's refs are asked for with every request: they are remembered, in a bounded map.
 * @throws Error when a tenant has no salt, or one is short or badly named: a defect of the configuration, found at start
 */
export function refsOf(salts: Salts): ResourceRefs {
  const keyed = remembering();
  for (const [tenant, each] of salts) checkSalts(tenant, each);
  const newest = (tenant: string): Salt => saltOf(salts.get(tenant)?.at(-1), tenant);
  const oldest = (tenant: string): Salt => saltOf(salts.get(tenant)?.at(0), tenant);
  return {
    resourceRef: (tenant, uri) => keyed(newest(tenant), tenant, uri.unversioned()),
    pathRef: (tenant, uri) => keyed(newest(tenant), tenant, uri.wholeMap()),
    // No URI begins with NUL, so that no request hash is a ref.
    requestHash: (tenant, parts) => keyed(newest(tenant), tenant, `\0request\0${JSON.stringify(parts)}`),
    quotaRef: (tenant, uri) => keyed(oldest(tenant), tenant, uri.unversioned()),
    allRefs: (tenant, uri) =>
      (salts.get(tenant) ?? []).toReversed().map((salt) => keyed(salt, tenant, uri.unversioned())),
  };
}

type Keyed = (salt: Salt, tenant: string, what: string) => string;

function remembering(): Keyed {
  const known = new Map<string, string>();
  return ({ id, key }, tenant, what) => {
    // tenant ids and salt ids hold no NUL
    const asked = `${id}\0${tenant}\0${what}`;
    let ref = known.get(asked);
    if (ref === undefined) {
      ref = `${id}.${hmacSha256(key, `${tenant}\0${what}`)}`;
      if (known.size >= MAX_REMEMBERED) known.clear();
      known.set(asked, ref);
    }
    return ref;
  };
}

function checkSalts(tenant: string, salts: readonly Salt[]): void {
  if (salts.length === 0) throw new Error(`tenant ${tenant} has no salt`);
  if (new Set(salts.map(({ id }) => id)).size !== salts.length)
    throw new Error(`tenant ${tenant} has two salts of one id`);
  for (const { id, key } of salts) {
    if (!/^[A-Za-z0-9_-]{1,16}$/.test(id))
      throw new Error(`tenant ${tenant} has a salt whose id is not 1 to 16 of A-Z a-z 0-9 _ -`);
    if (key.byteLength < 32) throw new Error(`salt ${id} of tenant ${tenant} has fewer than 32 bytes`);
  }
}

/** The guard lets only configured tenants pass. */
function saltOf(salt: Salt | undefined, tenant: string): Salt {
  if (salt === undefined) throw new Error(`tenant ${tenant} has no salt`);
  return salt;
}
