import { runInNewContext } from 'node:vm';

import { describe, expect, it } from '@jest/globals';

import { Deadline } from '#libs/kernel/deadline.js';
import { Refusal } from '#libs/kernel/refusal.js';

import { ManualClock } from '../support/clock.js';

const never = async (): Promise<never> => new Promise<never>(() => undefined);

describe('the deadline of a request', () => {
  it('has less left as time passes, and never less than nothing', () => {
    const clock = new ManualClock();
    const deadline = Deadline.start(clock, 100);
    expect(deadline.left()).toBe(100);
    clock.advance(40);
    expect(deadline.left()).toBe(60);
    clock.advance(500);
    expect(deadline.left()).toBe(0);
  });

  it('does not hear of a step of the wall clock', () => {
    const clock = new ManualClock();
    const deadline = Deadline.start(clock, 100);
    clock.stepWall(3_600_000);
    expect(deadline.left()).toBe(100);
  });

  it('gives a fresh one that starts when it is asked for', () => {
    const clock = new ManualClock();
    const deadline = Deadline.start(clock, 100);
    clock.advance(1_000);
    expect([deadline.left(), deadline.fresh(20).left()]).toEqual([0, 20]);
  });

  it('passes on what a port answers in time, and leaves no timer behind', async () => {
    const clock = new ManualClock();
    const answer = await Deadline.start(clock, 100).call('store', 10, async (signal) => `aborted: ${signal.aborted}`);
    expect(answer).toBe('aborted: false');
    expect(clock.armed).toBe(0);
  });

  it('refuses a port that takes more than its share, and tells it to stop', async () => {
    const clock = new ManualClock();
    let told: AbortSignal | undefined;
    const call = refusedBy(
      Deadline.start(clock, 100).call('pdp', 10, async (signal) => {
        told = signal;
        return await never();
      }),
    );
    clock.advance(9);
    expect(told?.aborted).toBe(false);
    clock.advance(1);
    const refusal = await call;
    expect([refusal.code, refusal.check, refusal.hints.retryAfterSeconds]).toEqual(['UNAVAILABLE', 'pdp late', 1]);
    expect(told?.aborted).toBe(true);
  });

  it('gives a promise of another realm its share and no more', async () => {
    const clock = new ManualClock();
    const foreign = runInNewContext('new Promise(() => {})') as Promise<never>;
    const call = refusedBy(Deadline.start(clock, 100).wait('store', 10, () => foreign));
    clock.advance(10);
    expect((await call).check).toBe('store late');
  });

  it('passes on what a port answers at once, without a timer, and takes what it throws at once for a failure', async () => {
    const clock = new ManualClock();
    const deadline = Deadline.start(clock, 100);
    const answer = deadline.wait('store', 10, () => ({ kind: 'fresh' }));
    expect(clock.armed).toBe(0);
    expect(await answer).toEqual({ kind: 'fresh' });
    const thrown = refusedBy(
      deadline.wait('store', 10, () => {
        throw new RangeError('no such partition');
      }),
    );
    expect((await thrown).check).toBe('store failed');
  });

  it('waits no longer for a port that cannot be told to stop', async () => {
    const clock = new ManualClock();
    const deadline = Deadline.start(clock, 100);
    expect(await deadline.wait('store', 10, async () => 'in time')).toBe('in time');
    const late = refusedBy(deadline.wait('store', 10, never));
    clock.advance(10);
    expect((await late).check).toBe('store late');
    const broken = await refusedBy(deadline.wait('store', 10, () => Promise.reject(new Error('of its own'))));
    expect([broken.code, broken.check]).toEqual(['UNAVAILABLE', 'store failed']);
    expect(clock.armed).toBe(0);
  });

  it('gives no port more than what is left', async () => {
    const clock = new ManualClock();
    const deadline = Deadline.start(clock, 100);
    clock.advance(95);
    const call = refusedBy(deadline.call('provider', 50, never));
    clock.advance(5);
    expect((await call).check).toBe('provider late');
  });

  it('does not even start a port when nothing is left', async () => {
    const clock = new ManualClock();
    const deadline = Deadline.start(clock, 100);
    clock.advance(100);
    let started = false;
    const call = refusedBy(
      deadline.call('store', 50, async () => {
        started = true;
      }),
    );
    clock.advance(0);
    expect([(await call).check, started]).toEqual(['store late', false]);
  });

  it('does not hear what a port says too late, an answer or a failure', async () => {
    const clock = new ManualClock();
    let answer: (value: string) => void = () => undefined;
    let fail: (error: Error) => void = () => undefined;
    const deadline = Deadline.start(clock, 100);
    const one = refusedBy(deadline.call('store', 10, async () => new Promise<string>((resolve) => (answer = resolve))));
    const two = refusedBy(deadline.call('audit', 10, async () => new Promise<string>((_, reject) => (fail = reject))));
    await Promise.resolve();
    clock.advance(10);
    answer('late');
    fail(new Error('late'));
    expect([(await one).check, (await two).check]).toEqual(['store late', 'audit late']);
  });

  it('passes on a refusal of a port as it is', async () => {
    const clock = new ManualClock();
    const mine = new Refusal('BAD_PROVIDER_ANSWER', { check: 'mine' });
    const call = Deadline.start(clock, 100).call('provider', 10, async () => Promise.reject(mine));
    expect(await refusedBy(call)).toBe(mine);
    expect(clock.armed).toBe(0);
  });

  it.each<[string, () => Promise<never>]>([
    ['rejects', async () => Promise.reject(new Error('ECONNREFUSED 10.0.0.1'))],
    [
      'throws before its first await',
      () => {
        throw new Error('ECONNREFUSED 10.0.0.1');
      },
    ],
    ['rejects with what is no error', async () => Promise.reject('ECONNREFUSED')],
  ])('refuses for a port that %s, and keeps the reason out of what is told', async (_what, work) => {
    const clock = new ManualClock();
    const refusal = await refusedBy(Deadline.start(clock, 100).call('store', 10, work));
    expect([refusal.code, refusal.check, refusal.detail]).toEqual(['UNAVAILABLE', 'store failed', undefined]);
    expect(String(refusal.cause)).toContain('ECONNREFUSED');
    expect(clock.armed).toBe(0);
  });
});

async function refusedBy(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('was not refused');
}
