import type { Epoch, ReplayAnswer } from '#libs/identity/replay-guard.js';
import type { Awaitable } from '#libs/kernel/deadline.js';

import type { Rate } from '#libs/limits/rate.js';

import type { GrantRecord } from './grant.js';

/** Where one caller's state lies, and the epoch that this call believes in (`Epoch.id`). */
export interface Place {
  /** 0 to GRANT_PARTITIONS - 1. */
  readonly partition: number;
  readonly epoch: string;
}

/** A verified proof on its way to be spent. */
export interface ProofToSpend {
  /** H(jkt, jti). */
  readonly key: string;
  /** Seconds since the epoch. */
  readonly iat: number;
}

/** One secret for one purpose under one binding; hashes and opaque words only, so that no key of a store shows a path or a name. */
export interface TakeTarget {
  /** H(tenant, iss, sub, client, purpose, uri, pin, binding, facts). */
  readonly grant: string;
  /** H(tenant, iss, sub, client, purpose, uri). */
  readonly holder: string;
  /** H(tenant, iss, sub, client, purpose, resource_ref). */
  readonly quota: string;
  /** Compared with the holder's. */
  readonly binding: string;
  /** A grant of another version is no live grant. */
  readonly policyVersion: string;
}

/** The caller's rate bucket. */
export interface SubjectRate {
  /** H(tenant, iss, sub, client), in the caller's partition like all that is the caller's. */
  readonly key: string;
  readonly rate: Rate;
}

export interface TakeRequest {
  readonly place: Place;
  /** Absent when the binding has no proof (mutual TLS, unbound). */
  readonly proof?: ProofToSpend;
  /** RATE_LIMIT_SUBJECT. Absent: off. */
  readonly subject?: SubjectRate;
  /** 1 to 100. */
  readonly targets: readonly TakeTarget[];
}

/** A grant as it is stored: its record and base64url(HMAC) over the record's canonical form. */
export interface SealedGrant {
  readonly record: GrantRecord;
  readonly mac: string;
}

/** What a decision brings to the store. */
export interface Offer {
  readonly grant: SealedGrant;
  /** For an unbound token: how many grants its jti may ever have here. */
  readonly token?: {
    /** H(iss, jti, purpose, uri). */
    readonly key: string;
    /** UNBOUND_GRANTS_PER_JTI, at least 1. */
    readonly max: number;
    /** The token's exp + leeway, in milliseconds since the epoch: until then the count is kept. */
    readonly untilMs: number;
  };
}

export interface IssueRequest {
  readonly place: Place;
  readonly target: TakeTarget;
  /** Absent for a follower of a single flight: it takes from what is there, and never issues. */
  readonly offer?: Offer;
}

/** One quota window that a use was counted in. */
export interface QuotaWindow {
  readonly periodSeconds: number;
  /** floor(TIME / period). */
  readonly window: number;
}

export interface Taken {
  readonly kind: 'taken';
  readonly grant: SealedGrant;
  /** 1 for a grant's first use; only rises. */
  readonly useNo: number;
  /** Uses left after this one. */
  readonly left: number;
  /** Until the grant's end, by the store's clock; above zero. */
  readonly remainingMs: number;
  readonly windows: readonly QuotaWindow[];
}

export type TargetAnswer =
  | Taken
  | { readonly kind: 'blocked' }
  | { readonly kind: 'other_holder' }
  /** No live grant with uses left. `nowMs` is the store's time: a grant's end is counted from it. */
  | { readonly kind: 'ask'; readonly nowMs: number }
  | { readonly kind: 'quota_exhausted'; readonly resetsAtMs: number }
  | { readonly kind: 'quota_unknown'; readonly resetsAtMs: number };

export interface EpochChanged {
  readonly kind: 'epoch_changed';
  readonly epoch: Epoch;
}

export type TakeAnswer =
  | EpochChanged
  | { readonly kind: 'stale_proof' }
  | { readonly kind: 'replayed' }
  | { readonly kind: 'limited'; readonly retryAfterMs: number }
  /** One answer for each target, in the targets' order. */
  | { readonly kind: 'answered'; readonly answers: readonly TargetAnswer[] };

export type IssueAnswer = EpochChanged | TargetAnswer | { readonly kind: 'token_spent' };

/** Names one taken use, from an answer in hand. */
export interface GiveBackRequest {
  readonly place: Place;
  /** The take's own random id. */
  readonly takeId: string;
  /** When the store took it, by its own clock. */
  readonly takenAtMs: number;
  /** The grant's key and id. */
  readonly grant: string;
  readonly grantId: string;
  /** The quota's key, and the windows that the use was counted in. */
  readonly quota: string;
  readonly windows: readonly QuotaWindow[];
}

export type GiveBackAnswer = EpochChanged | { readonly kind: 'given_back' } | { readonly kind: 'nothing' };

/** A use is given back by the request that took it, or not at all; later than this it is `nothing`. */
export const GIVE_BACK_WITHIN_MS = 60_000;

