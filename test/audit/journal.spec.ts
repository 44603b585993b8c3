import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { SinkJournal, type JournalLimits } from '#libs/audit/journal.js';
import type { RecordFields } from '#libs/audit/record.js';
import { Refusal } from '#libs/kernel/refusal.js';

import { ManualClock } from '../support/clock.js';
import { MemorySink, settled } from './memory-sink.js';
import { fileOf, verified, W1 } from './trails.js';

const DENIED: RecordFields = { type: 'refusal', code: 'DENIED', effect: 'deny' };

async function opened(limits: Partial<JournalLimits> = {}) {
  const [sink, clock] = [new MemorySink(), new ManualClock()];
  const journal = await SinkJournal.open({
    sink,
    clock,
    w: W1,
    committedBy: 'file',
    opening: { instance: 'a' },
    limits,
  });
  return { sink, clock, journal };
}

const refusal = async (promise: Promise<unknown>): Promise<Refusal> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Refusal)) throw new Error('no refusal', { cause: error });
  return error;
};

describe('a journal', () => {
  it('opens its chain before anything else, and closes it last', async () => {
    const { sink, clock, journal } = await opened();
    await journal.append(DENIED);
    await journal.close();
    expect(sink.records).toMatchObject([
      {
        v: 1,
        type: 'open',
        seq: 0,
        w: W1,
        prev: 'A'.repeat(43),
        signing: 'none',
        instance: 'a',
        ts: '2026-01-01T00:00:00.000Z',
      },
      { type: 'refusal', seq: 1, code: 'DENIED' },
      { type: 'close', seq: 2 },
    ]);
    expect(sink.closed).toBe(true);
    expect(await verified([fileOf('f', sink.lines)])).toMatchObject({ intact: true, writers: [{ tail: 'closed' }] });
    expect(clock.armed).toBe(0);
  });

  it('says in every record, counts and the last one included, which switches of the process are off', async () => {
    const [sink, clock] = [new MemorySink(), new ManualClock()];
    const standing = { switches_off: ['ENABLE_AUTHORIZATION'] };
    const limits = { refusalsPerSecond: 0 };
    const journal = await SinkJournal.open({ sink, clock, w: W1, committedBy: 'file', standing, limits });
    await journal.append({ ...DENIED, switches_off: [] });
    expect(journal.admits('INVALID_TOKEN')).toBe(false);
    await journal.close();
    expect(sink.records.map(({ type }) => type)).toEqual(['open', 'refusal', 'suppressed', 'close']);
    for (const { switches_off } of sink.records) expect(switches_off).toEqual(['ENABLE_AUTHORIZATION']);
    expect(await verified([fileOf('f', sink.lines)])).toMatchObject({ intact: true });
  });

  it('does not open without a sink that works, and then tries nothing any more', async () => {
    const [sink, clock] = [new MemorySink(), new ManualClock()];
    sink.mode = 'reject';
    const error = await refusal(SinkJournal.open({ sink, clock, w: W1, committedBy: 'file' }));
    expect([error.code, error.check]).toEqual(['UNAVAILABLE', 'audit sink']);
    clock.advance(60_000);
    await settled();
    expect(sink.calls).toEqual([1]);
  });

  it('resolves with the head that the next record names', async () => {
    const { sink, journal } = await opened();
    const head = await journal.append(DENIED);
    await journal.append(DENIED);
    expect(head).toEqual({ w: W1, seq: 1, hash: sink.records[2]!['prev'] });
  });

  it('resolves only when the sink has accepted', async () => {
    const { sink, journal } = await opened();
    sink.mode = 'hang';
    let done = false;
    const append = journal.append(DENIED).then(() => (done = true));
    await settled();
    expect(done).toBe(false);
    sink.release();
    await append;
    expect(sink.records).toHaveLength(2);
  });

  it('gives all that waits to the sink at once, one call at a time, in the order of the chain', async () => {
    const { sink, journal } = await opened();
    sink.mode = 'hang';
    const appends = Array.from({ length: 1500 }, async () => await journal.append(DENIED));
    await settled();
    sink.release();
    await Promise.all(appends);
    expect(sink.calls).toEqual([1, 1000, 500]);
    expect(sink.records.map(({ seq }) => seq)).toEqual(Array.from({ length: 1501 }, (_, seq) => seq));
    expect((await verified([fileOf('f', sink.lines)])).intact).toBe(true);
  });

  it('refuses to write after close, and closes once', async () => {
    const { sink, clock, journal } = await opened();
    await journal.close();
    await journal.close();
    expect(journal.accepting).toBe(false);
    expect((await refusal(journal.append(DENIED))).check).toBe('audit closed');
    expect(sink.records).toHaveLength(2);
    expect(clock.armed).toBe(0);
  });
});

