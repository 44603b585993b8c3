import type { Evaluation, Pdp } from '#libs/decision/pdp.js';

/** What grants and records of a gateway say that asks no policy (spec, "Identity: Switches outside their defaults"). */
export const DISABLED = 'disabled';

/**
 * The decision point of ENABLE_AUTHORIZATION=false, in dev and test only: permits whatever passed the guard, under the limits of the
 * configuration, and obliges to nothing. It is an adapter like another, so that the line knows no way around a decision.
 */
export const permitAll: Pdp = {
  policyVersion: () => DISABLED,
  evaluate: async (_tenant, _request, signal) => {
    signal.throwIfAborted();
    return PERMIT;
  },
};

const PERMIT: Evaluation = { decision: true, policyIds: [], policyVersion: DISABLED, obligations: [], errors: [] };