/** `values` and `bulk`: so many targets under one proof. */
export const MOST_TARGETS = 100;

/**
 * Port: grants, quotas, holders and spent proofs (spec, "Grants: the store"). Each method is one atomic step and fits one round trip:
 * its keys are all named by the request, its random ids come from the caller, its time is the store's own.
 *
 * **Every method**
 * - MUST do all of its checks and writes in one atomic step, in the order written here; nothing is decided from an earlier read.
 * - MUST use the store's clock for every comparison; no caller's clock is asked.
 * - MUST compare the caller's epoch with the partition's first, and on a difference answer `epoch_changed` and change nothing.
 * - MUST keep partitions apart: the same key in another partition is another key.
 * - MUST give every entry a time to live, and MUST behave as if an entry had gone in the millisecond in which that ends.
 * - MUST reject (any error) rather than guess; a caller MUST NOT send a take again when its answer is lost: a lost answer loses a use.
 *
 * **take**, in this order:
 *  1. epoch → `epoch_changed`;
 *  2. the proof's `iat` within PROOF_WINDOW, both ends included → else `stale_proof`;
 *  3. H(jkt, jti) present, whatever its iat → `replayed`;
 *  4. the subject's rate bucket, one token for a take whatever its targets → `limited`, the proof unspent;
 *  5. H(jkt, jti) is set for as long as the proof could be accepted: from here on it is spent, whatever follows;
 *  then for each target, in the list's order, a later one seeing what an earlier one did:
 *  6. blocks → `blocked` (a store without blocks never answers it); a holder key of another binding → `other_holder`;
 *  7. no live grant of this epoch and policy version with uses left → `ask`;
 *  8. that grant's quota → `quota_exhausted`, `quota_unknown`, and nothing is taken; then `taken`.
 *
 * **issueAndTake**: no replay check. Epoch, blocks, holder, the offer's quota; then a live grant of the same policy version with uses
 * left is taken from, under its own quota, so that concurrent issues never add uses. Else, without an offer: `ask`. Else the token's
 * count → `token_spent`, and the offered grant replaces what is there and is taken from.
 * - MUST write nothing (no grant, holder, count or use) unless the answer is `taken`.
 * - MUST answer `ask` for an offer whose end has passed: it is no live grant.
 * - MUST write the holder key for a grant with `oneHolder`, and keep it until the grant's end, exhausted or not; a second one of the
 *   same binding may only move that end later.
 * - MUST count a token's grants, not its uses, until `untilMs`.
 *
 * **A grant** is live while its end is in the future, its epoch is the partition's and its `left` is above zero.
 * - MUST decide by the members of `record`, which the MAC covers, never by copies beside them, and MUST hand the record back unchanged.
 * - MUST count `left` down and `use_no` up by one with each use; `use_no` never falls, a record's limits and end never change.
 *
 * **Rate buckets.** `draw` of #libs/limits/rate.ts, by the store's clock: a bucket that is not there is full.
 * - MUST take one token of the bucket for each take that comes to step 5, whatever its targets are answered, and none for any other.
 * - MUST judge a bucket by the rate that the take brings: gateways that are being configured anew bring different ones.
 * - MUST keep a bucket until it is full again, and SHOULD forget it then.
 *
 * **Quotas.** A counter lies under the quota's key alone, whatever the grant; the value holds, for each period, the window and the uses
 * counted in it.
 * - MUST count a taken use, of a grant without a quota too, in the running window of every period that the key has known, while any of
 *   its windows runs.
 * - MUST start the first window of a period that is new under the key with the most that any running window there has counted, so that
 *   a policy's change of period never refills; each later window starts at zero.
 * - MUST answer `quota_unknown` when the quota's window began before the epoch's `since` + STORE_SKEW_MS, unless `since` is 0.
 *
 * **giveBack**
 * - MUST work once for a take id; MUST answer `nothing` later than GIVE_BACK_WITHIN_MS after the take.
 * - MUST raise `left` by one only when the grant that lies under the key has the same id and epoch, and never above `maxUses`; MUST NOT
 *   change `use_no`.
 * - MUST lower a quota's count by one only where the counter still holds the same window, and never below zero.
 * - MUST answer `nothing` when neither was changed.
 *
 * **spend** is steps 1, 2, 3 and 5 of a take, for routes that take no grant; a proof spent by one is replayed for the other.
 */
export interface GrantStore {
  /** The epoch of a partition as this process knows it; asked before a nonce is checked. */
  epochOf(partition: number): Awaitable<Epoch>;
  take(request: TakeRequest): Awaitable<TakeAnswer>;
  issueAndTake(request: IssueRequest): Awaitable<IssueAnswer>;
  giveBack(request: GiveBackRequest): Awaitable<GiveBackAnswer>;
  spend(proof: ProofToSpend, place: Place): Awaitable<ReplayAnswer>;
}
