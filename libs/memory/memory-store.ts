import type { GrantRecord } from '#libs/grants/grant.js';
import {
  GIVE_BACK_WITHIN_MS,
  MOST_TARGETS,
  type EpochChanged,
  type GiveBackAnswer,
  type GiveBackRequest,
  type GrantStore,
  type IssueAnswer,
  type IssueRequest,
  type Offer,
  type Place,
  type ProofToSpend,
  type SealedGrant,
  type TakeAnswer,
  type TakeRequest,
  type TakeTarget,
  type Taken,
  type TargetAnswer,
} from '#libs/grants/grant-store.js';
import type { Epoch, ReplayAnswer } from '#libs/identity/replay-guard.js';
import type { Clock } from '#libs/kernel/clock.js';

import { ExpiringTable } from './expiring-table.js';
import { Quotas, type QuotaState } from './quotas.js';
import { ReplayWindow } from './replay-window.js';
import { SubjectRates } from './subject-rates.js';

export interface MemoryStoreOptions {
  /** The store's own clock: `now` is its TIME. */
  readonly clock: Clock;
  /** GRANT_PARTITIONS. */
  readonly partitions: number;
  /** Random, for this start of the store. */
  readonly epochId: string;
  /**
   * Whether the start is held against proofs, unbound tokens and quota windows, as the loss of data that it is. False in dev and test,
   * where a restart would otherwise refuse for a while what the developer has at hand.
   */
  readonly startCounts: boolean;
  /** STORE_SKEW_MS. */
  readonly skewMs: number;
}

interface Held {
  readonly grant: SealedGrant;
  readonly left: number;
  readonly useNo: number;
}

/**
 * Grants in memory, for one process: the port's contract without a server. Each operation is one synchronous step, which is what
 * makes it atomic, and answers at once. All is lost when the process ends.
 */
