import { describe, expect, it } from '@jest/globals';

import { Flood } from '#libs/audit/flood.js';

describe('the flood gate', () => {
  it('lets so many through in a second, and again in the next', () => {
    const flood = new Flood(2);
    expect([0, 0, 0, 500, 999].map((at) => flood.lets(at))).toEqual([true, true, false, false, false]);
    expect([1000, 1000, 1000].map((at) => flood.lets(at))).toEqual([true, true, false]);
  });

  it('begins a second with the first refusal, not with the clock', () => {
    const flood = new Flood(1);
    expect(flood.lets(700)).toBe(true);
    expect(flood.lets(1600)).toBe(false);
    expect(flood.left(1600)).toBe(100);
    expect(flood.lets(1700)).toBe(true);
  });

  it('counts by code since the first that was counted, and begins anew when taken', () => {
    const flood = new Flood(0);
    expect(flood.counting).toBe(false);
    flood.count('DENIED', 10);
    flood.count('DENIED', 20);
    flood.count('INVALID_TOKEN', 30);
    expect(flood.counting).toBe(true);
    expect(flood.take()).toEqual({
      counts: new Map([
        ['DENIED', 2],
        ['INVALID_TOKEN', 1],
      ]),
      since: 10,
    });
    expect(flood.counting).toBe(false);
    flood.count('DENIED', 40);
    expect(flood.take()).toEqual({ counts: new Map([['DENIED', 1]]), since: 40 });
  });

  it('never waits longer than a second, nor less than no time', () => {
    const flood = new Flood(1);
    expect(flood.left(5)).toBe(0);
    flood.lets(100);
    expect([flood.left(100), flood.left(2000)]).toEqual([1000, 0]);
  });
});
