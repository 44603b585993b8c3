import { describe, expect, it } from '@jest/globals';

import { agree } from './desync.js';

describe('N16: two readers agree', () => {
  it.each([
    [
      ['outer', 'marker'],
      ['outer', 'marker'],
    ],
    [['outer'], ['outer', 'inner', 'marker']],
    [[], ['outer']],
    [
      ['-', 'marker'],
      ['outer', 'marker'],
    ],
    [['-'], ['-', '-']],
  ])('N16: when both saw the same as far as both went: %j, %j', (one, other) => {
    expect(agree(one, other)).toBe(true);
    expect(agree(other, one)).toBe(true);
  });

  it.each([
    [
      ['outer', 'marker'],
      ['outer', 'inner', 'marker'],
    ],
    [
      ['-', 'marker'],
      ['outer', 'inner'],
    ],
    [['inner'], ['outer']],
  ])('N16: and not when one saw two where the other saw one: %j, %j', (one, other) => {
    expect(agree(one, other)).toBe(false);
    expect(agree(other, one)).toBe(false);
  });
});
