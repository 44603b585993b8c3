import type { JsonObject } from '#libs/kernel/json.js';
import type { AllowedMount } from '#libs/tenancy/tenants.js';

import type { Sealed } from './sealed.js';
import type { Environment } from './setting.js';
import type { Switch } from './switches.js';

/** One trusted issuer of access tokens, its public keys already read. */
export interface IssuerConfig {
  readonly issuer: string;
  /** The JWK Set as it stands in the file; it holds no private key. */
  readonly jwks: JsonObject;
  readonly algorithms: readonly ('ES256' | 'EdDSA' | 'PS256' | 'RS256')[];
  readonly audience: string;
  readonly claims: { readonly tenant?: string; readonly subjectType?: string; readonly groups?: string };
  readonly maxTokenAgeSeconds: number;
}

export interface TenantConfig {
  readonly id: string;
  /** Exact `iss` of each; `all` = every issuer of this gateway, the development issuer included. */
  readonly issuers: readonly string[] | 'all';
  /** Whether a token may leave the tenant claim out: the single-tenant case. */
  readonly claimOptional: boolean;
  readonly mounts: readonly AllowedMount[];
  /** Provider names; `all` = every one. */
  readonly providers: readonly string[] | 'all';
  /** Key id `1`. Undefined only in dev: the state folder has one. */
  readonly salt: Sealed<Uint8Array> | undefined;
}

/** A provider instance. More types become more members of this union. */
export interface ProviderConfig {
  readonly name: string;
  readonly type: 'yaml';
  /** Absolute. */
  readonly path: string;
}

/** Everything that was configured, checked as a whole. Paths are absolute, secrets are sealed. */
export interface Config {
  /** `local`, the path of a file, or undefined: the environment alone. */
  readonly profile: string | undefined;
  readonly environment: Environment;
  readonly listen: { readonly host: string; readonly port: number };
  /** Undefined only in dev and test: the address listened on, with `localhost` as its alias. */
  readonly publicOrigin: string | undefined;
  /** The three documented switches that are false; in dev and test only. */
  readonly switchesOff: readonly Switch[];
  readonly secretsAudience: string;
  readonly clockLeewaySeconds: number;
  readonly issuers: readonly IssuerConfig[];
  /** On: trust the development issuer too, kept in `stateDir`. */
  readonly developmentIssuer: boolean;
  /** Where the profile `local` keeps its own keys. Defined when `developmentIssuer` is on or a key is left to it. */
  readonly stateDir: string | undefined;
  readonly tenants: readonly TenantConfig[];
  readonly providers: readonly ProviderConfig[];
  /** Undefined only in dev: the state folder has one. */
  readonly rootKey: Sealed<Uint8Array> | undefined;
  readonly binding: {
    readonly allowUnbound: boolean;
    /** 0 = unlimited. */
    readonly unboundGrantsPerJti: number;
    readonly nonces: 'required' | 'off';
  };
  readonly requireUriInPath: boolean;
  /** Anchored: matches a reason as a whole. */
  readonly reasonPattern: RegExp;
  readonly grants: {
    readonly ttlDefaultSeconds: number;
    readonly ttlMaxSeconds: number;
    readonly maxUsesDefault: number;
    readonly maxUsesMax: number;
    readonly partitions: number;
    readonly releaseWithinMs: number;
  };
  readonly store: 'memory';
  readonly policiesDir: string;
  readonly audit: { readonly sink: 'file'; readonly directory: string };
  readonly deadlines: {
    readonly storeMs: number;
    readonly pdpMs: number;
    readonly providerMs: number;
    readonly auditMs: number;
    readonly requestMs: number;
  };
  /** What is looser than production would allow, and what looks like a slip: one sentence each, to be shouted at start. */
  readonly warnings: readonly string[];
}
