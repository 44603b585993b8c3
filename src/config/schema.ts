import { choice, flag, integer, list, listenAddress, origin, path, pattern, rows, sealedBytes, text } from './kinds.js';
import { cidr, rate, resource, webAddress } from './network-kinds.js';
import { setting } from './setting.js';
import { pem, sealedPem, thumbprint } from './tls-kinds.js';

/*
 * Every setting there is: the loader reads by this table, `docs/configuration.md` is made from it. A setting that is not built
 * yet stands in `not-yet.ts`, so that setting it is an error and not a hope.
 */

const ms = { unit: 'milliseconds' } as const;
const seconds = { unit: 'seconds' } as const;
const requests = { unit: 'requests per second' } as const;
const anyDeadline = integer(1, 60_000);
const segment = /^[A-Za-z0-9._-]{1,128}$/;

/** RFC 9470 section 3: they stand in one quoted string, with spaces between them. */
const acr = text(
  'acr value of 1 to 256 printable characters without spaces and quotes',
  /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/,
);

export const SETTINGS = {
  environment: setting('ENVIRONMENT', choice('dev', 'test', 'staging', 'production'), {
    default: 'production',
    description: 'Unset means production. What is insecure is refused outside `dev` and `test`.',
  }),
  listen: setting('LISTEN_ADDR', listenAddress, {
    default: '127.0.0.1:8080',
    description: 'Where the Secrets API listens. Port 0 takes any free port.',
  }),
  tlsCert: setting('TLS_CERT', pem, {
    description:
      'Certificate of our own TLS listener, with those that lead to its root. Set, `LISTEN_ADDR` speaks TLS (1.2 and 1.3) and nothing else.',
  }),
  tlsKey: setting('TLS_KEY', sealedPem, {
    secret: true,
    description: 'Its private key, without passphrase.',
  }),
  tlsClientCa: setting('TLS_CLIENT_CA', pem, {
    description:
      'Roots of client certificates: one that does not lead to them, has expired or is for servers is not used. Unset: any certificate, also a self-signed one, shows that its holder has the key that a token names.',
  }),
  publicOrigin: setting('PUBLIC_ORIGIN', origin, {
    required: 'outside dev and test',
    description:
      'What callers write before the path: `htu` of every DPoP proof is compared with it. Unset in dev and test: the address listened on, with `localhost` as its alias.',
  }),
  enableAuthorization: setting('ENABLE_AUTHORIZATION', flag, {
    default: true,
    description:
      'Whether the policy decision point is asked. `false` permits what passes the mount check, with the decision id `disabled`; refused outside dev and test.',
  }),
  requireAuth: setting('SECRETS_API_REQUIRE_AUTH', flag, {
    default: true,
    description:
      'Whether a caller must present a token. `false` lets whoever sends none in as `anonymous` of `TENANT_ID`; a token that is sent is judged as ever; refused outside dev and test.',
  }),
  enforceScopes: setting('SECRETS_ENFORCE_SCOPES', flag, {
    default: true,
    description: 'Whether the scopes of a token count. `false` is refused outside dev and test.',
  }),
  secretsAudience: setting('SECRETS_AUDIENCE', text('text of one line'), {
    default: 'crud.secrets',
    description: 'The `aud` that access tokens must carry, unless their issuer has an audience of its own.',
  }),
  clockLeewaySeconds: setting('CLOCK_LEEWAY_SECONDS', integer(0, 60), {
    ...seconds,
    default: 5,
    description: 'Clock difference allowed for `exp`, `nbf` and `iat` of tokens.',
  }),
  jwksGraceSeconds: setting('JWKS_GRACE_SECONDS', integer(0, 86_400), {
    ...seconds,
    default: 600,
    description:
      "How long an issuer's last good keys serve on when they are due and cannot be fetched; then its tokens are 503.",
  }),

  resourceIdentifier: setting('RESOURCE_IDENTIFIER', resource, {
    description:
      'What this gateway is called as a protected resource (RFC 9728): `PUBLIC_ORIGIN`, or a path below it. Unset: `PUBLIC_ORIGIN`.',
  }),
  resourceDocumentation: setting('RESOURCE_DOCUMENTATION', webAddress, {
    description: 'Address of a page for developers, named in the metadata of the protected resource.',
  }),

  trustedProxyCidrs: setting('TRUSTED_PROXY_CIDRS', list(cidr), {
    description:
      'Networks of the proxies in front. What they say of a client is believed: its address in `X-Forwarded-For` and, with `CLIENT_CERT_HEADER`, its certificate. Unset: nobody is.',
  }),
  trustedProxyThumbprints: setting('TRUSTED_PROXY_THUMBPRINTS', list(thumbprint), {
    description:
      'SHA-256 of the certificates that the proxies show on our own TLS listener. Set, a peer from `TRUSTED_PROXY_CIDRS` is trusted only with one of them.',
  }),
  clientCertHeader: setting('CLIENT_CERT_HEADER', flag, {
    default: false,
    description:
      'Take the certificate of a caller from the `Client-Cert` field (RFC 9440) of trusted proxies, each of which must replace or remove what callers send under that name. From anybody else the field is not read.',
  }),
  addressAllowlist: setting('ADDRESS_ALLOWLIST', list(cidr), {
    description: 'Networks that clients may call from. Unset: everywhere. Set but empty: nowhere.',
  }),
  rateLimitAddress: setting('RATE_LIMIT_ADDRESS', rate, {
    ...requests,
    default: 'off',
    description: 'Of one client address (IPv6: one /64), in this process.',
  }),
  rateLimitTenant: setting('RATE_LIMIT_TENANT', rate, {
    ...requests,
    default: 'off',
    description: 'Of one tenant, in this process.',
  }),
  rateLimitSubject: setting('RATE_LIMIT_SUBJECT', rate, {
    ...requests,
    default: 'off',
    description: 'Of one caller (tenant, issuer, subject and client), over all that share the store.',
  }),

  tenantId: setting('TENANT_ID', text('1 to 128 of A-Z a-z 0-9 . _ -', segment), {
    description: 'The one tenant; every issuer may claim it. For more than one use the section `tenants` instead.',
  }),
  tenantAllowedMounts: setting('TENANT_ALLOWED_MOUNTS', list(text('mount or provider://mount')), {
    description: "The one tenant's mounts: `mount` or `provider://mount`. Empty allows nothing.",
  }),
  tenantSalt: setting('TENANT_SALT', sealedBytes(32), {
    secret: true,
    description:
      "Keys the hashes that stand for the one tenant's secrets in the audit (key id `1`). Required with `TENANT_ID`, except in dev, where one is made and kept in `STATE_DIR`.",
  }),
  tenantAcrValues: setting('TENANT_ACR_VALUES', list(acr), {
    description:
      "The one tenant's `acr` values, weakest first: what a policy's `@step_up` may ask for (RFC 9470). Others are refused, and never told to a client. Empty: no step-up by acr.",
  }),
  rootKey: setting('ROOT_KEY', sealedBytes(32), {
    secret: true,
    required: 'outside dev',
    description:
      'The keys of nonces, grants and store hashes are derived from it. In dev one is made and kept in `STATE_DIR`.',
  }),

  allowUnboundTokens: setting('ALLOW_UNBOUND_TOKENS', flag, {
    default: false,
    devAndTest: true,
    description: 'Accept plain bearer tokens, which whoever holds them can use. Refused outside dev and test.',
  }),
  unboundGrantsPerJti: setting('UNBOUND_GRANTS_PER_JTI', integer(0, 1_000_000), {
    default: 1,
    devAndTest: 0,
    description: 'How many grants one plain bearer token gets for one purpose and secret. 0 = unlimited.',
  }),
  dpopNonce: setting('DPOP_NONCE', choice('required', 'off'), {
    default: 'required',
    devAndTest: 'off',
    description: 'Whether a DPoP proof must carry a nonce of this server. `off` is refused outside dev and test.',
  }),
  requireUriInPath: setting('REQUIRE_URI_IN_PATH', flag, {
    default: false,
    description: 'Refuse `?uri=`: a DPoP proof covers the path, not the query.',
  }),
  reasonPattern: setting('REASON_PATTERN', pattern, {
    default: String.raw`[\x20-\x7e]{1,256}`,
    description: '`X-Access-Reason` must match it as a whole.',
  }),

  grantTtlDefault: setting('GRANT_TTL_DEFAULT', integer(1, 86_400), {
    ...seconds,
    default: 300,
    description: 'Life of a grant when the policy names none.',
  }),
  grantTtlMax: setting('GRANT_TTL_MAX', integer(1, 86_400), {
    ...seconds,
    default: 3600,
    description: 'Longest life of a grant, whatever the policy says.',
  }),
  grantMaxUsesDefault: setting('GRANT_MAX_USES_DEFAULT', integer(1, 1_000_000), {
    unit: 'uses',
    default: 1,
    description: 'Uses of a grant when the policy names none.',
  }),
  grantMaxUsesMax: setting('GRANT_MAX_USES_MAX', integer(1, 1_000_000), {
    unit: 'uses',
    default: 1000,
    description: 'Most uses of a grant, whatever the policy says.',
  }),
  grantPartitions: setting('GRANT_PARTITIONS', integer(1, 4096), {
    default: 64,
    description: "Partitions of the store. Fixed for a store's life.",
  }),
  releaseWithinMs: setting('RELEASE_WITHIN_MS', integer(1, 60_000), {
    ...ms,
    default: 1500,
    description: 'How long a taken use is good: a value that is not on its way by then stays inside.',
  }),
  storeSkewMs: setting('STORE_SKEW_MS', integer(0, 60_000), {
    ...ms,
    default: 2000,
    description:
      'How far the clocks of stores that follow one another may differ: a store that lost its data trusts no time before.',
  }),

  store: setting('STORE', choice('memory', 'redis'), {
    default: 'redis',
    devAndTest: 'memory',
    description:
      'Where grants and spent proofs are kept. Only `memory` is supported yet; it is refused outside dev and test.',
  }),
  pdp: setting('PDP', choice('embedded', 'authzen'), {
    default: 'embedded',
    description: 'The policy decision point: Cedar in this process, or another one over AuthZEN (not supported yet).',
  }),
  policiesDir: setting('POLICIES_DIR', path, {
    default: 'policies',
    description: 'Folder of the policy set.',
  }),
  yamlVaultPath: setting('YAML_VAULT_PATH', path, {
    default: 'config/local-secrets.yaml',
    description: 'File of the YAML provider, unless its row in `providers` names another.',
  }),
  auditSink: setting('AUDIT_SINK', choice('file', 'kafka'), {
    default: 'kafka',
    devAndTest: 'file',
    description:
      'Where audit records go. Only `file` is supported yet; as the only sink it is refused outside dev and test.',
  }),
  auditDir: setting('AUDIT_DIR', path, {
    description: 'Folder of the audit trail; required by the sink `file`.',
  }),

  storeDeadlineMs: setting('STORE_DEADLINE_MS', anyDeadline, {
    ...ms,
    default: 200,
    description: 'Longest wait for the store.',
  }),
  pdpDeadlineMs: setting('PDP_DEADLINE_MS', anyDeadline, {
    ...ms,
    default: 300,
    description: 'Longest wait for the policy decision point.',
  }),
  providerDeadlineMs: setting('PROVIDER_DEADLINE_MS', anyDeadline, {
    ...ms,
    default: 1000,
    description: 'Longest wait for a provider.',
  }),
  auditDeadlineMs: setting('AUDIT_DEADLINE_MS', anyDeadline, {
    ...ms,
    default: 1000,
    description: 'Longest wait for the audit sink.',
  }),
  requestDeadlineMs: setting('REQUEST_DEADLINE_MS', anyDeadline, {
    ...ms,
    default: 2000,
    description: 'Longest time for one request.',
  }),

  developmentIssuer: setting('DEVELOPMENT_ISSUER', flag, {
    default: false,
    description:
      'Trust tokens that `postern dev` makes with a key of its own (issuer `urn:postern:dev`). Only in the profile `local`, and only in dev and test.',
  }),
  stateDir: setting('STATE_DIR', path, {
    description:
      'Folder for what the profile `local` makes for itself: the development issuer and, in dev, `ROOT_KEY` and `TENANT_SALT`.',
  }),
} as const;

