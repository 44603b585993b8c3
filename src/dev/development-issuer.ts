import { randomUUID } from 'node:crypto';

import { SignJWT } from 'jose';

import { SCOPE_OF } from '#libs/kernel/purposes.js';
import type { Config, KnownIssuerConfig } from '#src/config/config.js';
import { ConfigError } from '#src/config/faults.js';
import { DEVELOPMENT_ISSUER } from '#src/config/load.js';
import { relaxed } from '#src/config/setting.js';

import { keptKeyPair } from './kept-key-pair.js';
import type { StateFolder } from './state-folder.js';

/** Life of the tokens that are printed and made: seconds. The bound one is renewed by whoever holds its key. */
export const LIFE_SECONDS = { bearer: 24 * 3600, bound: 3600 } as const;

/** Whom a development token speaks for; what is left out is the demonstration's identity. */
export interface DevTokenRequest {
  /** Default `demo-service`. */
  readonly sub?: string;
  /** Default `demo-client`. */
  readonly clientId?: string;
  /** Default `["payments"]`. */
  readonly groups?: readonly string[];
  /** Default: every scope but `secrets.admin`. */
  readonly scopes?: readonly string[];
  /** Default: the first tenant of the configuration. */
  readonly tenant?: string;
  /** A user who signed in; left out: a service. */
  readonly signIn?: DevSignIn;
  /** RFC 7638 thumbprint that the token is bound to (RFC 9449 section 6.1); left out: a plain bearer token. */
  readonly jkt?: string;
  /** SHA-256 of a client certificate that the token is bound to (RFC 8705 section 3.1), alone or beside `jkt`. */
  readonly x5t?: string;
  /** Default one hour for a bound token, 24 hours for a plain one. */
  readonly ttlSeconds?: number;
}

/** How the user behind a development token signed in (RFC 9068 section 2.2.1). */
export interface DevSignIn {
  readonly acr?: string;
  /** Seconds ago. */
  readonly age: number;
}

export interface DevelopmentIssuer {
  /** As if it stood in the configuration. */
  readonly issuer: KnownIssuerConfig;
  /** An access token (RFC 9068), good from now on. */
  mintDevToken(request: DevTokenRequest): Promise<string>;
}

/**
 * The issuer that only a laptop trusts: its key lies in the state folder, made at the first start. It exists in the profile
 * `local` alone and never outside dev and test; the loader refuses that, and so does this function.
 *
 * @throws ConfigError when the configuration does not allow it
 */
export async function openDevelopmentIssuer(
  config: Pick<Config, 'profile' | 'environment' | 'developmentIssuer' | 'secretsAudience' | 'tenants'>,
  state: StateFolder,
): Promise<DevelopmentIssuer> {
  if (!config.developmentIssuer || config.profile !== 'local' || !relaxed(config.environment)) {
    const what = 'must be on, in the profile local, with ENVIRONMENT dev or test, for a development token';
    throw new ConfigError([{ path: 'DEVELOPMENT_ISSUER', what }]);
  }
  const { privateKey, publicJwk, thumbprint: kid } = await keptKeyPair(state, 'issuer-key.json');
  const audience = config.secretsAudience;
  const home = config.tenants[0]?.id;
  return {
    issuer: {
      issuer: DEVELOPMENT_ISSUER,
      jwks: { keys: [{ ...publicJwk, kid, alg: 'ES256', use: 'sig' }] },
      algorithms: ['ES256'],
      audience,
      claims: { tenant: 'tenant', subjectType: 'subject_type', groups: 'groups' },
      maxTokenAgeSeconds: LIFE_SECONDS.bearer,
    },
    mintDevToken: async (request) => {
      const now = Math.floor(Date.now() / 1000);
      const cnf = confirmationOf(request);
      const life = request.ttlSeconds ?? (cnf === undefined ? LIFE_SECONDS.bearer : LIFE_SECONDS.bound);
      return await new SignJWT({
        ...claimsOf(request, home),
        ...(cnf !== undefined && { cnf }),
        ...signInOf(request, now),
        aud: audience,
        jti: randomUUID(),
        iat: now,
        exp: now + life,
      })
        .setProtectedHeader({ typ: 'at+jwt', alg: 'ES256', kid })
        .sign(privateKey);
    },
  };
}

function claimsOf(request: DevTokenRequest, home: string | undefined): Record<string, unknown> {
  const tenant = request.tenant ?? home;
  return {
    iss: DEVELOPMENT_ISSUER,
    sub: request.sub ?? 'demo-service',
    client_id: request.clientId ?? 'demo-client',
    scope: (request.scopes ?? DEMO_SCOPES).join(' '),
    groups: request.groups ?? ['payments'],
    ...(tenant !== undefined && { tenant }),
  };
}

function confirmationOf({ jkt, x5t }: DevTokenRequest): Record<string, string> | undefined {
  if (jkt === undefined && x5t === undefined) return undefined;
  return { ...(jkt !== undefined && { jkt }), ...(x5t !== undefined && { 'x5t#S256': x5t }) };
}

function signInOf({ signIn }: DevTokenRequest, now: number): Record<string, unknown> {
  if (signIn === undefined) return { subject_type: 'service' };
  const { acr, age } = signIn;
  return { subject_type: 'user', auth_time: now - age, ...(acr !== undefined && { acr }) };
}

/** `secrets.admin` needs an audience of its own. */
const DEMO_SCOPES: readonly string[] = [...new Set(Object.values(SCOPE_OF))].filter(
  (scope) => scope !== 'secrets.admin',
);
