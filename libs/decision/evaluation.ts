import { isJsonObject, type JsonObject } from '#libs/kernel/json.js';
import { Refusal } from '#libs/kernel/refusal.js';

/** A PDP's answer after its shape was checked. `obligations` is still raw: see `obligations.ts` (profile, OE-9). */
export interface CheckedEvaluation {
  readonly decision: boolean;
  readonly policyIds: readonly string[];
  readonly policyVersion: string;
  readonly obligations: unknown;
  readonly errors: readonly string[];
  readonly hint?: string;
  readonly context?: JsonObject;
}

const POLICY_ID = /^[a-z0-9-]{1,64}$/;
const POLICY_VERSION = /^[\x21-\x7e]{1,128}$/;
/** It becomes the `detail` of a problem: one line of printable ASCII. */
const HINT = /^[\x20-\x7e]{1,256}$/;

/**
 * AuthZEN 1.0 section 5.5: only a boolean `true` permits. The port is typed, yet its answer may come from another process, so it
 * is read as if it were foreign text: what is strange is no decision at all (503), neither a permit nor a deny.
 *
 * @throws Refusal UNAVAILABLE, check `Z1 …`
 */
export function checkEvaluation(answer: unknown): CheckedEvaluation {
  if (!isRecord(answer)) throw strange('answer');
  const { decision, policyIds, policyVersion, obligations, errors, hint, context } = answer;
  if (typeof decision !== 'boolean') throw strange('decision');
  if (!isStrings(policyIds) || !policyIds.every((id) => POLICY_ID.test(id))) throw strange('policy ids');
  if (typeof policyVersion !== 'string' || !POLICY_VERSION.test(policyVersion)) throw strange('policy version');
  if (!isStrings(errors)) throw strange('errors');
  if (obligations === undefined) throw strange('obligations');
  if (hint !== undefined && (typeof hint !== 'string' || !HINT.test(hint))) throw strange('hint');
  if (context !== undefined && !isJsonObject(context)) throw strange('context');
  return {
    decision,
    policyIds,
    policyVersion,
    obligations,
    errors,
    ...(hint !== undefined && { hint }),
    ...(context !== undefined && { context }),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return isJsonObject(value);
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function strange(what: string): Refusal {
  return new Refusal('UNAVAILABLE', { check: `Z1 ${what}`, retryAfterSeconds: 1 });
}
