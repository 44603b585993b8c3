import { admit, type Admitted } from '#libs/identity/admit.js';
import type { Presented } from '#libs/identity/presented.js';

/** A request as it comes from where everybody may come from, as often as it likes. */
export function admitted(presented: Presented): Admitted {
  return admit({ presented, about: { address: '127.0.0.1' } }, { bucketOf: (address) => address });
}
