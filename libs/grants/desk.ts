import type { DecisionPoint } from '#libs/decision/decide.js';
import type { Epoch } from '#libs/identity/replay-guard.js';
import type { Clock } from '#libs/kernel/clock.js';
import type { SecretUri } from '#libs/kernel/secret-uri.js';
import type { Rate } from '#libs/limits/rate.js';

import type { LimitBounds } from './grant.js';
import type { GrantStore } from './grant-store.js';
import type { KnownKeys } from './known-keys.js';
import type { Flights } from './single-flight.js';

/** All that `permit` and `giveBack` need, as one named object. */
export interface GrantDesk {
  readonly store: GrantStore;
  /** Derived from ROOT_KEY; the H(…) of spec "Grants" and the MAC each use a key of their own. */
  readonly keys: { readonly hash: Uint8Array; readonly mac: Uint8Array };
  /** GRANT_PARTITIONS. */
  readonly partitions: number;
  readonly limits: LimitBounds;
  /** UNBOUND_GRANTS_PER_JTI; 0 = unlimited. */
  readonly unboundGrantsPerJti: number;
  /** RELEASE_WITHIN_MS. */
  readonly releaseWithinMs: number;
  /** STORE_DEADLINE_MS. */
  readonly deadlineMs: number;
  readonly leewaySeconds: number;
  /** STORE_SKEW_MS. */
  readonly storeSkewMs: number;
  /** RATE_LIMIT_SUBJECT. Absent: off. */
  readonly subjectRate?: Rate;
  readonly clock: Clock;
  /** base64url randomness, 16 bytes. */
  readonly newId: () => string;
  /** resource_ref under the oldest salt: the quota's counter is keyed with it. */
  readonly quotaRef: (tenant: string, uri: SecretUri) => string;
  /** A nonce of this epoch for the caller's next proof; undefined while there is no nonce key. */
  readonly nonceFor: (epoch: Epoch) => string | undefined;
  readonly decision: DecisionPoint;
  /** One for each process. */
  readonly flights: Flights;
  /** One for each desk: what it knows holds for these keys, salts and environment alone. */
  readonly known: KnownKeys;
  /** Told when the store handed out a grant that no gateway made: an alarm. MUST NOT throw. */
  readonly onForgedGrant?: (address: string) => void;
}
