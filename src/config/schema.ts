import { choice, flag, integer, list, listenAddress, origin, path, pattern, sealedBytes, text } from './kinds.js';
import { setting } from './setting.js';

/*
 * Every setting there is: the loader reads by this table, `docs/configuration.md` is made from it. A setting that is not built
 * yet stands in `not-yet.ts`, so that setting it is an error and not a hope.
 */

const ms = { unit: 'milliseconds' } as const;
const seconds = { unit: 'seconds' } as const;
const anyDeadline = integer(1, 60_000);
const segment = /^[A-Za-z0-9._-]{1,128}$/;

export const SETTINGS = {
  environment: setting('ENVIRONMENT', choice('dev', 'test', 'staging', 'production'), {
    default: 'production',
    description: 'Unset means production. What is insecure is refused outside `dev` and `test`.',
  }),
  listen: setting('LISTEN_ADDR', listenAddress, {
    default: '127.0.0.1:8080',
    description: 'Where the Secrets API listens. Port 0 takes any free port.',
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
        required: 'everywhere',
        description: 'Its public keys, a JWK Set (RFC 7517).',
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
      maxTokenAgeSeconds: setting('max_token_age_seconds', integer(1, 7 * 86_400), {
        ...seconds,
        default: 3600,
        description: 'Longest `exp - iat` of a token.',
      }),
    },
  },
  tenants: {
    description: 'More than one tenant. Instead of `TENANT_ID`, `TENANT_ALLOWED_MOUNTS` and `TENANT_SALT`.',
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
        description: 'The providers it may name. Unset: all.',
      }),
      salt: setting('salt', sealedBytes(32), {
        secret: true,
        required: 'outside dev',
        description: 'As `TENANT_SALT`.',
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
      type: setting('type', choice('yaml'), {
        required: 'everywhere',
        description: 'What it speaks. `openbao` and `hashicorp` are not supported yet.',
      }),
      path: setting('path', path, { description: 'File of a `yaml` provider. Default: `YAML_VAULT_PATH`.' }),
    },
  },
} as const;
