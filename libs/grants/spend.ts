import type { ReplayGuard } from '#libs/identity/replay-guard.js';

import type { GrantDesk } from './desk.js';
import { replayKey } from './keys.js';

/** The replay guard of the store that the grants lie in, for routes that take none: what one of them spends, a take has seen too. */
export function replayGuardOf({ store, keys }: Pick<GrantDesk, 'store' | 'keys'>): ReplayGuard {
  return {
    spend: async (proof, place) => await store.spend({ key: replayKey(proof, keys), iat: proof.iat }, place),
  };
}
