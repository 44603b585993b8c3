import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { ExpiringTable } from '#libs/memory/expiring-table.js';

describe('ExpiringTable', () => {
  it('answers as a map would from which each entry is dropped in the millisecond in which it ends', () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      value: fc.nat(99),
      life: fc.nat(20),
      wait: fc.nat(6),
      write: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const table = new ExpiringTable<number>();
        const model = new Map<string, { value: number; until: number }>();
        let now = 0;
        for (const { key, value, life, wait, write } of steps) {
          now += wait;
          if (write) {
            table.set(key, value, now + life, now);
            model.set(key, { value, until: now + life });
          } else {
            table.sweep(now);
          }
          for (const name of ['a', 'b', 'c', 'd', 'e']) {
            const held = model.get(name);
            const live = held !== undefined && now < held.until ? held : undefined;
            expect(table.get(name, now)).toBe(live?.value);
            expect(table.untilOf(name, now)).toBe(live?.until);
          }
        }
      }),
    );
  });

  it('holds no more than about twice what is live while it is written to', () => {
    const table = new ExpiringTable<number>();
    for (let now = 0; now < 20_000; now += 1) {
      table.set(`key ${now}`, now, now + 100, now);
      expect(table.size).toBeLessThanOrEqual(220);
    }
  });

  it('drops all that has ended by being swept alone', () => {
    const table = new ExpiringTable<number>();
    for (let at = 0; at < 100; at += 1) table.set(`key ${at}`, at, at % 2 === 0 ? 10 : 1_000, 0);
    for (let turn = 0; turn < 110; turn += 1) table.sweep(10);
    expect(table.size).toBe(50);
    for (let turn = 0; turn < 110; turn += 1) table.sweep(1_000);
    expect(table.size).toBe(0);
  });
});
