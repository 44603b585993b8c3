import { decide, type Circumstances } from '#libs/decision/decide.js';
import { factsOf, questionOf } from '#libs/decision/question.js';
import type { Deadline } from '#libs/kernel/deadline.js';
import { SCOPE_OF } from '#libs/kernel/purposes.js';
import type { Target } from '#libs/tenancy/guard.js';

import type { GrantDesk } from './desk.js';
import type { GiveBackRequest } from './grant-store.js';
import { keysOf } from './keys.js';
import { checkYounger } from './store-answers.js';
import { issueAndTake, take, type Ask, type Drawn, type Errand } from './take.js';

export type { GrantDesk } from './desk.js';

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

/** One taken unit of a grant. Good for RELEASE_WITHIN_MS from before the take was sent, and never past the grant's end. */
export class GrantUse {
  readonly #made = true;
  readonly #back: GiveBackRequest;

  readonly grant: GrantFacts;
  readonly useNo: number;
  readonly left: number;
  /** The take's own random id: give-back names it. */
  readonly takeId: string;
  /** Monotonic milliseconds: from then on no release starts. */
  readonly goodUntil: number;
  /** Whether this request's decision issued the grant. */
  readonly issued: boolean;

  private constructor(
    readonly target: Target,
    { taken, place, sentAt, issued }: Drawn,
    { keys, desk }: Errand,
  ) {
    const { record } = taken.grant;
    const { id, decisionId, policyVersion, policyIds, limits, expiresAtMs } = record;
    this.grant = { id, decisionId, policyVersion, policyIds, maxUses: limits.maxUses, expiresAtMs };
    this.useNo = taken.useNo;
    this.left = taken.left;
    this.takeId = desk.newId();
    this.goodUntil = sentAt + Math.min(desk.releaseWithinMs, taken.remainingMs);
    this.issued = issued;
    this.#back = {
      place,
      takeId: this.takeId,
      takenAtMs: expiresAtMs - taken.remainingMs,
      grant: keys.grant,
      grantId: id,
      quota: keys.quota,
      windows: taken.windows,
    };
  }

  /**
   * take; if there is no live grant: decide, then issue-and-take (spec, "Grants"). A deny is not remembered: NEGATIVE_CACHE_TTL_S is
   * off by default, and has no other value yet.
   *
   * @throws Refusal as "Refusal codes: from the store"; GRANT_CONTENTION; and all of `decide`
   */
  static async permit(
    this: void,
    target: Target,
    about: Circumstances,
    desk: GrantDesk,
    deadline: Deadline,
  ): Promise<GrantUse> {
    checkYounger(target, target.bound.epoch, desk);
    const keys = desk.known.of(target, about, () => {
      const facts = factsOf(questionOf(target, about, desk.decision.environment, desk.clock.now()));
      return keysOf(target, facts, desk);
    });
    const errand = { target, keys, desk, deadline };
    const first = await take(errand);
    return new GrantUse(target, first.kind === 'drawn' ? first : await askFor(errand, about, first), errand);
  }

  /**
   * Only for reads, only when no value left, only after the result `not_released` is durable; the caller sees to the last two.
   * Works once. Never throws: a use that cannot be given back is lost, never doubled.
   *
   * @returns whether the store says that something was given back
   */
  static async giveBack(this: void, use: GrantUse, desk: GrantDesk, deadline: Deadline): Promise<boolean> {
    if (SCOPE_OF[use.target.purpose] !== 'secrets.read') return false;
    try {
      const answer = await deadline.wait('store', desk.deadlineMs, () => desk.store.giveBack(use.#back));
      return answer.kind === 'given_back';
    } catch {
      return false;
    }
  }

  static is(value: unknown): value is GrantUse {
    return typeof value === 'object' && value !== null && #made in value;
  }
}

export const permit: typeof GrantUse.permit = GrantUse.permit;
export const giveBack: typeof GrantUse.giveBack = GrantUse.giveBack;

/**
 * Single flight (spec, "Grants: the store"): the first request that needs a decision under a grant key asks for it; those that come
 * meanwhile wait, take from what it issued, and decide for themselves when nothing of it is left for them or it was refused. A wait
 * is no longer than the leader's own calls may take, nor than the follower has time.
 */
async function askFor(errand: Errand, about: Circumstances, ask: Ask): Promise<Drawn> {
  const { desk, keys, deadline } = errand;
  const key = `${keys.partition}.${keys.grant}`;
  const flight = desk.flights.under(key);
  if (flight === undefined) return await desk.flights.lead(key, () => decideAndIssue(errand, about, ask));
  await deadline.wait('pdp', desk.decision.deadlineMs + desk.deadlineMs, () => flight);
  const left = await issueAndTake(errand);
  return left.kind === 'drawn' ? left : await decideAndIssue(errand, about, left);
}

async function decideAndIssue(errand: Errand, about: Circumstances, { nowMs }: Ask): Promise<Drawn> {
  const { target, desk, deadline } = errand;
  const permitted = await decide(target, about, desk.decision, deadline);
  return await issueAndTake(errand, { permit: permitted, nowMs });
}
