import type { Permit } from '#libs/decision/decide.js';
import type { Awaitable, Deadline } from '#libs/kernel/deadline.js';
import { Refusal } from '#libs/kernel/refusal.js';
import type { Target } from '#libs/tenancy/guard.js';

import type { GrantDesk } from './desk.js';
import { clampLimits, expiryOf } from './grant.js';
import type {
  EpochChanged,
  IssueAnswer,
  Offer,
  Place,
  TakeAnswer,
  TakeTarget,
  Taken,
  TargetAnswer,
} from './grant-store.js';
import type { GrantKeys } from './grant-keys.js';
import { replayKey, unboundTokenKey } from './keys.js';
import { checkGrant, sealGrant, type Expected } from './mac.js';
import { checkEpochChange, refusalOf, type Refused } from './store-answers.js';

/** One request on its way to the store: what it is about, and the keys that its state lies under. */
export interface Errand {
  readonly target: Target;
  readonly keys: GrantKeys;
  readonly desk: GrantDesk;
  readonly deadline: Deadline;
}

/** A use in hand. */
export interface Drawn {
  readonly kind: 'drawn';
  readonly taken: Taken;
  /** The epoch that it was taken under. */
  readonly place: Place;
  /** Monotonic, from before the call was sent. */
  readonly sentAt: number;
  /** Whether it is of the grant that this request's own decision issued. */
  readonly issued: boolean;
}

export type Ask = Extract<TargetAnswer, { readonly kind: 'ask' }>;

/** @throws Refusal for every answer but `taken` and `ask` */
export async function take(errand: Errand): Promise<Drawn | Ask> {
  const { desk, target, keys } = errand;
  const policyVersion = desk.decision.pdp.policyVersion(target.tenant.id);
  const { proof } = target.bound;
  return await draw(errand, policyVersion, (place) =>
    desk.store.take({
      place,
      ...(proof !== undefined && { proof: { key: replayKey(proof, desk.keys), iat: proof.iat } }),
      ...(desk.subjectRate !== undefined && { subject: { key: keys.subject, rate: desk.subjectRate } }),
      targets: [takeTarget(keys, policyVersion)],
    }),
  );
}

/** A permit, and the store's time at which it was asked for: the grant's end is counted from there. */
export interface Decided {
  readonly permit: Permit;
  readonly nowMs: number;
}

/**
 * Takes from a live grant; else, with a decision in hand, issues that decision's grant and takes from it. Without one it answers `ask`.
 *
 * @throws Refusal for every other answer; GRANT_CONTENTION when the decision's own grant had ended before it reached the store
 */
export async function issueAndTake(errand: Errand, decided: Decided): Promise<Drawn>;
export async function issueAndTake(errand: Errand): Promise<Drawn | Ask>;
export async function issueAndTake(errand: Errand, decided?: Decided): Promise<Drawn | Ask> {
  const { desk, target, keys } = errand;
  const policyVersion = decided?.permit.policyVersion ?? desk.decision.pdp.policyVersion(target.tenant.id);
  let offer: Offer | undefined;
  const drawn = await draw(errand, policyVersion, (place) => {
    offer = decided && offerOf(errand, decided, place.epoch);
    return desk.store.issueAndTake({
      place,
      target: takeTarget(keys, policyVersion),
      ...(offer !== undefined && { offer }),
    });
  });
  if (drawn.kind === 'drawn') return { ...drawn, issued: drawn.taken.grant.record.id === offer?.grant.record.id };
  if (decided === undefined) return drawn;
  throw new Refusal('GRANT_CONTENTION', { check: 'grant ended at issue', retryAfterSeconds: 1 });
}

type Said = EpochChanged | TargetAnswer | Refused;

type Send = (at: Place) => Awaitable<TakeAnswer | IssueAnswer>;

/**
 * One call, and one more when the epoch had changed (such a call took nothing). No other answer, and no lost one, is ever asked for
 * again: it may have taken a use.
 */
async function draw(errand: Errand, policyVersion: string, send: Send): Promise<Drawn | Ask> {
  const { desk, target, keys } = errand;
  let { epoch } = target.bound;
  for (let tries = 0; tries < 2; tries += 1) {
    const place = { partition: keys.partition, epoch: epoch.id };
    const sentAt = desk.clock.monotonic();
    const said = onlyOf(await errand.deadline.wait('store', desk.deadlineMs, () => send(place)));
    if (said.kind === 'taken') {
      checkForged(said, { address: addressOf(keys), policyVersion, epoch: epoch.id }, desk);
      return { kind: 'drawn', taken: said, place, sentAt, issued: false };
    }
    if (said.kind === 'ask') return said;
    if (said.kind !== 'epoch_changed') throw refusalOf(said);
    checkEpochChange(target, said.epoch, desk);
    epoch = said.epoch;
  }
  throw new Refusal('UNAVAILABLE', { check: 'store epoch', retryAfterSeconds: 2 });
}

function checkForged({ grant }: Taken, expected: Expected, desk: GrantDesk): void {
  try {
    checkGrant(grant, expected, desk.keys.mac);
  } catch (error) {
    desk.onForgedGrant?.(expected.address);
    throw error;
  }
}

function offerOf({ target, keys, desk }: Errand, { permit, nowMs }: Decided, epoch: string): Offer {
  const { tenant, purpose, uri, bound } = target;
  const { claims } = bound.caller;
  const limits = clampLimits(permit.limits, desk.limits);
  const grant = sealGrant(
    // in canonical order: the MAC's text is made again at every use
    {
      binding: keys.binding,
      clientId: claims.clientId,
      decisionId: permit.decisionId,
      epoch,
      expiresAtMs: expiryOf(limits, claims, desk.leewaySeconds, nowMs),
      facts: keys.facts,
      id: `${addressOf(keys)}.${desk.newId()}`,
      iss: claims.iss,
      limits,
      pin: uri.version ?? null,
      policyIds: permit.policyIds,
      policyVersion: permit.policyVersion,
      purpose,
      sub: claims.sub,
      tenant: tenant.id,
      uri: uri.unversioned(),
    },
    desk.keys.mac,
  );
  if (bound.binding.kind !== 'none' || desk.unboundGrantsPerJti === 0) return { grant };
  const untilMs = (claims.exp + desk.leewaySeconds) * 1000;
  return { grant, token: { key: unboundTokenKey(target, desk.keys), max: desk.unboundGrantsPerJti, untilMs } };
}

function addressOf({ partition, grant }: GrantKeys): string {
  return `${partition}.${grant}`;
}

function takeTarget({ grant, holder, quota, binding }: GrantKeys, policyVersion: string): TakeTarget {
  return { grant, holder, quota, binding, policyVersion };
}

/** What was said of the one target that was asked about. */
function onlyOf(answer: TakeAnswer | IssueAnswer): Said {
  if (answer.kind !== 'answered') return answer;
  const [only] = answer.answers;
  if (only === undefined || answer.answers.length > 1) {
    throw new Refusal('UNAVAILABLE', { check: 'store answered another question', retryAfterSeconds: 1 });
  }
  return only;
}
