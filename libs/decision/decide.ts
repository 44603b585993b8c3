import type { SignInTime } from '#libs/identity/step-up.js';
import type { Clock } from '#libs/kernel/clock.js';
import type { Deadline } from '#libs/kernel/deadline.js';
import type { JsonObject } from '#libs/kernel/json.js';
import { Refusal } from '#libs/kernel/refusal.js';
import type { Target } from '#libs/tenancy/guard.js';

import type { Obligation } from './authzen.js';
import { checkEvaluation, type CheckedEvaluation } from './evaluation.js';
import { checkAsked, keep, type Fulfilment } from './obligations.js';
import type { Pdp } from './pdp.js';
import { questionOf, type Circumstances } from './question.js';
import type { Limits } from './terms.js';

export type { Circumstances, Limits };

export interface DecisionPoint {
  readonly pdp: Pdp;
  readonly clock: Clock;
  /** PDP_DEADLINE_MS. */
  readonly deadlineMs: number;
  /** CLOCK_LEEWAY_SECONDS. */
  readonly leewaySeconds: number;
  /** ENVIRONMENT, shown to policies. */
  readonly environment: string;
  /** Makes decision ids. */
  readonly newId: () => string;
}

/** A decision that permits: true, without evaluation errors, with every obligation known and fulfilled or carried on. */
export class Permit {
  readonly #made = true;

  private constructor(
    readonly target: Target,
    readonly decisionId: string,
    readonly policyVersion: string,
    readonly policyIds: readonly string[],
    readonly obligations: readonly Obligation[],
    readonly limits: Limits,
  ) {}

  /**
   * Asks once; a late answer is not heard, and nothing is asked again (security, Z11).
   * @throws Refusal DENIED, STEP_UP_REQUIRED, STEP_UP_IMPOSSIBLE, REASON_REQUIRED; UNAVAILABLE when the PDP is late, broken or strange
   */
  static async decide(
    this: void,
    target: Target,
    about: Circumstances,
    point: DecisionPoint,
    deadline: Deadline,
  ): Promise<Permit> {
    const nowMs = point.clock.now();
    const asked = questionOf(target, about, point.environment, nowMs);
    const answer: unknown = await deadline.call('pdp', point.deadlineMs, (signal) =>
      point.pdp.evaluate(target.tenant.id, asked, signal),
    );
    const evaluation = checkEvaluation(answer);
    const decisionId = point.newId();
    const evidence = {
      decision_id: decisionId,
      policy_version: evaluation.policyVersion,
      policy_ids: evaluation.policyIds,
    };
    const by = fulfilment(target, about, { nowMs, leewaySeconds: point.leewaySeconds });
    const { obligations, terms } = withEvidence(evidence, () => {
      checkPermits(evaluation, by);
      return keep(evaluation.obligations, by);
    });
    const { requiresReason: _said, acrDemands: _met, ...limits } = terms;
    return new Permit(target, decisionId, evaluation.policyVersion, evaluation.policyIds, obligations, limits);
  }

  static is(value: unknown): value is Permit {
    return typeof value === 'object' && value !== null && #made in value;
  }
}

export const decide: typeof Permit.decide = Permit.decide;

/**
 * Cedar skips a policy whose condition fails, a forbid too: an answer with errors is a deny whatever it says, and named as such, since
 * somebody has to mend the policy (security, Z14).
 */
function checkPermits({ decision, errors, hint, obligations, context }: CheckedEvaluation, by: Fulfilment): void {
  if (errors.length > 0) throw new Refusal('DENIED', { check: 'Z14 policy error' });
  if (decision) return;
  checkAsked({ obligations, context }, by);
  throw new Refusal('DENIED', { check: 'policy', ...(hint !== undefined && { detail: hint }) });
}

function fulfilment({ bound, tenant }: Target, { reason }: Circumstances, time: SignInTime): Fulfilment {
  const { claims: signIn } = bound.caller;
  return { ...(reason !== undefined && { reason }), signIn, acceptedAcr: tenant.acrValues, time };
}

/** Every refusal names the decision that it is from. */
function withEvidence<T>(evidence: JsonObject, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { code, detail, check, hints } = error;
    throw new Refusal(code, {
      ...hints,
      evidence,
      ...(detail !== undefined && { detail }),
      ...(check !== undefined && { check }),
    });
  }
}
