import type { Circumstances, DecisionPoint } from '#libs/decision/decide.js';
import type { Clock } from '#libs/kernel/clock.js';
import type { Deadline } from '#libs/kernel/deadline.js';
import { Refusal } from '#libs/kernel/refusal.js';
import type { SecretUri } from '#libs/kernel/secret-uri.js';
import type { Target } from '#libs/tenancy/guard.js';

import type { GrantStore } from './grant-store.js';

/** What the grant that was used says of itself; stored, and sealed by the MAC. */
export interface GrantFacts {
  readonly id: string;
  readonly decisionId: string;
  readonly policyVersion: string;
  readonly policyIds: readonly string[];
  readonly maxUses: number;
  /** Milliseconds since the epoch by the store's clock. */
  readonly expiresAtMs: number;
}

export interface GrantDesk {
  readonly store: GrantStore;
  /** Derived from ROOT_KEY; the H(…) of spec "Grants" and the MAC each use a key of their own. */
  readonly keys: { readonly hash: Uint8Array; readonly mac: Uint8Array };
  readonly partitions: number;
  readonly limits: {
    readonly ttlDefaultSeconds: number;
    readonly ttlMaxSeconds: number;
    readonly maxUsesDefault: number;
    readonly maxUsesMax: number;
  };
  /** UNBOUND_GRANTS_PER_JTI; 0 = unlimited. */
  readonly unboundGrantsPerJti: number;
  /** RELEASE_WITHIN_MS. */
  readonly releaseWithinMs: number;
  /** STORE_DEADLINE_MS. */
  readonly deadlineMs: number;
  readonly leewaySeconds: number;
  readonly clock: Clock;
  /** base64url randomness, 16 bytes. */
  readonly newId: () => string;
  /** resource_ref under the oldest salt: the quota's counter is keyed with it. */
  readonly quotaRef: (tenant: string, uri: SecretUri) => string;
  readonly decision: DecisionPoint;
}

/** One taken unit of a grant. Good for RELEASE_WITHIN_MS from before the take was sent, and never past the grant's end. */
export class GrantUse {
  readonly #made = true;

  private constructor(
    readonly target: Target,
    readonly grant: GrantFacts,
    readonly useNo: number,
    readonly left: number,
    /** The take's own random id: give-back names it. */
    readonly takeId: string,
    /** Monotonic milliseconds: after this no release starts. */
    readonly goodUntil: number,
    /** Whether this request's decision issued the grant. */
    readonly issued: boolean,
  ) {}

  /**
   * take; if there is no live grant: decide, then issue-and-take (spec, "Grants").
   * @throws Refusal as `codes.md`, "From the store", and all of `decide`
   */
  static async permit(
    this: void,
    _target: Target,
    _about: Circumstances,
    _desk: GrantDesk,
    _deadline: Deadline,
  ): Promise<GrantUse> {
    throw new Refusal('DENIED');
  }

  static is(value: unknown): value is GrantUse {
    return typeof value === 'object' && value !== null && #made in value;
  }
}

export const permit: typeof GrantUse.permit = GrantUse.permit;

/** Only for reads, only when no value left, only after the result `not_released` is durable. Never throws: a lost use is lost. */
export async function giveBack(_use: GrantUse, _desk: GrantDesk, _deadline: Deadline): Promise<boolean> {
  return false;
}
