import type { EvaluationRequest, Obligation } from '#libs/decision/authzen.js';
import type { Evaluation } from '#libs/decision/pdp.js';

import { CedarFault, type Engine } from './engine.js';
import { obligationsOf } from './obligations-of.js';
import { headMatches, type Heads } from './policy-head.js';
import type { PolicySet, TenantPolicies } from './policy-set.js';
import type { Policy } from './read-policies.js';
import { sliceOf } from './slice.js';

export const ASK_FOR_ONE_KEY = 'Ask for one key of this secret: the policy decides key by key.';

/**
 * One decision by a prepared set. Pure but for the engine.
 * @throws CedarFault when Cedar did not decide: no answer, neither a permit nor a deny
 */
export function evaluate(engine: Engine, set: PolicySet, tenant: string, request: EvaluationRequest): Evaluation {
  const nothing: Evaluation = {
    decision: false,
    policyIds: [],
    policyVersion: set.version,
    obligations: [],
    errors: [],
  };
  const own = set.tenants.get(tenant);
  const slice = own && sliceOf(tenant, request, set.shapes, own.known);
  if (own === undefined || slice === undefined) return nothing;

  const answer = engine.ask({
    ...slice.call,
    preparsedSchemaName: set.name,
    preparsedPolicySetId: own.name,
  });
  // Projected input fits the schema, so a failure is a defect or a lost set.
  if (answer.type !== 'success') throw new CedarFault('Cedar could not read a request that fits the schema.');

  const { decision, diagnostics } = answer.response;
  const deciding = policiesOf(own, diagnostics.reason);
  const policyIds = deciding.map(({ id }) => id);
  const errors = diagnostics.errors.map(({ policyId }) => policyId).sort();
  // A policy that failed was skipped; had it been a forbid, this permit would be its absence (security, Z14).
  if (errors.length > 0) return { ...nothing, policyIds, errors, ...hintOf(deciding) };
  if (decision !== 'allow') return { ...nothing, policyIds, ...hintOf(deciding), obligations: stepUpsOf(deciding) };

  const closing = forbidsByKey(own, slice.heads, request);
  if (closing.length > 0) return { ...nothing, policyIds: closing, hint: ASK_FOR_ONE_KEY };
  return { ...nothing, decision: true, policyIds, obligations: obligationsOf(deciding.map(({ duties }) => duties)) };
}

function policiesOf(own: TenantPolicies, ids: readonly string[]): readonly Policy[] {
  return [...ids].sort().map((id) => {
    const policy = own.policies.get(id);
    if (policy === undefined) throw new CedarFault('Cedar named a policy that is not in the set.');
    return policy;
  });
}

function hintOf(deciding: readonly Policy[]): { readonly hint?: string } {
  const hint = deciding.find(({ duties }) => duties.denyHint !== undefined)?.duties.denyHint;
  return hint === undefined ? {} : { hint };
}

/** Of a deny: only where every forbid that decided asks for one, since any other would still close after the sign-in. */
function stepUpsOf(deciding: readonly Policy[]): readonly Obligation[] {
  const duties = deciding.map((policy) => policy.duties);
  return duties.every(({ stepUp }) => stepUp !== undefined) ? obligationsOf(duties) : [];
}

/**
 * A whole map must not open what a key's forbid closes: where a forbid that could match may close one key, the whole map is refused. "Could" means by its head; its conditions say nothing about a request without a key.
 */
function forbidsByKey(own: TenantPolicies, heads: Heads, { resource }: EvaluationRequest): readonly string[] {
  if (resource.properties?.['key'] !== undefined) return [];
  return [...own.forbidsByKey]
    .filter(([, json]) => headMatches(json, heads))
    .map(([id]) => id)
    .sort();
}
