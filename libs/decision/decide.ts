import type { Clock } from '#libs/kernel/clock.js';
import type { Deadline } from '#libs/kernel/deadline.js';
import { Refusal } from '#libs/kernel/refusal.js';
import type { Target } from '#libs/tenancy/guard.js';

import type { Obligation } from './authzen.js';
import type { Pdp } from './pdp.js';

/** What the PDP is shown of this request beside the target. Verified or measured by the gateway, but for the reason. */
export interface Circumstances {
  readonly correlationId: string;
  /** `X-Access-Reason`, already matched against REASON_PATTERN. */
  readonly reason?: string;
  /** The peer's address. */
  readonly address: string;
}

/** Limits as the obligations ask for them, before configuration clamps them. */
export interface Limits {
  readonly ttlSeconds?: number;
  readonly maxUses?: number;
  readonly quota?: { readonly uses: number; readonly periodSeconds: number };
  readonly oneHolder: boolean;
  /** Seconds since auth_time. */
  readonly maxAuthAge?: number;
}

export interface DecisionPoint {
  readonly pdp: Pdp;
  readonly clock: Clock;
  /** PDP_DEADLINE_MS. */
  readonly deadlineMs: number;
  /** ENVIRONMENT, shown to policies. */
  readonly environment: string;
  /** Makes decision ids. */
  readonly newId: () => string;
}

/** A decision that permits: true, without evaluation errors, with every obligation known and fulfilled or carried on. */
export class Permit {
  readonly #made = true;

  private constructor(
    readonly target: Target,
    readonly decisionId: string,
    readonly policyVersion: string,
    readonly policyIds: readonly string[],
    readonly obligations: readonly Obligation[],
    readonly limits: Limits,
  ) {}

  /** @throws Refusal DENIED, REASON_REQUIRED; UNAVAILABLE when the PDP is late, broken or strange */
  static async decide(
    this: void,
    _target: Target,
    _about: Circumstances,
    _point: DecisionPoint,
    _deadline: Deadline,
  ): Promise<Permit> {
    throw new Refusal('DENIED');
  }

  static is(value: unknown): value is Permit {
    return typeof value === 'object' && value !== null && #made in value;
  }
}

export const decide: typeof Permit.decide = Permit.decide;
