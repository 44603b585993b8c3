import { ANONYMOUS_ISSUER } from '#libs/identity/anonymous.js';
import { providerNames, type ProviderName } from '#libs/kernel/provider-names.js';
import type { Tenants } from '#libs/tenancy/tenants.js';
import type { Config, IssuerConfig, ProviderConfig } from '#src/config/config.js';

/** The engine that a provider type has in a URI; none for yaml. */
const ENGINES: Readonly<Record<ProviderConfig['type'], string | undefined>> = { yaml: undefined };

/** Tenants with `all` spelled out. @param kept issuers that no configuration names (the development issuer) */
export function tenantsOf(config: Config, kept: readonly IssuerConfig[]): Tenants {
  const everyIssuer = [...config.issuers, ...kept].map(({ issuer }) => issuer);
  if (config.switchesOff.includes('SECRETS_API_REQUIRE_AUTH')) everyIssuer.push(ANONYMOUS_ISSUER);
  const names = new Map<string, ProviderName>(
    config.providers.map(({ name, type }) => {
      const engine = ENGINES[type];
      return [name, { name, ...(engine !== undefined && { engine }) }];
    }),
  );
  return new Map(
    config.tenants.map(({ id, issuers, claimOptional, mounts, providers, acrValues }) => [
      id,
      {
        id,
        issuers: new Set(issuers === 'all' ? everyIssuer : issuers),
        claimOptional,
        mounts,
        acrValues,
        providers: providerNames(
          providers === 'all' ? names.values() : providers.flatMap((name) => names.get(name) ?? []),
        ),
      },
    ]),
  );
}
