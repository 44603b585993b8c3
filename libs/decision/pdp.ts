import type { JsonObject } from '#libs/kernel/json.js';

import type { EvaluationRequest, Obligation } from './authzen.js';

/** A policy decision as the PEP needs it. `decision` alone is not a permit: see `decide.ts`. */
export interface Evaluation {
  readonly decision: boolean;
  /** Names of the policies that decided; `[a-z0-9-]{1,64}` each, so that they carry no path. */
  readonly policyIds: readonly string[];
  /** `serial.hash` of the policy set that decided. */
  readonly policyVersion: string;
  /** Of a permit, to be kept before anything is granted; of a deny, a step-up that would make it worth asking again. */
  readonly obligations: readonly Obligation[];
  /** Ids of policies whose condition failed to evaluate. One is enough: no permit. */
  readonly errors: readonly string[];
  /** The one sentence that a refused caller may be told (`@deny_hint`). */
  readonly hint?: string;
  /** The decision's context (AuthZEN 1.0 section 5.5), as a PDP that knows no obligations asks for a step-up with a deny. */
  readonly context?: JsonObject;
}

/**
 * Port: the policy decision point (OpenID AuthZEN 1.0).
 *
 * - MUST answer `decision: true` only when a policy permits and none forbids; unknown subjects, actions and resources get false.
 * - MUST name every policy whose evaluation failed in `errors`.
 * - MUST NOT let input reach the engine that the declared schema does not know (raw JSON could forge entity references).
 * - MUST reject (any error) rather than guess when it cannot decide; the PEP answers 503.
 * - `policyVersion()` is the edition that the next evaluation will use; live grants of another one are asked anew.
 */
export interface Pdp {
  policyVersion(tenant: string): string;
  evaluate(tenant: string, request: EvaluationRequest, signal: AbortSignal): Promise<Evaluation>;
}
