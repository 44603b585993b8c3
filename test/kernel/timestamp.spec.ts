import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { timestamp } from '#libs/kernel/timestamp.js';

describe('a timestamp', () => {
  it('is what Date writes, in whatever order times come', () => {
    const times = fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 });
    const near = fc.integer({ min: 1_790_000_000_000, max: 1_790_000_003_000 });
    fc.assert(
      fc.property(fc.array(fc.oneof(times, near)), (all) => {
        expect(all.map(timestamp)).toEqual(all.map((ms) => new Date(ms).toISOString()));
      }),
    );
  });

  it('refuses a time that no calendar has, and goes on', () => {
    expect(() => timestamp(9e15)).toThrow(RangeError);
    expect(timestamp(0)).toBe('1970-01-01T00:00:00.000Z');
  });
});
