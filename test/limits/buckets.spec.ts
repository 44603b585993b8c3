import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { Buckets } from '#libs/limits/buckets.js';
import { limited } from '#libs/limits/limited.js';

import { ManualClock } from '../support/clock.js';

const ONE_A_SECOND = { perMs: 1_000, burst: 2 };

describe('the buckets of one limit', () => {
  it('I42: keep one caller apart from another', () => {
    const buckets = new Buckets(ONE_A_SECOND, new ManualClock());
    expect([buckets.take('a'), buckets.take('a'), buckets.take('a')]).toEqual([undefined, undefined, 1_000]);
    expect(buckets.take('b')).toBeUndefined();
  });

  it('let through again when they said', () => {
    const clock = new ManualClock();
    const buckets = new Buckets(ONE_A_SECOND, clock);
    buckets.take('a');
    buckets.take('a');
    clock.advance(400);
    expect(buckets.take('a')).toBe(600);
    clock.advance(599);
    expect(buckets.take('a')).toBe(1);
    clock.advance(1);
    expect(buckets.take('a')).toBeUndefined();
    expect(buckets.take('a')).toBe(1_000);
  });

  it('are not changed by a wall clock that is set', () => {
    const clock = new ManualClock();
    const buckets = new Buckets(ONE_A_SECOND, clock);
    buckets.take('a');
    buckets.take('a');
    clock.stepWall(3_600_000);
    expect(buckets.take('a')).toBe(1_000);
  });

  it('I41: are never more than so many, however many callers there are', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 400 }), (keys) => {
        const buckets = new Buckets(ONE_A_SECOND, new ManualClock(), 16);
        for (const key of keys) buckets.take(key);
        expect(buckets.size).toBe(Math.min(16, new Set(keys).size));
      }),
    );
  });

  it('I41: are at most 16,384 unless somebody says otherwise', () => {
    const buckets = new Buckets(ONE_A_SECOND, new ManualClock());
    for (let key = 0; key < 20_000; key += 1) buckets.take(`2001:db8:${key.toString(16)}::/64`);
    expect(buckets.size).toBe(16_384);
  });

  it('I41: forget the one that was asked for longest ago', () => {
    const buckets = new Buckets({ perMs: 1, burst: 1 }, new ManualClock(), 2);
    for (const key of ['a', 'b', 'a', 'c']) buckets.take(key);
    expect(buckets.take('a')).toBeGreaterThan(0);
    expect(buckets.take('b')).toBeUndefined();
  });
});

describe('a refusal for too many requests', () => {
  it.each([
    [1, 1],
    [999, 1],
    [1_000, 1],
    [1_001, 2],
    [3_600_000, 3_600],
  ])('after %i ms says %i whole seconds', (ms, seconds) => {
    const refusal = limited('rate address', ms);
    expect([refusal.code, refusal.check, refusal.hints]).toEqual([
      'RATE_LIMITED',
      'rate address',
      { retryAfterSeconds: seconds },
    ]);
    expect(refusal.detail).toBeUndefined();
  });
});