describe('a journal whose sink rejects', () => {
  it('tells callers at once, keeps their records, and sends them first when the sink is back', async () => {
    const { sink, clock, journal } = await opened();
    sink.mode = 'reject';
    const first = await refusal(journal.append({ ...DENIED, check: 'one' }));
    expect([first.code, first.check, first.hints.retryAfterSeconds]).toEqual(['UNAVAILABLE', 'audit sink', 1]);
    expect(journal.accepting).toBe(false);
    expect((await refusal(journal.append({ ...DENIED, check: 'two' }))).code).toBe('UNAVAILABLE');
    sink.mode = 'accept';
    expect((await refusal(journal.append({ ...DENIED, check: 'three' }))).code).toBe('UNAVAILABLE');
    clock.advance(250);
    await settled();
    expect(journal.accepting).toBe(true);
    await journal.append({ ...DENIED, check: 'four' });
    expect(sink.records.map(({ check }) => check)).toEqual([undefined, 'one', 'two', 'three', 'four']);
    expect((await verified([fileOf('f', sink.lines)])).intact).toBe(true);
  });

  it('tries again and again, at its interval and not more often', async () => {
    const { sink, clock, journal } = await opened({ retryMs: 100 });
    sink.mode = 'reject';
    await refusal(journal.append(DENIED));
    for (let n = 0; n < 50; n += 1) void journal.append(DENIED).catch(() => undefined);
    for (let n = 0; n < 10; n += 1) {
      clock.advance(100);
      await settled();
    }
    expect(sink.calls).toHaveLength(2 + 10);
  });

  it('tells everyone who waits behind a rejected record', async () => {
    const { sink, journal } = await opened();
    sink.mode = 'reject';
    const outcomes = await Promise.allSettled([journal.append(DENIED), journal.append(DENIED), journal.append(DENIED)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  });

  it('chains nothing that it could not keep, counts it, and says so in one record afterwards', async () => {
    const { sink, clock, journal } = await opened({ records: 8 });
    sink.mode = 'reject';
    for (let n = 0; n < 6; n += 1) expect((await refusal(journal.append(DENIED))).check).toBe('audit sink');
    for (let n = 0; n < 3; n += 1) expect((await refusal(journal.append(DENIED))).check).toBe('audit full');
    expect((await refusal(journal.append({ type: 'intent' }))).check).toBe('audit full');
    sink.mode = 'accept';
    clock.advance(2_000);
    // one turn for what was kept, one for the count that came after it
    await settled();
    await settled();
    expect(sink.records.slice(1)).toMatchObject([
      ...Array.from({ length: 6 }, () => ({ type: 'refusal' })),
      { type: 'suppressed', check: 'audit full', counts: { DENIED: 3, intent: 1 }, since: '2026-01-01T00:00:00.000Z' },
    ]);
    expect((await verified([fileOf('f', sink.lines)])).intact).toBe(true);
  });

  it('bounds what it keeps in bytes too', async () => {
    const { sink, journal } = await opened({ bytes: 1000 });
    sink.mode = 'reject';
    const checks = [];
    for (let n = 0; n < 8; n += 1) checks.push((await refusal(journal.append(DENIED))).check);
    expect(checks.indexOf('audit full')).toBeGreaterThan(1);
    expect(checks.at(-1)).toBe('audit full');
  });

  it('keeps room for the results of intents that stand in the chain', async () => {
    const { sink, journal } = await opened({ records: 8 });
    sink.mode = 'reject';
    for (let n = 0; n < 7; n += 1) await refusal(journal.append(DENIED));
    expect((await refusal(journal.append({ type: 'result' }))).check).toBe('audit sink');
    expect((await refusal(journal.append({ type: 'result' }))).check).toBe('audit sink');
    expect((await refusal(journal.append({ type: 'result' }))).check).toBe('audit full');
  });

  it('counts a sink that does not answer as broken until it does', async () => {
    const { sink, clock, journal } = await opened({ stallMs: 1000 });
    sink.mode = 'hang';
    const waiting = refusal(journal.append(DENIED));
    await settled();
    clock.advance(1000);
    expect((await waiting).check).toBe('audit sink');
    expect(journal.accepting).toBe(false);
    expect((await refusal(journal.append(DENIED))).check).toBe('audit sink');
    expect(sink.calls).toEqual([1, 1]);
    sink.release();
    // one turn for the call that hung, one for what waited behind it
    await settled();
    await settled();
    expect(journal.accepting).toBe(true);
    expect(sink.records.map(({ seq }) => seq)).toEqual([0, 1, 2]);
  });

  it('gives up closing after a while, and says so', async () => {
    const { sink, clock, journal } = await opened({ closeMs: 3000 });
    sink.mode = 'reject';
    const closing = refusal(journal.close());
    await settled();
    clock.advance(3000);
    expect((await closing).code).toBe('UNAVAILABLE');
    expect(sink.closed).toBe(true);
    expect(clock.armed).toBe(0);
  });

  it('closes with all that was kept when the sink comes back in time', async () => {
    const { sink, clock, journal } = await opened();
    sink.mode = 'reject';
    await refusal(journal.append(DENIED));
    const closing = journal.close();
    sink.mode = 'accept';
    clock.advance(250);
    await closing;
    expect(sink.records.map(({ type }) => type)).toEqual(['open', 'refusal', 'close']);
  });

  it('never leaves a gap or changes the order, whatever the sink does and when', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.constant('append' as const) },
      fc.constantFrom(
        'accept' as const,
        'reject' as const,
        'hang' as const,
        'release' as const,
        'wait' as const,
        'result' as const,
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { sink, clock, journal } = await opened({ records: 10, retryMs: 50, stallMs: 200 });
        const accepted: string[] = [];
        for (const each of steps) {
          if (each === 'append' || each === 'result') {
            const fields: RecordFields = each === 'append' ? DENIED : { type: 'policy', event: 'loaded' };
            void journal.append(fields).then(
              ({ hash }) => accepted.push(hash),
              () => undefined,
            );
          } else if (each === 'wait') clock.advance(100);
          else if (each === 'release') sink.release();
          else sink.mode = each;
          await settled();
        }
        sink.release();
        const closing = journal.close();
        for (let n = 0; n < 10; n += 1) {
          clock.advance(100);
          await settled();
        }
        await closing;
        const report = await verified([fileOf('f', sink.lines)]);
        expect(report).toMatchObject({ intact: true, repeated: 0, writers: [{ tail: 'closed' }] });
        const hashes = new Set(sink.records.map(({ prev }) => prev));
        expect(accepted.every((hash) => hashes.has(hash))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a journal under a flood of refusals of nobody known', () => {
  it('admits fifty a second, and counts the rest by code in one record a second', async () => {
    const { sink, clock, journal } = await opened();
    const admitted = Array.from({ length: 80 }, () => journal.admits('INVALID_TOKEN')).filter(Boolean);
    journal.admits('CREDENTIALS_REQUIRED');
    expect(admitted).toHaveLength(50);
    expect(sink.records).toHaveLength(1);
    clock.advance(999);
    await settled();
    expect(sink.records).toHaveLength(1);
    clock.advance(1);
    await settled();
    expect(sink.records[1]).toMatchObject({
      type: 'suppressed',
      check: 'flood',
      counts: { INVALID_TOKEN: 30, CREDENTIALS_REQUIRED: 1 },
      since: '2026-01-01T00:00:00.000Z',
    });
    expect(journal.admits('INVALID_TOKEN')).toBe(true);
    clock.advance(5000);
    await settled();
    expect(sink.records).toHaveLength(2);
  });

  it('counts on while the sink is down and full, and tells it all later', async () => {
    const { sink, clock, journal } = await opened({ records: 1, refusalsPerSecond: 0 });
    sink.mode = 'reject';
    await refusal(journal.append({ type: 'result' }));
    for (let second = 0; second < 3; second += 1) {
      journal.admits('INVALID_TOKEN');
      clock.advance(1000);
      await settled();
    }
    sink.mode = 'accept';
    clock.advance(1000);
    await settled();
    clock.advance(1000);
    await settled();
    expect(sink.records.slice(2)).toMatchObject([{ type: 'suppressed', counts: { INVALID_TOKEN: 3 } }]);
  });

  it('tells at close what it only counted', async () => {
    const { sink, journal } = await opened({ refusalsPerSecond: 0 });
    journal.admits('INVALID_TOKEN');
    await journal.close();
    expect(sink.records.map(({ type }) => type)).toEqual(['open', 'suppressed', 'close']);
  });
});
