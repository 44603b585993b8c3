import type { CompatProfile, SubjectType, TrustedIssuer } from '#libs/identity/issuers.js';
import type { JsonObject } from '#libs/kernel/json.js';
import type { Scope } from '#libs/kernel/purposes.js';
import type { Rate } from '#libs/limits/rate.js';
import type { AllowedMount } from '#libs/tenancy/tenants.js';

import type { Cidr } from '#src/http/cidrs.js';
import type { TlsParts } from '#src/http/tls.js';

import type { Sealed } from './sealed.js';
import type { Environment } from './setting.js';
import type { Switch } from './switches.js';

/** Where an issuer's public keys are. */
export type IssuerKeys =
  /** The JWK Set as it stands in the file; it holds no private key. */
  | { readonly jwks: JsonObject }
  /** Absolute address of the JWK Set. `jwksCa`: certificates in PEM, the only ones that are trusted there. */
  | { readonly jwksUri: string; readonly jwksCa?: string };

/** One trusted issuer of access tokens. */
export type IssuerConfig = IssuerRules & IssuerKeys;

/** One whose keys are at hand. */
export type KnownIssuerConfig = IssuerRules & { readonly jwks: JsonObject };

export interface IssuerRules {
  readonly issuer: string;
  readonly algorithms: readonly ('ES256' | 'EdDSA' | 'PS256' | 'RS256')[];
  readonly audience: string;
  readonly claims: TrustedIssuer['claims'];
  /** Absent: the profile `rfc9068`. */
  readonly compat?: CompatProfile;
  readonly everyToken?: { readonly scopes?: readonly Scope[]; readonly subjectType?: SubjectType };
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
  /** Oldest first. Empty only in dev: the state folder has one. */
  readonly salts: readonly SaltConfig[];
  /** Weakest first. */
  readonly acrValues: readonly string[];
  /** Absolute: where its policies lie, unless it is `tenants/<id>` of `policiesDir`. */
  readonly policiesDir?: string;
}

/** One of a tenant's salts. */
export interface SaltConfig {
  readonly id: string;
  readonly key: Sealed<Uint8Array>;
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
  /** Undefined: the listener speaks plain HTTP. */
  readonly tls: TlsParts | undefined;
  /** Undefined only in dev and test: the address listened on, with `localhost` as its alias. */
  readonly publicOrigin: string | undefined;
  /** The three documented switches that are false; in dev and test only. */
  readonly switchesOff: readonly Switch[];
  readonly secretsAudience: string;
  readonly clockLeewaySeconds: number;
  /** How long an issuer's last good key set serves on when it cannot be fetched anew. */
  readonly jwksGraceSeconds: number;
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
  readonly addresses: {
    /** None: no proxy is believed. */
    readonly proxies: readonly Cidr[];
    /** `x5t#S256` of the certificates that proxies show. None: they need none. */
    readonly proxyThumbprints: readonly string[];
    /** Whether proxies hand over `Client-Cert`. */
    readonly clientCertHeader: boolean;
    /** Undefined: everybody; none: nobody. */
    readonly allowed: readonly Cidr[] | undefined;
  };
  /** Each undefined: off. */
  readonly rates: {
    readonly address: Rate | undefined;
    readonly tenant: Rate | undefined;
    readonly subject: Rate | undefined;
  };
  /** RFC 9728. */
  readonly resource: {
    /** Undefined: the public origin. */
    readonly identifier: string | undefined;
    readonly documentation: string | undefined;
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
  readonly storeSkewMs: number;
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
