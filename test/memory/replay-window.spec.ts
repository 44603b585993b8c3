import { createHash } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { ReplayWindow } from '#libs/memory/replay-window.js';

const NOW = 1_790_000_000;
const keyOf = (name: string): string => createHash('sha256').update(name).digest('base64url');

describe('the window of spent proofs', () => {
  it('says the same as a plain list of what was spent, however calls and times fall', () => {
    const call = fc.record({
      name: fc.integer({ min: 0, max: 12 }),
      iatFromNow: fc.integer({ min: -75, max: 20 }),
      scope: fc.integer({ min: 0, max: 1 }),
      passes: fc.integer({ min: 0, max: 30_000 }),
      sweeps: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 80 }), (calls) => {
        const window = new ReplayWindow();
        const list: { readonly what: string; readonly iat: number }[] = [];
        let nowMs = NOW * 1000;
        for (const { name, iatFromNow, scope, passes, sweeps } of calls) {
          nowMs += passes;
          if (sweeps) window.sweep(nowMs);
          const iat = Math.floor(nowMs / 1000) + iatFromNow;
          const what = `${scope}.${name}`;
          const stale = nowMs < (iat - 10) * 1000 || nowMs > (iat + 60) * 1000;
          const held = list.some((spent) => spent.what === what && nowMs <= (spent.iat + 60) * 1000);
          const wanted = stale ? 'stale_proof' : held ? 'replayed' : 'fresh';
          expect(window.spend({ key: keyOf(`${name}`), iat }, scope, nowMs)).toBe(wanted);
          if (wanted === 'fresh') list.push({ what, iat });
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('tells 50,000 proofs of one second apart, and knows each again', () => {
    const window = new ReplayWindow();
    const spend = (at: number): string => window.spend({ key: keyOf(`proof ${at}`), iat: NOW }, 3, NOW * 1000);
    const all = Array.from({ length: 50_000 }, (_, at) => at);
    expect(new Set(all.map(spend))).toEqual(new Set(['fresh']));
    expect(new Set(all.map(spend))).toEqual(new Set(['replayed']));
    expect(window.size).toBe(50_000);
  });

  it('looks at 96 bits: keys that differ in one of them are two proofs', () => {
    const window = new ReplayWindow();
    const key = Buffer.from(keyOf('one'), 'base64url');
    expect(window.spend({ key: key.toString('base64url'), iat: NOW }, 0, NOW * 1000)).toBe('fresh');
    for (let bit = 0; bit < 96; bit += 1) {
      const other = Buffer.from(key);
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(window.spend({ key: other.toString('base64url'), iat: NOW }, 0, NOW * 1000)).toBe('fresh');
    }
  });

  it('forgets what has ended, and holds what has not', () => {
    const window = new ReplayWindow();
    for (let second = 0; second < 120; second += 1) {
      window.spend({ key: keyOf(`at ${second}`), iat: NOW + second }, 0, (NOW + second) * 1000);
    }
    window.sweep((NOW + 119) * 1000);
    expect(window.size).toBeGreaterThanOrEqual(61);
    expect(window.size).toBeLessThan(61 + 8);
    window.sweep((NOW + 300) * 1000);
    expect(window.size).toBe(0);
  });

  it('refuses a key that is no digest, and spends nothing', () => {
    const window = new ReplayWindow();
    expect(() => window.spend({ key: 'short', iat: NOW }, 0, NOW * 1000)).toThrow(RangeError);
    expect(window.size).toBe(0);
  });
});
