import { describe, expect, it } from '@jest/globals';

import type { AuditSink } from '#libs/audit/audit-sink.js';

/** One sink under test, over a place of its own. */
export interface SinkUnderTest {
  readonly sink: AuditSink;
  /** Every line that is durable now, in the order of the trail. */
  readonly durable: () => Promise<readonly string[]>;
  /** Lets whatever the sink stands on fail, until `repair`. */
  readonly breakDown: () => Promise<void>;
  readonly repair: () => Promise<void>;
}

const line = (n: number): string => `{"n":${n},"pad":"${'x'.repeat(n % 50)}"}`;
const lines = (from: number, count: number): string[] => Array.from({ length: count }, (_, at) => line(from + at));

/** What every audit sink must do, one title per MUST of the port. */
export function auditSinkContract(name: string, open: () => Promise<SinkUnderTest>): void {
  describe(`${name}, as an audit sink`, () => {
    it('has every line on durable ground when it resolves', async () => {
      const { sink, durable } = await open();
      await sink.append(lines(0, 3));
      expect(await durable()).toEqual(lines(0, 3));
      await sink.append(lines(3, 1));
      expect(await durable()).toEqual(lines(0, 4));
      await sink.close();
    });

    it('rejects what it could not make durable', async () => {
      const { sink, breakDown } = await open();
      await sink.append(lines(0, 1));
      await breakDown();
      await expect(sink.append(lines(1, 1))).rejects.toThrow();
      await sink.close();
    });

    it('keeps the order of calls that were not waited for', async () => {
      const { sink, durable } = await open();
      await Promise.all(Array.from({ length: 500 }, async (_, at) => await sink.append([line(at)])));
      expect(await durable()).toEqual(lines(0, 500));
      await sink.close();
    });

    it('neither tears nor merges lines of any length, nor those beyond ASCII', async () => {
      const { sink, durable } = await open();
      const odd = ['{}', `{"long":"${'é'.repeat(200_000)}"}`, '{"s":"\u{1F512}\\n"}', '{"a":1}'];
      await sink.append(odd.slice(0, 2));
      await sink.append(odd.slice(2));
      expect(await durable()).toEqual(odd);
      await sink.close();
    });

    it('loses no accepted line when a later one is rejected', async () => {
      const { sink, durable, breakDown } = await open();
      await sink.append(lines(0, 20));
      await breakDown();
      await expect(sink.append(lines(20, 20))).rejects.toThrow();
      expect((await durable()).slice(0, 20)).toEqual(lines(0, 20));
      await sink.close();
    });

    it('accepts the rejected lines later, in order, once it works again', async () => {
      const { sink, durable, breakDown, repair } = await open();
      await sink.append(lines(0, 2));
      await breakDown();
      await expect(sink.append(lines(2, 2))).rejects.toThrow();
      await expect(sink.append(lines(2, 2))).rejects.toThrow();
      await repair();
      await sink.append(lines(2, 3));
      expect(folded(await durable())).toEqual(lines(0, 5));
      await sink.close();
    });

    it('rejects, with the lines that failed, all that were given after them', async () => {
      const { sink, durable, breakDown, repair } = await open();
      await sink.append(lines(0, 1));
      await breakDown();
      const outcomes = await Promise.allSettled([
        sink.append(lines(1, 1)),
        sink.append(lines(2, 1)),
        sink.append(lines(3, 1)),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
      await repair();
      await sink.append(lines(1, 3));
      expect(folded(await durable())).toEqual(lines(0, 4));
      await sink.close();
    });

    it('has made durable, when close resolves, what was given before it', async () => {
      const { sink, durable } = await open();
      const given = [sink.append(lines(0, 10)), sink.append(lines(10, 10))];
      await sink.close();
      await Promise.all(given);
      expect(await durable()).toEqual(lines(0, 20));
    });

    it('rejects after close', async () => {
      const { sink } = await open();
      await sink.close();
      await expect(sink.append(lines(0, 1))).rejects.toThrow();
    });
  });
}

/** A rejected line may have arrived all the same: at least once is allowed, readers fold. */
function folded(all: readonly string[]): readonly string[] {
  return [...new Set(all)];
}
