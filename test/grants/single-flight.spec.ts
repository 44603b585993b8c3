import { describe, expect, it } from '@jest/globals';

import { Flights } from '#libs/grants/single-flight.js';

import { closedGate, settled } from './world.js';

describe('Flights', () => {
  it('shows a flight to others until it has landed, well or badly', async () => {
    for (const end of ['well', 'badly']) {
      const flights = new Flights();
      const { gate, open } = closedGate();
      const leading = flights.lead('key', async () => {
        await gate;
        if (end === 'badly') throw new Error('refused');
        return 'issued';
      });
      const seen = flights.under('key');
      expect(seen).toBeDefined();
      expect(flights.under('other')).toBeUndefined();
      let landed = false;
      void seen?.then(() => {
        landed = true;
      });
      await settled();
      expect(landed).toBe(false);
      open();
      await (end === 'well' ? expect(leading).resolves.toBe('issued') : expect(leading).rejects.toThrow('refused'));
      await expect(seen).resolves.toBeUndefined();
      expect(flights.under('key')).toBeUndefined();
      expect(flights.size).toBe(0);
    }
  });

  it('runs a second leader beside the first, and lands only with the first', async () => {
    const flights = new Flights();
    const { gate, open } = closedGate();
    const first = flights.lead('key', () => gate);
    expect(await flights.lead('key', async () => 'second')).toBe('second');
    expect(flights.under('key')).toBeDefined();
    open();
    await first;
    expect(flights.size).toBe(0);
  });

  it('is bounded: past ten thousand keys it no longer makes others wait', async () => {
    const flights = new Flights();
    const { gate, open } = closedGate();
    const leading = Array.from({ length: 10_500 }, (_, at) => flights.lead(`key ${at}`, () => gate));
    expect(flights.size).toBe(10_000);
    expect(flights.under('key 9999')).toBeDefined();
    expect(flights.under('key 10000')).toBeUndefined();
    open();
    await Promise.all(leading);
    expect(flights.size).toBe(0);
  });
});
