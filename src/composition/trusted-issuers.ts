import type { KeySource, TrustedIssuer } from '#libs/identity/issuers.js';
import { keySetFrom } from '#libs/identity/key-set.js';
import { HttpKeySource } from '#libs/jwks-http/http-key-source.js';
import type { Clock } from '#libs/kernel/clock.js';
import type { Config, IssuerConfig } from '#src/config/config.js';
import { relaxed } from '#src/config/setting.js';

export interface OpenIssuers {
  /** By exact `iss`. */
  readonly table: ReadonlyMap<string, TrustedIssuer>;
  /** Stops fetching keys. */
  close(): void;
}

interface IssuerParts {
  readonly clock: Clock;
  readonly alarm: (what: string) => void;
}

/** The most that a request waits for keys: well within its own time, and under a second whatever that is. */
const MAX_WAIT_MS = 800;

/**
 * The issuers of the configuration and those that are kept (the development issuer). Ends when the keys of each have been fetched or
 * cannot be: an issuer that is down makes no gateway wait that serves the others (decision 14).
 *
 * @throws Error naming the issuer when the key set of a file holds no usable key
 */
export async function openIssuers(
  config: Config,
  kept: readonly IssuerConfig[],
  parts: IssuerParts,
): Promise<OpenIssuers> {
  const opened: HttpKeySource[] = [];
  const keysOf = async (issuer: IssuerConfig): Promise<KeySource> => {
    if ('jwks' in issuer) return fileKeys(issuer, parts);
    const source = await HttpKeySource.open(httpOptions(config, issuer, parts));
    opened.push(source);
    return source;
  };
  const rows = await Promise.all(
    [...config.issuers, ...kept].map(async (issuer) => {
      const { issuer: name, algorithms, audience, claims, compat, everyToken, maxTokenAgeSeconds } = issuer;
      const trusted: TrustedIssuer = {
        issuer: name,
        algorithms,
        audience,
        claims,
        maxTokenAgeSeconds,
        keys: await keysOf(issuer),
        ...(compat !== undefined && { compat }),
        ...(everyToken !== undefined && { everyToken }),
      };
      return [name, trusted] as const;
    }),
  );
  return {
    table: new Map(rows),
    close: () => {
      for (const source of opened) source.close();
    },
  };
}

function fileKeys({ issuer, jwks }: Extract<IssuerConfig, { jwks: unknown }>, { alarm }: IssuerParts): KeySource {
  try {
    const keys = keySetFrom(jwks);
    for (const fault of keys.faults) alarm(`the keys of the issuer ${issuer} leave one out: ${fault}`);
    return keys;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unknown';
    throw new Error(`The key set of the issuer ${issuer} cannot be used: ${why}`, { cause });
  }
}

function httpOptions(
  { environment, jwksGraceSeconds, deadlines }: Config,
  { issuer, jwksUri, jwksCa }: Extract<IssuerConfig, { jwksUri: string }>,
  { clock, alarm }: IssuerParts,
) {
  return {
    place: {
      uri: new URL(jwksUri),
      plainHttp: relaxed(environment),
      ...(jwksCa !== undefined && { ca: jwksCa }),
    },
    clock,
    graceMs: jwksGraceSeconds * 1000,
    waitMs: Math.min(MAX_WAIT_MS, deadlines.requestMs / 2),
    alarm: (what: string) => alarm(`the keys of the issuer ${issuer} ${what}`),
  };
}
