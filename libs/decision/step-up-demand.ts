import type { StepUpDemand } from '#libs/identity/step-up.js';
import { isJsonObject, type Json, type JsonObject } from '#libs/kernel/json.js';

import { GRANT_TERMS, type Terms } from './terms.js';

/** What stands in `acr_values` of a challenge (RFC 9470 section 3): no spaces, and nothing that a quoted string would escape. */
const ACR = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;
/** Far more than anybody tells apart. */
const MOST_VALUES = 16;

/**
 * AuthZEN Obligations profile draft 1, section 5.1: `acr_value`. Ours may name several that will do, in `acr_values`, whose first is
 * `acr_value`: a PEP that knows the profile alone asks for that one, which is stricter and never looser.
 *
 * `amr_values` is not known here, hence denies: RFC 9470 has no word to tell a client which methods to use.
 *
 * @returns undefined when it is malformed, or asks for what cannot be kept
 */
export function readStepUp(properties: JsonObject): Terms | undefined {
  const { acr_value: first, acr_values: values = [first ?? null], ...rest } = properties;
  if (!isAcrs(values) || values[0] !== first || Object.keys(rest).length > 0) return undefined;
  return { ...GRANT_TERMS, acrDemands: [spell(values)] };
}

/**
 * The context of a deny that asks for a step-up: AuthZEN 1.0 section 5.5.1, example 3, and `max_age` as RFC 9470 names it. Its `amr_values`
 * stay with the PDP, which decides anew by the token that comes next.
 *
 * @returns no demand for a context that asks for none, or asks in a way that cannot be told to a client
 */
export function askedIn(context: unknown): Terms {
  if (!isJsonObject(context)) return GRANT_TERMS;
  const { acr_values: spelled, max_age: maxAge } = context;
  const values = typeof spelled === 'string' ? spelled.split(' ') : [];
  return {
    ...GRANT_TERMS,
    ...(isAcrs(values) && { acrDemands: [spell(values)] }),
    ...(isAge(maxAge) && { maxAuthAge: maxAge }),
  };
}

/**
 * All demands of one decision as one, in the order of the tenant's list, which runs from the weakest to the strongest. Values that the
 * tenant does not accept are not there: none of them passes, none is told. What all demands have in common counts; where they have
 * nothing in common, the strictest wins, which is the last in the list (spec, "Policy decision point: Obligations"). That orders
 * demands, never tokens: a token's acr is compared octet for octet.
 *
 * @returns undefined when no token can meet it
 */
export function demandOf(
  { acrDemands, maxAuthAge }: Pick<Terms, 'acrDemands' | 'maxAuthAge'>,
  accepted: readonly string[],
): StepUpDemand | undefined {
  const age = maxAuthAge === undefined ? {} : { maxAge: maxAuthAge };
  const demands = acrDemands.map((demand) => demand.split(' ').filter((acr) => accepted.includes(acr)));
  if (demands.length === 0) return age;
  if (demands.some((demand) => demand.length === 0)) return undefined;
  const common = accepted.filter((acr) => demands.every((demand) => demand.includes(acr)));
  const acrValues = common.length > 0 ? common : accepted.filter((acr) => demands.flat().includes(acr)).slice(-1);
  return { acrValues, ...age };
}

/** One spelling for one set, so that equal demands are equal texts. */
function spell(values: readonly string[]): string {
  return [...new Set(values)].sort().join(' ');
}

function isAcrs(values: Json): values is readonly string[] {
  return (
    Array.isArray(values) &&
    values.length >= 1 &&
    values.length <= MOST_VALUES &&
    values.every((value: Json) => typeof value === 'string' && ACR.test(value))
  );
}

function isAge(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= 315_360_000;
}
