import { describe, expect, it } from '@jest/globals';

import { isJsonObject } from '#libs/kernel/json.js';

describe('a JSON object', () => {
  it.each([[{}], [{ a: 1 }], [Object.create(null)]])('is %p', (value) => {
    expect(isJsonObject(value)).toBe(true);
  });

  it.each([[null], [undefined], [[]], [[{}]], ['{}'], [1], [true], [() => ({})]])('is not %p', (value) => {
    expect(isJsonObject(value)).toBe(false);
  });
});