export class MemoryStore implements GrantStore {
  readonly #options: MemoryStoreOptions;
  readonly #epoch: Epoch;
  readonly #proofs = new ReplayWindow();
  readonly #grants = new ExpiringTable<Held>();
  /** The binding that holds. */
  readonly #holders = new ExpiringTable<string>();
  /** Grants that went to a token. */
  readonly #tokens = new ExpiringTable<number>();
  readonly #givenBack = new ExpiringTable<true>();
  readonly #quotas = new Quotas();
  readonly #rates = new SubjectRates();
  readonly #tables = [
    this.#proofs,
    this.#grants,
    this.#holders,
    this.#tokens,
    this.#givenBack,
    this.#quotas,
    this.#rates,
  ];

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
    this.#epoch = { id: options.epochId, since: options.startCounts ? options.clock.now() : 0 };
  }

  epochOf(partition: number): Epoch {
    this.#checkPartition(partition);
    return this.#epoch;
  }

  take({ place, proof, subject, targets }: TakeRequest): TakeAnswer {
    if (targets.length < 1 || targets.length > MOST_TARGETS) throw new RangeError('a take has 1 to 100 targets');
    const nowMs = this.#begin(place.partition);
    const changed = this.#epochChanged(place);
    if (changed !== undefined) return changed;
    // What is limited must be left unspent: only then is the proof looked at before it is spent.
    const look = subject === undefined ? 'spend' : 'check';
    const found = proof === undefined ? 'fresh' : this.#proofs[look](proof, place.partition, nowMs);
    if (found !== 'fresh') return { kind: found };
    if (subject !== undefined) {
      const retryAfterMs = this.#rates.take(at(place, subject.key), subject.rate, nowMs);
      if (retryAfterMs !== undefined) return { kind: 'limited', retryAfterMs };
      if (proof !== undefined) this.#proofs.spend(proof, place.partition, nowMs);
    }
    return { kind: 'answered', answers: targets.map((target) => this.#takeOne(place, target, nowMs)) };
  }

  issueAndTake({ place, target, offer }: IssueRequest): IssueAnswer {
    const nowMs = this.#begin(place.partition);
    const changed = this.#epochChanged(place);
    if (changed !== undefined) return changed;
    if (this.#otherHolds(place, target, nowMs)) return { kind: 'other_holder' };
    const asked = this.#quota(place, target, offer?.grant.record, nowMs);
    if (asked.kind !== 'open') return asked;
    const live = this.#live(place, target, nowMs);
    if (live === undefined) return this.#issue(place, target, offer, nowMs);
    const own = this.#quota(place, target, live.grant.record, nowMs);
    return own.kind === 'open' ? this.#use(place, target, live, offer?.grant.record, nowMs) : own;
  }

  giveBack(request: GiveBackRequest): GiveBackAnswer {
    const { place, takenAtMs, grantId } = request;
    const nowMs = this.#begin(place.partition);
    const changed = this.#epochChanged(place);
    if (changed !== undefined) return changed;
    const takeKey = at(place, request.takeId);
    const untilMs = takenAtMs + GIVE_BACK_WITHIN_MS;
    if (nowMs >= untilMs || this.#givenBack.get(takeKey, nowMs) === true) return { kind: 'nothing' };
    this.#givenBack.set(takeKey, true, untilMs, nowMs);
    const key = at(place, request.grant);
    const held = this.#grants.get(key, nowMs);
    const raised =
      held !== undefined && held.grant.record.id === grantId && held.left < held.grant.record.limits.maxUses;
    if (raised) this.#hold(key, { ...held, left: held.left + 1 }, nowMs);
    const lowered = this.#quotas.giveBack(at(place, request.quota), request.windows, nowMs);
    return { kind: raised || lowered ? 'given_back' : 'nothing' };
  }

  spend(proof: ProofToSpend, place: Place): ReplayAnswer {
    const nowMs = this.#begin(place.partition);
    return this.#epochChanged(place) ?? { kind: this.#proofs.spend(proof, place.partition, nowMs) };
  }

  /** Entries held in all, ended ones that were not swept yet included. */
  get size(): number {
    return this.#tables.reduce((sum, { size }) => sum + size, 0);
  }

  /** Every call tidies a little of everything, so that what has ended goes even where nothing is written any more. */
  #begin(partition: number): number {
    this.#checkPartition(partition);
    const nowMs = this.#options.clock.now();
    for (const table of this.#tables) table.sweep(nowMs);
    return nowMs;
  }

  #checkPartition(partition: number): void {
    if (!Number.isInteger(partition) || partition < 0 || partition >= this.#options.partitions) {
      throw new RangeError('no such partition');
    }
  }

  #epochChanged({ epoch }: Place): EpochChanged | undefined {
    return epoch === this.#epoch.id ? undefined : { kind: 'epoch_changed', epoch: this.#epoch };
  }

  #takeOne(place: Place, target: TakeTarget, nowMs: number): TargetAnswer {
    if (this.#otherHolds(place, target, nowMs)) return { kind: 'other_holder' };
    const live = this.#live(place, target, nowMs);
    if (live === undefined) return { kind: 'ask', nowMs };
    const quota = this.#quota(place, target, live.grant.record, nowMs);
    return quota.kind === 'open' ? this.#use(place, target, live, undefined, nowMs) : quota;
  }

  #otherHolds(place: Place, target: TakeTarget, nowMs: number): boolean {
    const holder = this.#holders.get(at(place, target.holder), nowMs);
    return holder !== undefined && holder !== target.binding;
  }

  #live(place: Place, target: TakeTarget, nowMs: number): Held | undefined {
    const held = this.#grants.get(at(place, target.grant), nowMs);
    if (held === undefined || held.left < 1) return undefined;
    const { epoch, policyVersion } = held.grant.record;
    return epoch === place.epoch && policyVersion === target.policyVersion ? held : undefined;
  }

  #quota(place: Place, target: TakeTarget, record: GrantRecord | undefined, nowMs: number): QuotaState {
    const { since } = this.#epoch;
    const knownFromMs = since === 0 ? 0 : since + this.#options.skewMs;
    return this.#quotas.check(at(place, target.quota), record?.limits.quota ?? null, nowMs, knownFromMs);
  }

  #issue(place: Place, target: TakeTarget, offer: Offer | undefined, nowMs: number): IssueAnswer {
    if (offer === undefined || nowMs >= offer.grant.record.expiresAtMs) return { kind: 'ask', nowMs };
    const { grant, token } = offer;
    const { limits, expiresAtMs } = grant.record;
    if (token !== undefined) {
      const tokenKey = at(place, token.key);
      const issued = this.#tokens.get(tokenKey, nowMs) ?? 0;
      if (issued >= token.max) return { kind: 'token_spent' };
      this.#tokens.set(tokenKey, issued + 1, token.untilMs, nowMs);
    }
    if (limits.oneHolder) {
      const holderKey = at(place, target.holder);
      const heldUntilMs = this.#holders.untilOf(holderKey, nowMs) ?? 0;
      this.#holders.set(holderKey, target.binding, Math.max(heldUntilMs, expiresAtMs), nowMs);
    }
    return this.#use(place, target, { grant, left: limits.maxUses, useNo: 0 }, undefined, nowMs);
  }

  #use(place: Place, target: TakeTarget, held: Held, asked: GrantRecord | undefined, nowMs: number): Taken {
    const { record } = held.grant;
    const used = { grant: held.grant, left: held.left - 1, useNo: held.useNo + 1 };
    this.#hold(at(place, target.grant), used, nowMs);
    const quotas = [record.limits.quota, asked?.limits.quota ?? null];
    const windows = this.#quotas.count(at(place, target.quota), quotas, nowMs);
    return { kind: 'taken', ...used, remainingMs: record.expiresAtMs - nowMs, windows };
  }

  #hold(key: string, held: Held, nowMs: number): void {
    this.#grants.set(key, held, held.grant.record.expiresAtMs, nowMs);
  }
}

function at({ partition }: Place, key: string): string {
  return `${partition}.${key}`;
}
