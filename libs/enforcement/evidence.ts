import { Caller, type VerifiedClaims } from '#libs/identity/access-token.js';
import { BoundCaller } from '#libs/identity/bind.js';
import type { Binding } from '#libs/identity/binding.js';
import type { GrantUse } from '#libs/grants/permit.js';
import { sha256 } from '#libs/kernel/digest.js';
import type { JsonObject } from '#libs/kernel/json.js';
import { Target } from '#libs/tenancy/guard.js';

import type { Refs } from './gate.js';

/** The proofs of the line, from the first to the last that an audit record describes. */
export type Evidence = Caller | BoundCaller | Target | GrantUse;

/** What a proof says in an audit record; each proof carries its ancestors, so each says all that theirs say. */
export function describeWith(refs: Refs): (proof: Evidence) => JsonObject {
  return function describe(proof: Evidence): JsonObject {
    if (proof instanceof Caller) return ofCaller(proof);
    if (proof instanceof BoundCaller) return ofBound(proof);
    if (proof instanceof Target) return { ...ofBound(proof.bound), ...ofTarget(proof, refs) };
    return { ...ofBound(proof.target.bound), ...ofTarget(proof.target, refs), ...ofUse(proof, refs) };
  };
}

/** The step that ended in this proof: the name of its latency in the record. */
export function stepOf(proof: Evidence): string {
  if (proof instanceof Caller) return 'authenticate';
  if (proof instanceof BoundCaller) return 'bind';
  if (proof instanceof Target) return 'guard';
  return 'permit';
}

/** What the `grant` record says beyond the intent; nothing when the grant was there before this request. */
export function issuedWith({ grant, issued }: GrantUse): JsonObject | undefined {
  if (!issued) return undefined;
  return { event: 'issued', max_uses: grant.maxUses, expires_at: new Date(grant.expiresAtMs).toISOString() };
}

/** Of tokens that identity remembers; an entry goes with its claims. */
const known = new WeakMap<VerifiedClaims, JsonObject>();

function ofCaller({ claims }: Caller): JsonObject {
  let members = known.get(claims);
  if (members === undefined) {
    members = ofClaims(claims);
    known.set(claims, members);
  }
  return members;
}

function ofClaims(claims: VerifiedClaims): JsonObject {
  return {
    ...(claims.tenant !== undefined && { tenant: claims.tenant }),
    iss: claims.iss,
    sub: claims.sub,
    client_id: claims.clientId,
    ...(claims.actor !== undefined && { actor: claims.actor }),
    ...(claims.acr !== undefined && { acr: claims.acr }),
    token_jti_hash: sha256(`${claims.iss}\0${claims.jti}`),
  };
}

function ofBound({ caller, binding }: BoundCaller): JsonObject {
  return { ...ofCaller(caller), binding: ofBinding(binding) };
}

function ofBinding(binding: Binding): JsonObject {
  switch (binding.kind) {
    case 'dpop':
      return { kind: 'dpop', jkt: binding.jkt };
    case 'mtls':
      return { kind: 'mtls', x5t: binding.x5t };
    case 'dpop+mtls':
      return { kind: 'dpop+mtls', jkt: binding.jkt, x5t: binding.x5t };
    case 'none':
      return { kind: 'none' };
  }
}

function ofTarget({ tenant, purpose, uri }: Target, refs: Refs): JsonObject {
  return {
    tenant: tenant.id,
    purpose,
    provider: uri.provider,
    resource_ref: refs.resourceRef(tenant.id, uri),
    path_ref: refs.pathRef(tenant.id, uri),
    ...(uri.version !== undefined && { version: uri.version }),
  };
}

function ofUse({ target, grant, useNo }: GrantUse, refs: Refs): JsonObject {
  return {
    decision_id: grant.decisionId,
    policy_version: grant.policyVersion,
    policy_ids: grant.policyIds,
    grant_id: grant.id,
    use_no: useNo,
    request_hash: refs.requestHash(target.tenant.id, [target.purpose, target.uri.toString(), grant.decisionId]),
  };
}
