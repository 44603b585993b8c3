import { describe, expect, it } from '@jest/globals';

import { MemoryStore } from '#libs/memory/memory-store.js';

import { grantStoreContract } from '../contracts/grant-store.contract.js';
import { Scene, taken, targetOf, word } from '../contracts/grant-store.support.js';
import { ManualClock } from '../support/clock.js';

const SKEW = 2_000;

function memory(startCounts = false): {
  readonly clock: ManualClock;
  readonly under: {
    store: MemoryStore;
    nowMs(): Promise<number>;
    advance(ms: number): Promise<void>;
    lose(): Promise<void>;
    close(): Promise<void>;
  };
} {
  const clock = new ManualClock();
  const made = (): MemoryStore =>
    new MemoryStore({ clock, partitions: 64, epochId: word(), startCounts, skewMs: SKEW });
  const under = {
    store: made(),
    nowMs: async () => clock.now(),
    advance: async (ms: number) => clock.advance(ms),
    lose: async () => {
      under.store = made();
    },
    close: async () => {},
  };
  return { clock, under };
}

grantStoreContract('the memory store', async ({ startCounts }) => memory(startCounts).under);

describe('the memory store, to the millisecond', () => {
  it('accepts a proof in the first and the last millisecond of its window, once, and not one outside', async () => {
    const { clock, under } = memory();
    const scene = await Scene.open(under);
    const iat = clock.now() / 1000;
    const spend = (proof: { key: string; iat: number }): string => under.store.spend(proof, scene.place).kind;
    const early = { key: word(), iat: iat + 10 };
    expect(spend({ ...early, iat: iat + 11 })).toBe('stale_proof');
    clock.stepWall(-1);
    expect(spend(early)).toBe('stale_proof');
    clock.stepWall(1);
    expect(spend(early)).toBe('fresh');
    clock.advance(70_000);
    expect(spend(early)).toBe('replayed');
    expect(spend({ key: word(), iat: iat + 10 })).toBe('fresh');
    clock.advance(1);
    expect(spend(early)).toBe('stale_proof');
    expect(spend({ key: word(), iat: iat + 10 })).toBe('stale_proof');
  });

  it('takes from a grant in its last millisecond, and not in the one in which it ends', async () => {
    const { clock, under } = memory();
    const scene = await Scene.open(under);
    const target = targetOf();
    taken(await scene.issue(target, { maxUses: 9, endsInMs: 1_000 }));
    clock.advance(999);
    expect(taken(await scene.take(target)).remainingMs).toBe(1);
    clock.advance(1);
    expect(await scene.take(target)).toMatchObject({ kind: 'ask' });
    expect(await scene.issue(target, { endsInMs: 0 })).toMatchObject({ kind: 'ask' });
    expect(await scene.issue(target, { endsInMs: 1 })).toMatchObject({ kind: 'taken', remainingMs: 1 });
  });

  it('frees the holder in the millisecond in which the grant ends', async () => {
    const { clock, under } = memory();
    const scene = await Scene.open(under);
    const target = targetOf();
    const other = { ...target, binding: 'jkt:other' };
    taken(await scene.issue(target, { oneHolder: true, endsInMs: 1_000 }));
    clock.advance(999);
    expect(await scene.take(other)).toEqual({ kind: 'other_holder' });
    clock.advance(1);
    expect(await scene.take(other)).toMatchObject({ kind: 'ask' });
  });

  it('knows a quota window that began at since + skew, and none that began a millisecond earlier', async () => {
    const day = Date.UTC(2026, 0, 1);
    for (const [startsAt, kind] of [
      [day - SKEW, 'taken'],
      [day - SKEW + 1, 'quota_unknown'],
    ] as const) {
      const clock = new ManualClock(startsAt);
      const store = new MemoryStore({ clock, partitions: 4, epochId: word(), startCounts: true, skewMs: SKEW });
      clock.advance(3_600_000);
      const scene = await Scene.open({
        store,
        nowMs: async () => clock.now(),
        advance: async () => {},
        lose: async () => {},
        close: async () => {},
      });
      expect(await scene.issue(targetOf(), { quota: { uses: 1, periodSeconds: 86_400 } })).toMatchObject({ kind });
    }
  });

  it('gives back until a minute after the take, and not in that millisecond', async () => {
    const { clock, under } = memory();
    const scene = await Scene.open(under);
    const target = targetOf();
    const use = taken(await scene.issue(target, { maxUses: 3, endsInMs: 300_000 }));
    taken(await scene.take(target));
    clock.advance(59_999);
    expect(await scene.giveBack(target, use)).toBe('given_back');
    clock.advance(1);
    expect(await scene.giveBack(target, use)).toBe('nothing');
  });
});

describe('the start of the memory store', () => {
  it('stands in its epoch when it counts, and is 0 in dev and test', async () => {
    const counted = memory(true);
    expect(counted.under.store.epochOf(0).since).toBe(counted.clock.now());
    expect(memory(false).under.store.epochOf(0).since).toBe(0);
  });
});

describe('the memory of the memory store', () => {
  it('does not grow once what it holds has ended', async () => {
    const { clock, under } = memory();
    const scenes = await Promise.all(Array.from({ length: 8 }, (_, partition) => Scene.open(under, partition)));
    const round = async (): Promise<void> => {
      for (let at = 0; at < 2_000; at += 1) {
        const scene = scenes[at % scenes.length]!;
        const target = targetOf();
        const token = { key: word(), max: 1, untilMs: clock.now() + 60_000 };
        const quota = { uses: 5, periodSeconds: 60 };
        const use = taken(await scene.issue(target, { oneHolder: true, token, quota, endsInMs: 30_000 }));
        under.store.spend(await scene.proof(), scene.place);
        await scene.giveBack(target, use);
      }
      clock.advance(120_000);
    };
    await round();
    const first = under.store.size;
    expect(first).toBe(2_000 * 6);
    for (let again = 0; again < 4; again += 1) {
      await round();
      expect(under.store.size).toBeLessThanOrEqual(first * 1.5);
    }
  });

  it('I41: forgets the bucket of a caller once it is full again', async () => {
    const { clock, under } = memory();
    const scene = await Scene.open(under);
    const rate = { perMs: 1_000, burst: 5 };
    for (let at = 0; at < 500; at += 1) {
      under.store.take({ place: scene.place, subject: { key: word(), rate }, targets: [targetOf()] });
    }
    expect(under.store.size).toBe(500);
    clock.advance(1_000);
    for (let at = 0; at < 260; at += 1) await scene.take(targetOf());
    expect(under.store.size).toBe(0);
  });

  it('empties by calls that write nothing', async () => {
    const { clock, under } = memory();
    const scene = await Scene.open(under);
    for (let at = 0; at < 500; at += 1) taken(await scene.issue(targetOf(), { endsInMs: 1_000 }));
    expect(under.store.size).toBe(500);
    clock.advance(1_000);
    const elsewhere = await Scene.open(under, 9);
    for (let at = 0; at < 260; at += 1) await elsewhere.take(targetOf());
    expect(under.store.size).toBe(0);
  });
});
