import { SCOPE_OF, type Purpose } from '#libs/kernel/purposes.js';
import { Refusal } from '#libs/kernel/refusal.js';

import type { BoundCaller } from './bind.js';

/** RFC 6750 section 3.1: the token must carry the scope of the purpose; the answer names it. */
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
