import type { VerifiedClaims } from '#libs/identity/access-token.js';
import type { ProviderNames } from '#libs/kernel/secret-uri.js';

/** One entry of a tenant's mount list: a mount, on every provider or on one. */
export interface AllowedMount {
  readonly provider?: string;
  readonly mount: string;
}

export interface Tenant {
  readonly id: string;
  /** The only issuers whose tokens may claim this tenant. */
  readonly issuers: ReadonlySet<string>;
  /** Whether a token of those issuers may leave the tenant claim out (the single-tenant case). */
  readonly claimOptional: boolean;
  /** Empty allows nothing. */
  readonly mounts: readonly AllowedMount[];
  /** The provider names this tenant may spell; another tenant's instance is as if it did not exist. */
  readonly providers: ProviderNames;
  /** The `acr` values that its issuers' sign-ins may be asked for, weakest first. Others are neither accepted nor told. */
  readonly acrValues: readonly string[];
}

/** All tenants of this gateway, by id. */
export type Tenants = ReadonlyMap<string, Tenant>;

/**
 * The tenant that a verified token speaks for: the claim names it, and the tenant must trust the token's issuer. A token without
 * the claim belongs to the one tenant that allows that for its issuer; two such tenants would be a guess, hence nobody.
 */
export function tenantOf(claims: VerifiedClaims, tenants: Tenants): Tenant | undefined {
  if (claims.tenant !== undefined) {
    const named = tenants.get(claims.tenant);
    return named?.issuers.has(claims.iss) === true ? named : undefined;
  }
  const candidates = [...tenants.values()].filter((tenant) => tenant.claimOptional && tenant.issuers.has(claims.iss));
  return candidates.length === 1 ? candidates[0] : undefined;
}
