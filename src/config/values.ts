import type { Reading } from './reading.js';
import { SETTINGS as S } from './schema.js';
import type { Environment, Setting } from './setting.js';

/** Every single setting, each undefined when it is unset or faulty. */
export type Values = ReturnType<typeof readValues>;

export function readValues(reading: Reading, environment: Environment) {
  const read = <T>(setting: Setting<T>): T | undefined => reading.read(setting, environment);
  return {
    environment,
    listen: read(S.listen),
    tlsCert: read(S.tlsCert),
    tlsKey: read(S.tlsKey),
    tlsClientCa: read(S.tlsClientCa),
    publicOrigin: read(S.publicOrigin),
    enableAuthorization: read(S.enableAuthorization),
    requireAuth: read(S.requireAuth),
    enforceScopes: read(S.enforceScopes),
    secretsAudience: read(S.secretsAudience),
    clockLeewaySeconds: read(S.clockLeewaySeconds),
    jwksGraceSeconds: read(S.jwksGraceSeconds),
    resourceIdentifier: read(S.resourceIdentifier),
    resourceDocumentation: read(S.resourceDocumentation),
    trustedProxyCidrs: read(S.trustedProxyCidrs),
    trustedProxyThumbprints: read(S.trustedProxyThumbprints),
    clientCertHeader: read(S.clientCertHeader),
    addressAllowlist: read(S.addressAllowlist),
    rateLimitAddress: read(S.rateLimitAddress),
    rateLimitTenant: read(S.rateLimitTenant),
    rateLimitSubject: read(S.rateLimitSubject),
    tenantId: read(S.tenantId),
    tenantAllowedMounts: read(S.tenantAllowedMounts),
    tenantSalt: read(S.tenantSalt),
    tenantAcrValues: read(S.tenantAcrValues),
    rootKey: read(S.rootKey),
    allowUnboundTokens: read(S.allowUnboundTokens),
    unboundGrantsPerJti: read(S.unboundGrantsPerJti),
    dpopNonce: read(S.dpopNonce),
    requireUriInPath: read(S.requireUriInPath),
    reasonPattern: read(S.reasonPattern),
    grantTtlDefault: read(S.grantTtlDefault),
    grantTtlMax: read(S.grantTtlMax),
    grantMaxUsesDefault: read(S.grantMaxUsesDefault),
    grantMaxUsesMax: read(S.grantMaxUsesMax),
    grantPartitions: read(S.grantPartitions),
    releaseWithinMs: read(S.releaseWithinMs),
    storeSkewMs: read(S.storeSkewMs),
    store: read(S.store),
    pdp: read(S.pdp),
    policiesDir: read(S.policiesDir),
    yamlVaultPath: read(S.yamlVaultPath),
    auditSink: read(S.auditSink),
    auditDir: read(S.auditDir),
    storeDeadlineMs: read(S.storeDeadlineMs),
    pdpDeadlineMs: read(S.pdpDeadlineMs),
    providerDeadlineMs: read(S.providerDeadlineMs),
    auditDeadlineMs: read(S.auditDeadlineMs),
    requestDeadlineMs: read(S.requestDeadlineMs),
    developmentIssuer: read(S.developmentIssuer),
    stateDir: read(S.stateDir),
  };
}
