import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { type Bucket, draw, fullAtMs, parseRate, type Rate, TOKEN } from '#libs/limits/rate.js';

const rates: fc.Arbitrary<Rate> = fc.record({
  perMs: fc.oneof(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 1, max: 5_000 })),
  burst: fc.oneof(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 20 })),
});
const pauses = fc.array(fc.oneof(fc.nat(5), fc.nat(2_000), fc.nat(1e12)), { minLength: 1, maxLength: 200 });

/** The same bucket in numbers without end: how many units there are, and whether a token was taken. */
function exactly(rate: Rate, waits: readonly number[]): boolean[] {
  const full = BigInt(rate.burst) * BigInt(TOKEN);
  let units = full;
  return waits.map((wait) => {
    const gained = units + BigInt(wait) * BigInt(rate.perMs);
    units = gained < full ? gained : full;
    if (units < BigInt(TOKEN)) return false;
    units -= BigInt(TOKEN);
    return true;
  });
}

/** What a bucket answers to requests with these pauses before them. */
function answers(rate: Rate, waits: readonly number[]): boolean[] {
  let bucket: Bucket | undefined;
  let nowMs = 0;
  return waits.map((wait) => {
    nowMs += wait;
    const drawn = draw(rate, bucket, nowMs);
    ({ bucket } = drawn);
    return drawn.kind === 'drawn';
  });
}

describe('a token bucket', () => {
  it('I41: counts as numbers without end would, whatever the rate and the pauses', () => {
    fc.assert(
      fc.property(rates, pauses, (rate, waits) => {
        expect(answers(rate, waits)).toEqual(exactly(rate, waits));
      }),
      { numRuns: 1_000 },
    );
  });

  it('I42: never lets more through than the burst and what the time has brought', () => {
    fc.assert(
      fc.property(rates, pauses, (rate, waits) => {
        const span = waits.slice(1).reduce((sum, wait) => sum + wait, 0);
        const most = BigInt(rate.burst) + (BigInt(span) * BigInt(rate.perMs)) / BigInt(TOKEN);
        expect(BigInt(answers(rate, waits).filter(Boolean).length) <= most).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('lets through whoever comes again when it said, and not a millisecond before', () => {
    fc.assert(
      fc.property(rates, fc.nat(1e6), fc.nat(1e13), (rate, level, nowMs) => {
        const bucket = { units: level % TOKEN, atMs: nowMs };
        const first = draw(rate, bucket, nowMs);
        if (first.kind !== 'limited') throw new Error('a token from less than one');
        expect(first.retryAfterMs).toBeGreaterThan(0);
        expect(draw(rate, first.bucket, nowMs + first.retryAfterMs).kind).toBe('drawn');
        expect(draw(rate, bucket, nowMs + first.retryAfterMs - 1).kind).toBe('limited');
      }),
      { numRuns: 1_000 },
    );
  });

  it('is full when nobody knows it, and lets a whole burst through at once', () => {
    const rate = { perMs: 1, burst: 3 };
    expect(answers(rate, [0, 0, 0, 0])).toEqual([true, true, true, false]);
  });

  it('is full again when it said, hence may be forgotten then', () => {
    fc.assert(
      fc.property(rates, fc.nat(1e6), fc.nat(1e9), (rate, level, atMs) => {
        const bucket = { units: Math.min(level * 1_000, rate.burst * TOKEN), atMs };
        const full = fullAtMs(rate, bucket);
        expect(draw(rate, bucket, full)).toEqual(draw(rate, undefined, full));
        if (full > atMs) expect(draw(rate, bucket, full - 1)).not.toEqual(draw(rate, undefined, full - 1));
      }),
      { numRuns: 1_000 },
    );
  });

  it('gains nothing from a clock that is set back, and goes on from there', () => {
    const rate = { perMs: 1_000, burst: 2 };
    const empty = { units: 0, atMs: 10_000 };
    const back = draw(rate, empty, 4_000);
    expect(back).toEqual({ kind: 'limited', bucket: { units: 0, atMs: 4_000 }, retryAfterMs: 1_000 });
    expect(draw(rate, back.bucket, 5_000).kind).toBe('drawn');
  });

  it('takes parts of a millisecond as not passed', () => {
    const rate = { perMs: TOKEN, burst: 1 };
    expect(draw(rate, { units: 0, atMs: 7 }, 7.9).kind).toBe('limited');
    expect(draw(rate, { units: 0, atMs: 7 }, 8.1).kind).toBe('drawn');
  });

  it('is judged by the rate that is given now, when that has changed', () => {
    const full = { units: 100 * TOKEN, atMs: 0 };
    expect(draw({ perMs: 1, burst: 1 }, full, 0)).toEqual({ kind: 'drawn', bucket: { units: 0, atMs: 0 } });
  });
});

describe('a rate in a configuration', () => {
  it.each([
    ['1/1', { perMs: 1_000, burst: 1 }],
    ['50/100', { perMs: 50_000, burst: 100 }],
    ['0.5/5', { perMs: 500, burst: 5 }],
    ['0.001/1', { perMs: 1, burst: 1 }],
    ['2.25/3', { perMs: 2_250, burst: 3 }],
    ['1000000/1000000', { perMs: 1e9, burst: 1e6 }],
  ])('%s is read', (text, rate) => {
    expect(parseRate(text)).toEqual(rate);
  });

  it.each([
    '', '/', '1', '1/', '/1', '0/1', '0.000/1', '1/0', '-1/1', '1/-1', '+1/1', '01/1', '1/01', '1/1.5', '1./1', '.5/1', '0.0001/1', '1e3/1', '1/1e3',
    '1000001/1', '1000000.001/1', '1/1000001', '9999999/1', ' 1/1', '1/1 ', '1 / 1', '1/1/1', '1,5/1', '١/١', 'Infinity/1', 'NaN/1', '1/1\n', '0x1/1', '10/s', '100/1m',
  ])('%j is none', (text) => {
    expect(parseRate(text)).toBeUndefined();
  }); // prettier-ignore
});
