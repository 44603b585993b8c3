import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { windowOf, windowStart } from '#libs/grants/grant.js';
import type { SubjectRate, TakeAnswer, TakeRequest } from '#libs/grants/grant-store.js';
import type { Awaitable } from '#libs/kernel/deadline.js';

import {
  kindsOf,
  Scene,
  taken,
  targetOf,
  VERSION,
  word,
  type MakeStore,
  type StoreUnderTest,
} from './grant-store.support.js';

const HOUR = 3_600;
const times = <T>(count: number, make: (at: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, at) => make(at)));

/** The contract of the GrantStore port: each sentence is one of its MUSTs. Every adapter runs it. */
export function grantStoreContract(name: string, make: MakeStore): void {
  describe(`${name} keeps the contract of a grant store`, () => {
    let under: StoreUnderTest;
    let scene: Scene;

    const start = async (startCounts: boolean): Promise<void> => {
      under = await make({ startCounts });
      scene = await Scene.open(under);
    };
    beforeEach(() => start(false));
    afterEach(() => under.close());

    /** Away from the end of any window that a test counts in. */
    const intoWindow = async (periodSeconds: number): Promise<void> => {
      const now = await under.nowMs();
      await under.advance(windowStart(periodSeconds, windowOf(periodSeconds, now) + 1) - now + 1_000);
    };

    describe('epochs', () => {
      it('answers another epoch with its own, in every method', async () => {
        const target = targetOf();
        const place = { ...scene.place, epoch: word() };
        const use = taken(await scene.issue(target));
        const epoch = await under.store.epochOf(place.partition);
        const changed = { kind: 'epoch_changed', epoch };
        expect(await under.store.take({ place, targets: [target] })).toEqual(changed);
        expect(await under.store.issueAndTake({ place, target })).toEqual(changed);
        expect(await under.store.issueAndTake({ place, target, offer: await scene.offer(target) })).toEqual(changed);
        expect(await under.store.spend(await scene.proof(), place)).toEqual(changed);
        expect(await scene.giveBack(target, use, { place })).toBe('epoch_changed');
      });

      it('changes nothing when it answers epoch_changed: the proof is unspent, nothing is issued, nothing is given back', async () => {
        const target = targetOf();
        const place = { ...scene.place, epoch: word() };
        const proof = await scene.proof();
        await under.store.take({ place, proof, targets: [target] });
        await under.store.spend(proof, place);
        expect(await under.store.spend(proof, scene.place)).toEqual({ kind: 'fresh' });
        await under.store.issueAndTake({ place, target, offer: await scene.offer(target, { maxUses: 5 }) });
        expect(await scene.take(target)).toMatchObject({ kind: 'ask' });
        const use = taken(await scene.issue(target));
        const takeId = word();
        await scene.giveBack(target, use, { place, takeId });
        expect(await scene.take(target)).toMatchObject({ kind: 'ask' });
        expect(await scene.giveBack(target, use, { takeId })).toBe('given_back');
      });

      it('compares the epoch before it looks at the proof', async () => {
        const place = { ...scene.place, epoch: word() };
        expect(await under.store.spend(await scene.proof(-600), place)).toMatchObject({ kind: 'epoch_changed' });
      });

      it('has another epoch after a loss of data, and no grant of before', async () => {
        const target = targetOf();
        taken(await scene.issue(target, { maxUses: 5 }));
        await under.lose();
        const after = await Scene.open(under);
        expect(after.place.epoch).not.toBe(scene.place.epoch);
        expect(await scene.follow(target)).toMatchObject({ kind: 'epoch_changed' });
        expect(await after.take(target)).toMatchObject({ kind: 'ask' });
      });

      it('keeps a grant that was sealed under another epoch apart from live ones', async () => {
        const target = targetOf();
        const offer = await scene.offer(target, { maxUses: 5 });
        const strange = { ...offer, grant: { ...offer.grant, record: { ...offer.grant.record, epoch: word() } } };
        await under.store.issueAndTake({ place: scene.place, target, offer: strange });
        expect(await scene.take(target)).toMatchObject({ kind: 'ask' });
      });
    });

    describe('proofs', () => {
      const spend = async (secondsFromNow: number): Promise<string> =>
        (await under.store.spend(await scene.proof(secondsFromNow), scene.place)).kind;

      it('accepts an iat up to 60 s old and up to 10 s ahead of its own clock, and nothing beyond', async () => {
        expect(await spend(-58)).toBe('fresh');
        expect(await spend(8)).toBe('fresh');
        expect(await spend(-62)).toBe('stale_proof');
        expect(await spend(12)).toBe('stale_proof');
        expect(await spend(Number.NaN)).toBe('stale_proof');
      });

      it('accepts a proof once, by take and spend alike, whatever iat it names', async () => {
        const target = targetOf();
        const one = await scene.proof();
        const other = await scene.proof();
        expect(await under.store.take({ place: scene.place, proof: one, targets: [target] })).toMatchObject({
          kind: 'answered',
        });
        expect(await under.store.spend(one, scene.place)).toEqual({ kind: 'replayed' });
        expect(await under.store.spend({ ...one, iat: one.iat - 5 }, scene.place)).toEqual({ kind: 'replayed' });
        expect(await under.store.spend(other, scene.place)).toEqual({ kind: 'fresh' });
        expect(await under.store.take({ place: scene.place, proof: other, targets: [target] })).toEqual({
          kind: 'replayed',
        });
      });

      it('goes on refusing a spent proof until its iat is too old', async () => {
        const proof = await scene.proof(8);
        await under.store.spend(proof, scene.place);
        await under.advance(66_000);
        expect(await under.store.spend(proof, scene.place)).toEqual({ kind: 'replayed' });
        await under.advance(4_000);
        expect(await under.store.spend(proof, scene.place)).toEqual({ kind: 'stale_proof' });
      });

      it('takes nothing for a proof that is stale or replayed', async () => {
        const target = targetOf();
        taken(await scene.issue(target, { maxUses: 3 }));
        const replayed = await scene.proof();
        await under.store.spend(replayed, scene.place);
        for (const proof of [replayed, await scene.proof(-600)]) {
          await under.store.take({ place: scene.place, proof, targets: [target] });
        }
        expect(taken(await scene.take(target))).toMatchObject({ useNo: 2, left: 1 });
      });

      it('spends the proof whatever the targets are answered', async () => {
        const target = targetOf();
        taken(await scene.issue(target, { oneHolder: true }));
        const proof = await scene.proof();
        const answer = await under.store.take({
          place: scene.place,
          proof,
          targets: [{ ...target, binding: 'jkt:other' }],
        });
        expect(answer).toEqual({ kind: 'answered', answers: [{ kind: 'other_holder' }] });
        expect(await under.store.spend(proof, scene.place)).toEqual({ kind: 'replayed' });
      });

      it('accepts one of many that bring the same proof at once', async () => {
        const proof = await scene.proof();
        const answers = await times<TakeAnswer | { kind: string }>(40, async (at) =>
          at % 2 === 0
            ? await under.store.spend(proof, scene.place)
            : await under.store.take({ place: scene.place, proof, targets: [targetOf()] }),
        );
        expect(kindsOf(answers)['replayed']).toBe(39);
      });
    });

    describe('rate buckets', () => {
      /** One token now, the next one hours later, so that no test needs an exact time. */
      const slow = (burst: number): SubjectRate => ({ key: word(), rate: { perMs: 1, burst } });
      const take = async (subject: SubjectRate, over: Partial<TakeRequest> = {}): Promise<TakeAnswer> =>
        await under.store.take({ place: scene.place, subject, targets: [targetOf()], ...over });

      it('lets a burst through and then says how long to wait', async () => {
        const subject = slow(3);
        const answers = [await take(subject), await take(subject), await take(subject)];
        expect(kindsOf(answers)).toEqual({ answered: 3 });
        const limited = await take(subject);
        expect(limited).toMatchObject({ kind: 'limited' });
        const { retryAfterMs } = limited as { retryAfterMs: number };
        expect(retryAfterMs).toBeGreaterThan(900_000);
        expect(retryAfterMs).toBeLessThanOrEqual(1_000_000);
      });

      it('lets through again when it said', async () => {
        const subject = slow(1);
        await take(subject);
        const { retryAfterMs } = (await take(subject)) as { retryAfterMs: number };
        await under.advance(retryAfterMs - 2_000);
        expect(await take(subject)).toMatchObject({ kind: 'limited' });
        await under.advance(2_000);
        expect(await take(subject)).toMatchObject({ kind: 'answered' });
        expect(await take(subject)).toMatchObject({ kind: 'limited' });
      });

      it('leaves the proof of a limited take unspent, and takes no use', async () => {
        const subject = slow(1);
        const target = targetOf();
        taken(await scene.issue(target, { maxUses: 3 }));
        await take(subject);
        const proof = await scene.proof();
        expect(await take(subject, { proof, targets: [target] })).toMatchObject({ kind: 'limited' });
        expect(await under.store.spend(proof, scene.place)).toEqual({ kind: 'fresh' });
        expect(taken(await scene.take(target))).toMatchObject({ useNo: 2, left: 1 });
      });

      it('takes no token for a proof that is stale or replayed, nor under another epoch', async () => {
        const subject = slow(1);
        const replayed = await scene.proof();
        await under.store.spend(replayed, scene.place);
        expect(await take(subject, { proof: replayed })).toEqual({ kind: 'replayed' });
        expect(await take(subject, { proof: await scene.proof(-600) })).toEqual({ kind: 'stale_proof' });
        expect(await take(subject, { place: { ...scene.place, epoch: word() } })).toMatchObject({
          kind: 'epoch_changed',
        });
        expect(await take(subject, { proof: await scene.proof() })).toMatchObject({ kind: 'answered' });
      });

      it('says of a replayed proof that it is replayed, when the bucket is empty too', async () => {
        const subject = slow(1);
        const proof = await scene.proof();
        await take(subject, { proof });
        expect(await take(subject, { proof })).toEqual({ kind: 'replayed' });
      });

      it('takes one token for a take, whatever its targets and whatever they are answered', async () => {
        const subject = slow(2);
        const held = targetOf();
        taken(await scene.issue(held, { oneHolder: true }));
        const targets = [...Array.from({ length: 99 }, () => targetOf()), { ...held, binding: 'jkt:other' }];
        expect(await take(subject, { targets })).toMatchObject({ kind: 'answered' });
        expect(await take(subject, { targets })).toMatchObject({ kind: 'answered' });
        expect(await take(subject, { targets })).toMatchObject({ kind: 'limited' });
      });

      it('takes none for issuing, giving back and spending', async () => {
        const subject = slow(1);
        const target = targetOf();
        const use = taken(await scene.issue(target, { maxUses: 2 }));
        await scene.giveBack(target, use);
        await under.store.spend(await scene.proof(), scene.place);
        expect(await take(subject, { targets: [target] })).toMatchObject({ kind: 'answered' });
      });

      it('keeps callers apart, and partitions', async () => {
        const subject = slow(1);
        await take(subject);
        expect(await take(slow(1))).toMatchObject({ kind: 'answered' });
        const { place } = await Scene.open(under, 5);
        expect(await take(subject, { place })).toMatchObject({ kind: 'answered' });
        expect(await take(subject)).toMatchObject({ kind: 'limited' });
      });

      it('judges a bucket by the rate that the take brings', async () => {
        const subject = slow(5);
        await take(subject);
        const tighter = { ...subject, rate: { perMs: 1, burst: 1 } };
        expect(await take(tighter)).toMatchObject({ kind: 'answered' });
        expect(await take(tighter)).toMatchObject({ kind: 'limited' });
      });

      it('never lets more through than the burst, however many come at once', async () => {
        const subject = slow(7);
        expect(kindsOf(await times(40, async () => await take(subject)))).toEqual({ answered: 7, limited: 33 });
      });
    });

    describe('partitions', () => {
      it('keeps the same key in two partitions apart', async () => {
        const elsewhere = await Scene.open(under, 5);
        const target = targetOf();
        const quota = { uses: 1, periodSeconds: HOUR };
        const proof = await scene.proof();
        taken(await scene.issue(target, { maxUses: 2, quota, oneHolder: true }));
        await under.store.spend(proof, scene.place);
        expect(await elsewhere.take(target)).toMatchObject({ kind: 'ask' });
        expect(await under.store.spend(proof, elsewhere.place)).toEqual({ kind: 'fresh' });
        expect(await elsewhere.issue({ ...target, binding: 'jkt:other' }, { quota })).toMatchObject({ kind: 'taken' });
      });

      it('rejects a partition that it does not have', async () => {
        for (const partition of [-1, 1.5, 1_000_000]) {
          const place = { ...scene.place, partition };
          await expect(asked(() => under.store.epochOf(partition))).rejects.toThrow();
          await expect(asked(() => under.store.take({ place, targets: [targetOf()] }))).rejects.toThrow();
        }
      });
    });

    describe('take', () => {
      it('answers ask, with its own time, where there is no grant', async () => {
        const before = await under.nowMs();
        const answer = await scene.take(targetOf());
        expect(answer).toMatchObject({ kind: 'ask' });
        const { nowMs } = answer as { nowMs: number };
        expect(nowMs).toBeGreaterThanOrEqual(before);
        expect(nowMs).toBeLessThanOrEqual(await under.nowMs());
      });

      it('counts use_no up and left down, and hands the sealed grant back unchanged', async () => {
        const target = targetOf();
        const offer = await scene.offer(target, { maxUses: 3, quota: { uses: 9, periodSeconds: HOUR } });
        const first = taken(await under.store.issueAndTake({ place: scene.place, target, offer }));
        const second = taken(await scene.take(target));
        const third = taken(await scene.take(target));
        expect([first, second, third].map(({ useNo, left }) => [useNo, left])).toEqual([
          [1, 2],
          [2, 1],
          [3, 0],
        ]);
        for (const use of [first, second, third]) expect(use.grant).toEqual(offer.grant);
        expect(await scene.take(target)).toMatchObject({ kind: 'ask' });
      });

      it('says how long the grant still lives, and answers ask once it has ended', async () => {
        const target = targetOf();
        taken(await scene.issue(target, { maxUses: 9, endsInMs: 10_000 }));
        await under.advance(4_000);
        const { remainingMs } = taken(await scene.take(target));
        expect(remainingMs).toBeGreaterThan(5_000);
        expect(remainingMs).toBeLessThanOrEqual(6_000);
        await under.advance(6_000);
        expect(await scene.take(target)).toMatchObject({ kind: 'ask' });
      });

      it('answers ask for a grant of another policy version', async () => {
        const target = targetOf();
        taken(await scene.issue(target, { maxUses: 9 }));
        expect(await scene.take({ ...target, policyVersion: '8.policy' })).toMatchObject({ kind: 'ask' });
        expect(await scene.take(target)).toMatchObject({ kind: 'taken' });
      });

      it('gives one answer for each target of a list, in order, under one proof', async () => {
        const [absent, one, held] = [targetOf(), targetOf(), targetOf()];
        taken(await scene.issue(one, { maxUses: 2 }));
        taken(await scene.issue(held, { maxUses: 2, oneHolder: true }));
        const targets = [absent, one, { ...held, binding: 'jkt:other' }, one, held];
        const answer = await under.store.take({ place: scene.place, proof: await scene.proof(), targets });
        expect(answer).toMatchObject({
          kind: 'answered',
          // the same target twice: the later one sees what the earlier one took
          answers: [
            { kind: 'ask' },
            { kind: 'taken', left: 0 },
            { kind: 'other_holder' },
            { kind: 'ask' },
            { kind: 'taken' },
          ],
        });
      });

      it('takes 1 to 100 targets, and rejects any other number', async () => {
        const many = async (count: number): Promise<TakeAnswer> =>
          await under.store.take({ place: scene.place, targets: Array.from({ length: count }, () => targetOf()) });
        const answer = await many(100);
        expect(answer.kind === 'answered' && answer.answers.length).toBe(100);
        await expect(many(0)).rejects.toThrow();
        await expect(many(101)).rejects.toThrow();
      });

      it('gives out each use once, to whoever comes at once', async () => {
        const target = targetOf();
        taken(await scene.issue(target, { maxUses: 21 }));
        const answers = await times(60, () => scene.take(target));
        expect(kindsOf(answers)).toEqual({ taken: 20, ask: 40 });
        const numbers = answers.flatMap((answer) => (answer.kind === 'taken' ? [answer.useNo] : []));
        expect(new Set(numbers).size).toBe(20);
      });
    });

    describe('issueAndTake', () => {
      it('without an offer takes from a live grant, and never issues', async () => {
        const target = targetOf();
        expect(await scene.follow(target)).toMatchObject({ kind: 'ask' });
        taken(await scene.issue(target, { maxUses: 2 }));
        expect(await scene.follow(target)).toMatchObject({ kind: 'taken', useNo: 2, left: 0 });
        expect(await scene.follow(target)).toMatchObject({ kind: 'ask' });
      });

      it('takes from a live grant rather than issue a second one, so that concurrent issues never add uses', async () => {
        const target = targetOf();
        const first = taken(await scene.issue(target, { maxUses: 3 }));
        const second = taken(await scene.issue(target, { maxUses: 3 }));
        expect(second.grant).toEqual(first.grant);
        expect(second).toMatchObject({ useNo: 2, left: 1 });
      });

      it('replaces a grant that is used up, ended or of another policy version, and counts from one again', async () => {
        const target = targetOf();
        const first = taken(await scene.issue(target));
        const second = taken(await scene.issue(target, { maxUses: 9, endsInMs: 5_000 }));
        await under.advance(6_000);
        const third = taken(await scene.issue(target, { maxUses: 9 }));
        const fourth = taken(await scene.issue({ ...target, policyVersion: '8.policy' }, { maxUses: 9 }));
        const uses = [first, second, third, fourth];
        expect(new Set(uses.map(({ grant }) => grant.record.id)).size).toBe(4);
        expect(uses.map(({ useNo }) => useNo)).toEqual([1, 1, 1, 1]);
        expect(await scene.take({ ...target, policyVersion: VERSION })).toMatchObject({ kind: 'ask' });
      });

      it('answers ask for an offer that has ended, and writes nothing of it', async () => {
        const target = targetOf();
        const token = { key: word(), max: 1, untilMs: (await under.nowMs()) + 60_000 };
        const quota = { uses: 1, periodSeconds: HOUR };
        const late = { endsInMs: -1_000, oneHolder: true, token, quota };
        expect(await scene.issue(target, late)).toMatchObject({ kind: 'ask' });
        expect(await scene.issue({ ...target, binding: 'jkt:other' }, { token, quota })).toMatchObject({
          kind: 'taken',
        });
      });

      it('lets no grant have more uses than its own, however many issue at once', async () => {
        const target = targetOf();
        const uses = (await times(60, () => scene.issue(target, { maxUses: 7 }))).map(taken);
        const byGrant = Map.groupBy(uses, ({ grant }) => grant.record.id);
        expect(byGrant.size).toBe(Math.ceil(60 / 7));
        for (const ofOne of byGrant.values()) {
          expect(ofOne.length).toBeLessThanOrEqual(7);
          expect(new Set(ofOne.map(({ useNo }) => useNo)).size).toBe(ofOne.length);
        }
      });
    });

    describe('one holder', () => {
      it('refuses another binding at take and at issue while the grant lives, used up or not, and takes nothing', async () => {
        const target = targetOf();
        const other = { ...target, grant: word(), binding: 'jkt:other' };
        taken(await scene.issue(target, { oneHolder: true, endsInMs: 10_000 }));
        expect(await scene.take(other)).toEqual({ kind: 'other_holder' });
        expect(await scene.follow(other)).toEqual({ kind: 'other_holder' });
        expect(await scene.issue(other, { maxUses: 9 })).toEqual({ kind: 'other_holder' });
        await under.advance(11_000);
        expect(await scene.take(other)).toMatchObject({ kind: 'ask' });
        expect(await scene.issue(other)).toMatchObject({ kind: 'taken' });
      });

      it('lets the same binding go on, under other facts too', async () => {
        const target = targetOf();
        taken(await scene.issue(target, { oneHolder: true }));
        expect(await scene.issue({ ...target, grant: word() }, { oneHolder: true })).toMatchObject({ kind: 'taken' });
      });

      it('never moves the holder’s end earlier', async () => {
        const target = targetOf();
        const other = { ...target, grant: word(), binding: 'jkt:other' };
        taken(await scene.issue(target, { oneHolder: true, endsInMs: 30_000 }));
        taken(await scene.issue({ ...target, grant: word() }, { oneHolder: true, endsInMs: 5_000 }));
        await under.advance(10_000);
        expect(await scene.take(other)).toEqual({ kind: 'other_holder' });
      });

      it('is written only by grants that ask for it', async () => {
        const target = targetOf();
        taken(await scene.issue(target, { maxUses: 9 }));
        const other = { ...target, grant: word(), binding: 'jkt:other' };
        expect(await scene.issue(other, { oneHolder: true })).toMatchObject({ kind: 'taken' });
        expect(await scene.take(target)).toEqual({ kind: 'other_holder' });
      });
    });

    describe('quotas', () => {
      const quota = { uses: 3, periodSeconds: HOUR };

      it('counts uses over all grants, bindings and issues of one key, and says when the window ends', async () => {
        await intoWindow(HOUR);
        const target = targetOf();
        taken(await scene.issue(target, { quota }));
        taken(await scene.issue(target, { quota, maxUses: 9 }));
        const other = { ...target, grant: word(), binding: 'jkt:other' };
        taken(await scene.issue(other, { quota, maxUses: 9 }));
        const end = windowStart(HOUR, windowOf(HOUR, await under.nowMs()) + 1);
        const exhausted = { kind: 'quota_exhausted', resetsAtMs: end };
        expect(await scene.take(target)).toEqual(exhausted);
        expect(await scene.take(other)).toEqual(exhausted);
        expect(await scene.follow(target)).toEqual(exhausted);
        expect(await scene.issue(targetOf({ quota: target.quota }), { quota })).toEqual(exhausted);
        expect(await scene.issue(targetOf(), { quota })).toMatchObject({ kind: 'taken' });
      });

      it('opens again with the next window, and a refusal has taken nothing from the grant', async () => {
        await intoWindow(HOUR);
        const target = targetOf();
        taken(await scene.issue(target, { quota: { ...quota, uses: 1 }, maxUses: 3, endsInMs: 3 * HOUR * 1000 }));
        for (let again = 0; again < 5; again += 1) {
          expect(await scene.take(target)).toMatchObject({ kind: 'quota_exhausted' });
        }
        await intoWindow(HOUR);
        expect(taken(await scene.take(target))).toMatchObject({ useNo: 2, left: 1 });
      });

      it('lets exactly its uses through when three times as many come at once', async () => {
        await intoWindow(HOUR);
        const target = targetOf();
        const wish = { quota: { uses: 20, periodSeconds: HOUR }, maxUses: 3 };
        const answers = await times(60, async () => {
          const first = await scene.take(target);
          return first.kind === 'ask' ? await scene.issue(target, wish) : first;
        });
        expect(kindsOf(answers)).toEqual({ taken: 20, quota_exhausted: 40 });
      });

      it('writes no holder and counts no token when the quota is spent', async () => {
        await intoWindow(HOUR);
        const target = targetOf();
        const one = { ...quota, uses: 1 };
        taken(await scene.issue(target, { quota: one }));
        const token = { key: word(), max: 1, untilMs: (await under.nowMs()) + 600_000 };
        const asked = await scene.issue(target, { quota: one, oneHolder: true, token });
        expect(asked).toMatchObject({ kind: 'quota_exhausted' });
        const other = { ...target, quota: word(), grant: word(), binding: 'jkt:other' };
        expect(await scene.issue(other, { token })).toMatchObject({ kind: 'taken' });
      });

      it('checks the decision’s own quota even where a live grant has none', async () => {
        await intoWindow(HOUR);
        const target = targetOf();
        taken(await scene.issue(targetOf({ quota: target.quota }), { quota: { ...quota, uses: 1 } }));
        taken(await scene.issue(target, { maxUses: 9 }));
        const asked = await scene.issue(target, { quota: { ...quota, uses: 2 }, maxUses: 9 });
        expect(asked).toMatchObject({ kind: 'quota_exhausted' });
        expect(await scene.take(target)).toMatchObject({ kind: 'taken', useNo: 2 });
      });

      it('checks the live grant’s quota even where the decision brings none', async () => {
        await intoWindow(HOUR);
        const target = targetOf();
        taken(await scene.issue(target, { quota: { ...quota, uses: 1 }, maxUses: 9 }));
        expect(await scene.issue(target, { maxUses: 9 })).toMatchObject({ kind: 'quota_exhausted' });
      });

      it('is not refilled by another period', async () => {
        await intoWindow(24 * HOUR);
        const target = targetOf();
        const fresh = (): typeof target => targetOf({ quota: target.quota });
        for (let use = 0; use < 3; use += 1) taken(await scene.issue(fresh(), { quota }));
        const longer = { uses: 3, periodSeconds: 24 * HOUR };
        expect(await scene.issue(fresh(), { quota: longer })).toMatchObject({ kind: 'quota_exhausted' });
        taken(await scene.issue(fresh(), { quota: { ...longer, uses: 4 } }));
        await intoWindow(HOUR);
        // the hour is new, the day is not
        taken(await scene.issue(fresh(), { quota }));
        expect(await scene.issue(fresh(), { quota: { ...longer, uses: 5 } })).toMatchObject({
          kind: 'quota_exhausted',
        });
        expect(await scene.issue(fresh(), { quota: { ...longer, uses: 6 } })).toMatchObject({ kind: 'taken' });
      });

      it('counts the uses of grants without a quota while a window of the key is running', async () => {
        await intoWindow(HOUR);
        const target = targetOf();
        taken(await scene.issue(target, { quota }));
        for (let use = 0; use < 2; use += 1) taken(await scene.issue(targetOf({ quota: target.quota })));
        expect(await scene.issue(target, { quota })).toMatchObject({ kind: 'quota_exhausted' });
      });

      it('is unknown in a window that began before the store did, and known in the next', async () => {
        await under.close();
        await start(true);
        const target = targetOf();
        const end = windowStart(HOUR, windowOf(HOUR, await under.nowMs()) + 1);
        expect(await scene.issue(target, { quota, maxUses: 9 })).toEqual({ kind: 'quota_unknown', resetsAtMs: end });
        expect(await scene.take(target)).toMatchObject({ kind: 'ask' });
        await intoWindow(HOUR);
        expect(await scene.issue(target, { quota, maxUses: 9 })).toMatchObject({ kind: 'taken' });
      });

      it('is unknown after a loss of data that counts', async () => {
        await under.close();
        await start(true);
        await intoWindow(HOUR);
        const target = targetOf();
        taken(await scene.issue(target, { quota }));
        await under.lose();
        const after = await Scene.open(under);
        expect(await after.issue(target, { quota })).toMatchObject({ kind: 'quota_unknown' });
      });
    });

    describe('grants of an unbound token', () => {
      const tokenOf = async (max: number): Promise<{ key: string; max: number; untilMs: number }> => ({
        key: word(),
        max,
        untilMs: (await under.nowMs()) + 60_000,
      });

      it('are counted: one more than the token may have is token_spent, and a live one is still used', async () => {
        const target = targetOf();
        const token = await tokenOf(2);
        taken(await scene.issue(target, { token }));
        taken(await scene.issue(target, { token, maxUses: 2 }));
        expect(await scene.issue(target, { token })).toMatchObject({ kind: 'taken', useNo: 2 });
        expect(await scene.issue(target, { token, maxUses: 9 })).toEqual({ kind: 'token_spent' });
        expect(await scene.take(target)).toMatchObject({ kind: 'ask' });
        expect(await scene.issue(target, { token: await tokenOf(1) })).toMatchObject({ kind: 'taken' });
      });

      it('are counted until the token has ended', async () => {
        const target = targetOf();
        const token = await tokenOf(1);
        taken(await scene.issue(target, { token, endsInMs: 1_000 }));
        await under.advance(50_000);
        expect(await scene.issue(target, { token })).toEqual({ kind: 'token_spent' });
        await under.advance(11_000);
        expect(await scene.issue(target, { token })).toMatchObject({ kind: 'taken' });
      });

      it('write no holder when the token is spent', async () => {
        const target = targetOf();
        const token = await tokenOf(1);
        taken(await scene.issue(targetOf(), { token }));
        expect(await scene.issue(target, { token, oneHolder: true })).toEqual({ kind: 'token_spent' });
        expect(await scene.issue({ ...target, binding: 'jkt:other' })).toMatchObject({ kind: 'taken' });
      });
    });

    describe('giveBack', () => {
      it('raises left by one, leaves use_no, and makes a used-up grant live again', async () => {
        const target = targetOf();
        const use = taken(await scene.issue(target));
        expect(await scene.take(target)).toMatchObject({ kind: 'ask' });
        expect(await scene.giveBack(target, use)).toBe('given_back');
        expect(taken(await scene.take(target))).toMatchObject({ grant: use.grant, useNo: 2, left: 0 });
        expect(await scene.take(target)).toMatchObject({ kind: 'ask' });
      });

      it('works once for a take, also when it is sent many times at once', async () => {
        const target = targetOf();
        const use = taken(await scene.issue(target, { maxUses: 5, quota: { uses: 5, periodSeconds: HOUR } }));
        taken(await scene.take(target));
        const takeId = word();
        const answers = await times(20, () => scene.giveBack(target, use, { takeId }));
        expect(answers.filter((kind) => kind === 'given_back')).toHaveLength(1);
        expect(taken(await scene.take(target))).toMatchObject({ useNo: 3, left: 3 });
      });

      it('never raises left above the maximum', async () => {
        const target = targetOf();
        const use = taken(await scene.issue(target, { maxUses: 2 }));
        expect(await scene.giveBack(target, use)).toBe('given_back');
        expect(await scene.giveBack(target, use)).toBe('nothing');
        expect(taken(await scene.take(target))).toMatchObject({ left: 1 });
      });

      it('changes no grant of another id', async () => {
        const target = targetOf();
        const use = taken(await scene.issue(target));
        const next = taken(await scene.issue(target, { maxUses: 3 }));
        expect(await scene.giveBack(target, use)).toBe('nothing');
        expect(taken(await scene.take(target))).toMatchObject({ grant: next.grant, left: 1 });
      });

      it('gives nothing back to a grant that has ended', async () => {
        const target = targetOf();
        const use = taken(await scene.issue(target, { endsInMs: 5_000 }));
        await under.advance(6_000);
        expect(await scene.giveBack(target, use)).toBe('nothing');
        expect(await scene.take(target)).toMatchObject({ kind: 'ask' });
      });

      it('lowers the quota’s count, even when the grant was replaced meanwhile', async () => {
        await intoWindow(HOUR);
        const target = targetOf();
        const quota = { uses: 2, periodSeconds: HOUR };
        const use = taken(await scene.issue(target, { quota }));
        taken(await scene.issue(target, { quota }));
        expect(await scene.issue(target, { quota })).toMatchObject({ kind: 'quota_exhausted' });
        expect(await scene.giveBack(target, use)).toBe('given_back');
        expect(await scene.issue(target, { quota })).toMatchObject({ kind: 'taken' });
        expect(await scene.issue(target, { quota })).toMatchObject({ kind: 'quota_exhausted' });
      });

      it('lowers no other window of the quota, and never below zero', async () => {
        await intoWindow(HOUR);
        // just before the window's end
        await under.advance(HOUR * 1000 - 8_000);
        const target = targetOf();
        const quota = { uses: 1, periodSeconds: HOUR };
        const use = taken(await scene.issue(target, { quota }));
        await intoWindow(HOUR);
        const next = taken(await scene.issue(target, { quota }));
        expect(await scene.giveBack(target, use)).toBe('nothing');
        expect(await scene.issue(target, { quota })).toMatchObject({ kind: 'quota_exhausted' });
        await scene.giveBack(target, next);
        await scene.giveBack(target, next);
        taken(await scene.issue(target, { quota }));
        expect(await scene.issue(target, { quota })).toMatchObject({ kind: 'quota_exhausted' });
      });

      it('is nothing a minute after the take, so that the ids of give-backs need not be kept longer', async () => {
        const target = targetOf();
        const use = taken(await scene.issue(target, { endsInMs: 300_000 }));
        await under.advance(61_000);
        expect(await scene.giveBack(target, use)).toBe('nothing');
        expect(await scene.take(target)).toMatchObject({ kind: 'ask' });
      });
    });
  });
}

/** A store may answer, and throw, at once. */
async function asked<T>(ask: () => Awaitable<T>): Promise<T> {
  return await ask();
}
