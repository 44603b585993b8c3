import type { TrustedIssuer } from '#libs/identity/issuers.js';
import { keySetFrom } from '#libs/identity/key-set.js';
import type { IssuerConfig } from '#src/config/config.js';

/** By exact `iss`. @throws Error naming the issuer when its key set holds no usable key */
export function trustedIssuers(configs: readonly IssuerConfig[]): ReadonlyMap<string, TrustedIssuer> {
  return new Map(
    configs.map((config) => {
      const { issuer, algorithms, audience, claims, maxTokenAgeSeconds } = config;
      return [issuer, { issuer, algorithms, audience, claims, maxTokenAgeSeconds, keys: keysOf(config) }];
    }),
  );
}

function keysOf({ issuer, jwks }: IssuerConfig): TrustedIssuer['keys'] {
  try {
    return keySetFrom(jwks);
  } catch (error) {
    throw new Error(
      `The key set of the issuer ${issuer} cannot be used: ${error instanceof Error ? error.message : 'unknown'}`,
      {
        cause: error,
      },
    );
  }
}
