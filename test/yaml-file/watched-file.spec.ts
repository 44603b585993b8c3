import { appendFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';

import { fingerprintOf, watchFile } from '#libs/yaml-file/watched-file.js';

import { VaultFile } from './vault-file.js';

describe('a watched file', () => {
  it('is not read while somebody writes it bit by bit, and is once it holds still', async () => {
    const file = new VaultFile('dev:\n');
    const told: (string | undefined)[] = [];
    let wake = (): void => {};
    const first = new Promise<void>((resolve) => (wake = resolve));
    const end = watchFile(file.path, await fingerprintOf(file.path), {
      everyMs: 40,
      changed: async (now) => {
        told.push(now);
        wake();
      },
    });
    try {
      for (let bit = 0; bit < 150; bit += 1) {
        appendFileSync(file.path, '#');
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      expect(told).toEqual([]);
      await first;
      expect(told).toEqual([await fingerprintOf(file.path)]);
    } finally {
      end();
      file.remove();
    }
  });

  it('has another fingerprint after a write of the same size, and none when it is gone', async () => {
    const file = new VaultFile('dev: {a: {b: c}}');
    const before = await fingerprintOf(file.path);
    await file.replace('dev: {a: {b: d}}');
    expect(await fingerprintOf(file.path)).not.toBe(before);
    file.remove();
    expect(await fingerprintOf(file.path)).toBeUndefined();
  });
});
