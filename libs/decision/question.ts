import type { VerifiedClaims } from '#libs/identity/access-token.js';
import type { Binding } from '#libs/identity/binding.js';
import { canonicalJson } from '#libs/kernel/canonical-json.js';
import { sha256 } from '#libs/kernel/digest.js';
import type { JsonObject } from '#libs/kernel/json.js';
import type { Purpose } from '#libs/kernel/purposes.js';
import { Refusal } from '#libs/kernel/refusal.js';
import type { SecretUri } from '#libs/kernel/secret-uri.js';
import type { Target } from '#libs/tenancy/guard.js';

import type { AuthzenEntity, EvaluationRequest } from './authzen.js';

/** What the PDP is shown of this request beside the target. Verified or measured by the gateway, but for the reason. */
export interface Circumstances {
  readonly correlationId: string;
  /** `X-Access-Reason`, already matched against REASON_PATTERN. */
  readonly reason?: string;
  /** The peer's address. */
  readonly address: string;
}

/** Every fact that a question is made of. The token itself is not among them. */
export interface QuestionFacts {
  readonly tenant: string;
  readonly claims: VerifiedClaims;
  readonly binding: Binding;
  readonly purpose: Purpose;
  readonly uri: SecretUri;
  readonly about: Circumstances;
  /** ENVIRONMENT. */
  readonly environment: string;
  readonly nowMs: number;
}

/** The question of one request to the PDP (AuthZEN 1.0 section 6.1), from facts that the line has verified (section 11.4). */
export function questionOf(
  target: Target,
  circumstances: Circumstances,
  environment: string,
  nowMs: number,
): EvaluationRequest {
  const { caller, binding } = target.bound;
  return question({
    tenant: target.tenant.id,
    claims: caller.claims,
    binding,
    purpose: target.purpose,
    uri: target.uri,
    about: circumstances,
    environment,
    nowMs,
  });
}

/** The same from plain facts: policy cases ask with it, so that a case and a request cannot be worded differently. */
export function question(facts: QuestionFacts): EvaluationRequest {
  return {
    subject: subjectOf(facts),
    action: { name: facts.purpose },
    resource: resourceOf(facts.tenant, facts.uri),
    context: contextOf(facts),
  };
}

/** What differs from one request to the next although the facts about it are the same. */
const PASSING: ReadonlySet<string> = new Set(['time', 'token_age', 'token_jti_hash', 'correlation_id']);

/**
 * base64url(SHA-256) over the JCS of all that the PDP is shown, except what passes. It is part of a grant's key (spec,
 * "Grants"), so that a later token with a weaker `acr`, fewer groups or another actor never rides on this one's grant.
 */
export function factsOf(asked: EvaluationRequest): string {
  const lasting = Object.entries(asked.context ?? {}).filter(([name]) => !PASSING.has(name));
  const { subject, action, resource } = asked;
  return sha256(
    canonicalJson({ subject: { ...subject }, action, resource: { ...resource }, context: Object.fromEntries(lasting) }),
  );
}

/**
 * `<iss>#<sub>`: two issuers may give the same `sub`. It is unambiguous because an issuer identifier has no fragment (RFC 8414
 * section 2), hence no `#`; one that has is refused here rather than trusted to be configured well.
 */
export function subjectId(iss: string, sub: string): string {
  if (iss.includes('#')) throw new Refusal('DENIED', { check: 'issuer identifier' });
  return `${iss}#${sub}`;
}

function subjectOf({ tenant, claims }: QuestionFacts): AuthzenEntity {
  return {
    type: claims.subjectType,
    id: subjectId(claims.iss, claims.sub),
    properties: {
      tenant,
      iss: claims.iss,
      sub: claims.sub,
      client_id: claims.clientId,
      groups: asSet(claims.groups),
      ...(claims.actor !== undefined && { actor: claims.actor }),
    },
  };
}

/** `path` joins segments that cannot hold a slash; `folders` are its prefixes by whole segments, the whole path included. */
function resourceOf(tenant: string, uri: SecretUri): AuthzenEntity {
  const root = `${uri.provider}${uri.engine === undefined ? '' : `+${uri.engine}`}://${uri.mount}`;
  return {
    type: 'secret',
    id: uri.unversioned(),
    properties: {
      tenant,
      provider: uri.provider,
      ...(uri.engine !== undefined && { engine: uri.engine }),
      mount: uri.mount,
      path: uri.path.join('/'),
      folders: uri.path.map((_, index) => `${root}/${uri.path.slice(0, index + 1).join('/')}`),
      ...(uri.key !== undefined && { key: uri.key }),
      ...(uri.version !== undefined && { version: uri.version }),
    },
  };
}

function contextOf({ claims, binding, purpose, about, environment, nowMs }: QuestionFacts): JsonObject {
  return {
    purpose,
    ...(about.reason !== undefined && { reason: about.reason }),
    time: new Date(nowMs).toISOString(),
    issuer: claims.iss,
    client_id: claims.clientId,
    aud: asSet(claims.audience),
    token_jti_hash: sha256(`${claims.iss}\0${claims.jti}`),
    ...(claims.acr !== undefined && { acr: claims.acr }),
    ...(claims.amr !== undefined && { amr: asSet(claims.amr) }),
    ...(claims.authTime !== undefined && { auth_time: claims.authTime }),
    token_age: Math.max(0, Math.floor(nowMs / 1000) - claims.iat),
    binding: bindingOf(binding),
    address: about.address,
    environment,
    correlation_id: about.correlationId,
  };
}

/** `thumbprint` is the key's, `certificate_thumbprint` stands beside it when both bind. */
function bindingOf(binding: Binding): JsonObject {
  switch (binding.kind) {
    case 'dpop':
      return { kind: 'dpop', thumbprint: binding.jkt };
    case 'mtls':
      return { kind: 'mtls', thumbprint: binding.x5t };
    case 'dpop+mtls':
      return { kind: 'dpop+mtls', thumbprint: binding.jkt, certificate_thumbprint: binding.x5t };
    case 'none':
      return { kind: 'none' };
  }
}

/** Order and repetition mean nothing in these claims; without them the same facts have one spelling. */
function asSet(values: readonly string[]): readonly string[] {
  return [...new Set(values)].sort();
}
