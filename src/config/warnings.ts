import { X509Certificate } from 'node:crypto';

import { Cidrs, parseCidr } from '#src/http/cidrs.js';

import { relaxed } from './setting.js';
import type { Read } from './refusals.js';
import { unknownNames } from './reading.js';
import { SWITCHES, switchesOff } from './switches.js';

/** What is looser than production allows; each is shouted at every start. */
export function loosenessOf({ values: v, issuers, tenants }: Read): readonly string[] {
  if (!relaxed(v.environment)) return [];
  const said: readonly (string | false)[] = [
    ...switchesOff(v).map((name) => SWITCHES[name]),
    `ENVIRONMENT is ${v.environment}: shortcuts that are refused in production are allowed.`,
    v.developmentIssuer === true &&
      'The development issuer is on: whoever can read STATE_DIR can make a token for anybody.',
    v.allowUnboundTokens === true && 'ALLOW_UNBOUND_TOKENS is true: whoever holds a plain bearer token can use it.',
    v.dpopNonce === 'off' && 'DPOP_NONCE is off: proofs can be made in advance.',
    issuers.length === 0 && v.developmentIssuer !== true && 'There is no issuer: every request will be refused.',
    tenants.length === 0 && 'There is no tenant: every request will be refused.',
    ...tenants.map(({ id, mounts }) => mounts.length === 0 && `Tenant ${id} has no mounts, which allows nothing.`),
  ];
  return said.filter((line) => line !== false);
}

/** Issuers whose tokens say less than RFC 9068 asks for: allowed everywhere, and said at every start. */
export function weakTrust({ issuers }: Read): readonly string[] {
  return issuers.flatMap(({ issuer, compat, everyToken }) => {
    const values = compat?.accessTokenValues === undefined ? '' : ` (${compat.accessTokenValues.join(', ')})`;
    const said: readonly (string | false)[] = [
      compat !== undefined &&
        `The issuer ${issuer} has the profile compat: the claim ${compat.accessTokenClaim}${values} alone tells its access tokens from its ID tokens, and client_id, jti and iat may be guessed.`,
      everyToken?.scopes !== undefined &&
        `Every token of the issuer ${issuer} has the scopes ${everyToken.scopes.join(', ')}, whoever got it.`,
    ];
    return said.filter((line) => line !== false);
  });
}

/** A tenant that trusts an issuer whose tokens can never name it: no fault, since another of its issuers may do. */
export function idleTrust({ tenants, issuers }: Read): readonly string[] {
  return tenants.flatMap(({ id, claimOptional, issuers: trusted }) =>
    issuers
      .filter(({ issuer, claims }) => !claimOptional && trusted.includes(issuer) && claims.tenant === undefined)
      .map(
        ({ issuer }) =>
          `Tenant ${id} trusts ${issuer}, which has no claims.tenant: none of its tokens is the tenant's.`,
      ),
  );
}

/** A fault would keep a gateway down that still serves those who look away; no caller that verifies will talk to it, though. */
export function staleCertificate({ tls }: Read, now = new Date()): readonly string[] {
  if (tls === undefined) return [];
  const { validFromDate, validToDate } = new X509Certificate(tls.cert);
  if (now > validToDate) return [`The certificate in TLS_CERT has expired: ${validToDate.toISOString()}.`];
  if (now < validFromDate) return [`The certificate in TLS_CERT is not valid before ${validFromDate.toISOString()}.`];
  return [];
}

/** RFC 9440 section 4 wants the link to the proxy to be authenticated; that a network does it, only the operator knows. */
export function unprovenProxies({ values: v }: Read): readonly string[] {
  const local = (v.trustedProxyCidrs ?? []).every(({ network }) => LOOPBACK.has(network.text));
  if (v.clientCertHeader !== true || local || (v.trustedProxyThumbprints ?? []).length > 0) return [];
  return [
    'CLIENT_CERT_HEADER is true, and proxies are known by their address alone: whoever can use one of TRUSTED_PROXY_CIDRS speaks for every caller. TRUSTED_PROXY_THUMBPRINTS would ask for their certificate.',
  ];
}

const LOOPBACK = new Cidrs([parseCidr('127.0.0.0/8'), parseCidr('::1')]);

/**
 * Environment names that are one slip away from a setting's. The environment belongs to others too, so that these are told and
 * not refused; short names are too common to guess about.
 */
export function slipsIn(env: Iterable<string>, known: ReadonlySet<string>): readonly string[] {
  const ours = new Set([...known, 'POSTERN_PROFILE', 'POSTERN_VECTORS']);
  const candidates = [...env].filter((name) => name.length >= 8);
  return unknownNames(candidates, ours).flatMap(({ name, meant }) => {
    if (known.has(name.replace(/_FILE$/, '')))
      return [`The environment sets ${name}, which nothing reads: only secrets have a file of their own.`];
    if (meant !== undefined) return [`The environment sets ${name}, which nothing reads: did you mean ${meant}?`];
    return name.startsWith('POSTERN_') ? [`The environment sets ${name}, which nothing reads.`] : [];
  });
}
