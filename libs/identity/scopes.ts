import { SCOPE_OF, type Purpose } from '#libs/kernel/purposes.js';
import { Refusal } from '#libs/kernel/refusal.js';

import type { BoundCaller } from './bind.js';

/** How the guard holds a token to its scopes. Composition chooses one for the life of the process; the guard always calls it. */
export type ScopeCheck = (bound: BoundCaller, purpose: Purpose) => void;

/**
 * RFC 6750 section 3.1: the token must carry the scope of the purpose; the answer names it.
 * @throws Refusal INSUFFICIENT_SCOPE
 */
export function checkScope(bound: BoundCaller, purpose: Purpose): void {
  const scope = SCOPE_OF[purpose];
  if (!bound.caller.claims.scopes.has(scope)) {
    throw new Refusal('INSUFFICIENT_SCOPE', {
      check: 'A11 scope',
      scope,
      detail: `The token lacks the scope ${scope}.`,
    });
  }
}

/** SECRETS_ENFORCE_SCOPES=false, in dev and test only: scopes are not looked at. Tenant, mount and policy decide as ever. */
export const overlookScope: ScopeCheck = () => {};