const algorithm = choice('ES256', 'EdDSA', 'PS256', 'RS256');
const claimName = text('claim name');
/** `secrets.admin` is nobody's by default. */
const grantedScope = choice(
  'secrets.read',
  'secrets.write',
  'secrets.delete',
  'secrets.destroy',
  'secrets.rotate',
  'secrets.read_metadata',
  'secrets.set_owner',
);

/** What each of `tenants[].salts` holds. */
export const SALT_MEMBERS = {
  id: setting('id', text('1 to 16 of A-Z a-z 0-9 _ -', /^[A-Za-z0-9_-]{1,16}$/), {
    required: 'everywhere',
    description: 'What its references begin with.',
  }),
  key: setting('key', sealedBytes(32), { secret: true, required: 'everywhere', description: 'The salt.' }),
} as const;

/** Lists of a file; each row's members. They have no environment names. */
export const SECTIONS = {
  issuers: {
    description: "Who may issue access tokens. One issuer's keys never verify the token of another.",
    members: {
      issuer: setting('issuer', text('text of one line'), {
        required: 'everywhere',
        description: 'Exactly as `iss` spells it.',
      }),
      jwksFile: setting('jwks_file', path, {
        description: 'Its public keys, a JWK Set (RFC 7517). This or `jwks_uri` is required.',
      }),
      jwksUri: setting('jwks_uri', webAddress, {
        description:
          'Where its public keys are fetched, about every five minutes. Redirects are not followed. http only on loopback, or in dev and test.',
      }),
      jwksCaFile: setting('jwks_ca_file', path, {
        description: 'Certificates (PEM) that `jwks_uri` is verified by, in place of those of the system.',
      }),
      algorithms: setting('algorithms', list(algorithm), {
        required: 'everywhere',
        description: 'What it signs with.',
      }),
      audience: setting('audience', text('text of one line'), { description: 'Default: `SECRETS_AUDIENCE`.' }),
      tenantClaim: setting('claims.tenant', claimName, {
        description: 'Claim that names the tenant. Unset: no token of this issuer names one.',
      }),
      subjectTypeClaim: setting('claims.subject_type', claimName, {
        description: 'Claim that says `service`, `user` or `agent`.',
      }),
      groupsClaim: setting('claims.groups', claimName, { description: 'Claim with the list of groups.' }),
      scopeClaim: setting('claims.scope', claimName, {
        description:
          'Claim with the scopes: `scope` when unset; another one (`scp`, `permissions`, `roles`) may be text or a list.',
      }),
      everyTokenScopes: setting('every_token.scopes', list(grantedScope), {
        description:
          'For an issuer that knows no scopes: what every token of it has, whoever got it. Then only policy tells its callers apart.',
      }),
      everyTokenSubjectType: setting('every_token.subject_type', choice('service', 'user', 'agent'), {
        description: 'What a token of it speaks for that does not say so itself.',
      }),
      profile: setting('profile', choice('rfc9068', 'compat'), {
        default: 'rfc9068',
        description:
          '`compat` takes typ `JWT` or none, and tokens without `client_id`, `jti` and `iat`. Weaker: see docs/recipes.',
      }),
      compatAccessTokenClaim: setting('compat.access_token_claim', claimName, {
        description: 'Required by `compat`: a claim that access tokens for us have and ID tokens of the issuer do not.',
      }),
      compatAccessTokenValues: setting('compat.access_token_values', list(text('text of one line')), {
        description:
          'What that claim must say: one of these; a final `*` after `:` or `/` stands for any rest. Unset: anything.',
      }),
      compatJtiClaim: setting('compat.jti_claim', claimName, {
        description: 'Stands in for a missing `jti`. Without both, a hash of the token does.',
      }),
      maxTokenAgeSeconds: setting('max_token_age_seconds', integer(1, 7 * 86_400), {
        ...seconds,
        default: 3600,
        description: 'Longest `exp - iat` of a token.',
      }),
    },
  },
  tenants: {
    description:
      'More than one tenant. Instead of `TENANT_ID`, `TENANT_ALLOWED_MOUNTS`, `TENANT_SALT` and `TENANT_ACR_VALUES`.',
    members: {
      id: setting('id', text('1 to 128 of A-Z a-z 0-9 . _ -', segment), {
        required: 'everywhere',
        description: 'As the tenant claim of a token spells it.',
      }),
      issuers: setting('issuers', list(text('issuer')), {
        required: 'everywhere',
        description: 'The only issuers whose tokens may claim it, each one of `issuers`.',
      }),
      mounts: setting('mounts', list(text('mount or provider://mount')), {
        required: 'everywhere',
        description: 'Its mounts: `mount` or `provider://mount`. Empty allows nothing.',
      }),
      providers: setting('providers', list(text('provider name')), {
        description:
          'The provider instances it may name; another is as if it did not exist. May be left out where there is one provider only.',
      }),
      salt: setting('salt', sealedBytes(32), {
        secret: true,
        description: 'As `TENANT_SALT`, with the key id `1`. Outside dev it is required, or `salts`.',
      }),
      salts: setting('salts', rows('`id` and `key`, or `id` and `key_file`'), {
        members: SALT_MEMBERS,
        description:
          'Its salts, oldest first, each with an id of its own: the newest makes references, the oldest names quotas, so that a new salt orphans nothing.',
      }),
      acrValues: setting('acr_values', list(acr), { description: 'As `TENANT_ACR_VALUES`.' }),
      policies: setting('policies', path, {
        description:
          'Folder of its policies: `*.cedar`, `entities/*.yaml` and `cases/*.yaml`, which may speak of this tenant alone. Default: `tenants/<id>` of `POLICIES_DIR`, and the folders beside it.',
      }),
    },
  },
  providers: {
    description: 'Where values live. Unset in dev and test: one row with the name `yaml` and the type `yaml`.',
    members: {
      name: setting('name', text('a-z, then a-z 0-9 -', /^[a-z][a-z0-9-]{0,63}$/), {
        required: 'everywhere',
        description: 'What stands before `://` in a secret URI.',
      }),
      type: setting('type', choice('yaml', 'openbao', 'hashicorp'), {
        required: 'everywhere',
        description: 'What it speaks. Only `yaml` is supported yet.',
      }),
      path: setting('path', path, { description: 'File of a `yaml` provider. Default: `YAML_VAULT_PATH`.' }),
    },
  },
} as const;
