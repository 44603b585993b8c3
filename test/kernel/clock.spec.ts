import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../support/clock.js';

describe('the clock that tests drive', () => {
  it('fires timers in the order in which they are due, each at its own time', () => {
    const clock = new ManualClock(0);
    const start = clock.monotonic();
    const seen: [string, number][] = [];
    clock.after(20, () => seen.push(['late', clock.monotonic() - start]));
    clock.after(10, () => seen.push(['early', clock.monotonic() - start]));
    clock.after(31, () => seen.push(['never', 0]));
    clock.advance(30);
    expect(seen).toEqual([
      ['early', 10],
      ['late', 20],
    ]);
    expect(clock.now()).toBe(30);
    expect(clock.armed).toBe(1);
  });

  it('fires a timer that was set by a timer when both are due', () => {
    const clock = new ManualClock();
    const seen: string[] = [];
    clock.after(10, () => clock.after(5, () => seen.push('inner')));
    clock.advance(15);
    expect(seen).toEqual(['inner']);
  });

  it('does not fire what was cancelled', () => {
    const clock = new ManualClock();
    const seen: string[] = [];
    const cancel = clock.after(1, () => seen.push('fired'));
    cancel();
    clock.advance(10);
    expect(seen).toEqual([]);
    expect(clock.armed).toBe(0);
  });

  it('steps the wall clock without moving timers', () => {
    const clock = new ManualClock(1_000);
    const before = clock.monotonic();
    clock.after(1, () => expect('a timer').toBe('silent'));
    clock.stepWall(-500);
    expect(clock.now()).toBe(500);
    expect(clock.monotonic()).toBe(before);
  });
});
