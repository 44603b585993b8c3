import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { Writer } from '#libs/audit/chain.js';

import { fileOf, Scribe, verified, W1, W2, W3, type TrailFile } from './trails.js';

/** open, three reads (seq 1 to 6), two refusals (7, 8), close (9). */
function scribe(): Scribe {
  return new Scribe(W1).open().read('g1', 1).read('g1', 2).read('g2', 1).refuse().refuse().close();
}

/** The lines with something done to them, as the only file. */
async function after(change: (lines: string[]) => string[]): ReturnType<typeof verified> {
  return await verified([fileOf('f', change(scribe().lines))]);
}

const rewritten = (line: string, members: object): string => JSON.stringify({ ...JSON.parse(line), ...members });

describe('I34: verify, of an intact trail', () => {
  it('says so, and how far each writer is proven', async () => {
    const report = await verified([scribe().file(), new Scribe(W2).open().refuse().file()]);
    expect(report).toMatchObject({ intact: true, signed: false, faults: [], records: 12, repeated: 0, torn: [] });
    expect(report.writers).toEqual([
      { w: W1, records: 10, head: scribe().head, tail: 'closed' },
      { w: W2, records: 2, head: new Scribe(W2).open().refuse().head, tail: 'unproven' },
    ]);
  });

  it('folds records that came again, byte for byte', async () => {
    const report = await after((lines) => [...lines.slice(0, 5), ...lines.slice(2, 5), ...lines.slice(5)]);
    expect(report).toMatchObject({ intact: true, records: 10, repeated: 3 });
  });

  it('follows a writer from segment to segment', async () => {
    const { lines } = scribe();
    const report = await verified([fileOf('1', lines.slice(0, 4)), fileOf('2', lines.slice(4))]);
    expect(report).toMatchObject({ intact: true, records: 10, writers: [{ tail: 'closed' }] });
  });

  it('finds nothing in nothing', async () => {
    expect(await verified([])).toMatchObject({ intact: true, records: 0, writers: [] });
  });

  it('tells the progress of long trails', async () => {
    const told: number[] = [];
    const long = new Scribe(W1).open();
    for (let n = 0; n < 20_000; n += 1) long.refuse();
    await verified([long.file()], { progress: (lines) => told.push(lines) });
    expect(told).toEqual([10_000, 20_000]);
  });
});

describe('I35: verify, of a trail that was tampered with, names the place', () => {
  it('of a changed record', async () => {
    const report = await after((lines) => lines.with(4, rewritten(lines[4]!, { outcome: 'aborted' })));
    expect(report.faults).toEqual([
      {
        at: 4,
        source: 'f',
        line: 5,
        w: W1,
        seq: 4,
        why: expect.stringContaining('was changed: the next one follows from other bytes'),
      },
    ]);
  });

  it('of a record whose prev was changed', async () => {
    const report = await after((lines) => lines.with(4, rewritten(lines[4]!, { prev: 'B'.repeat(43) })));
    expect(report.faults).toEqual([
      expect.objectContaining({ line: 5, seq: 4, why: expect.stringContaining('neither') }),
    ]);
  });

  it('of a changed record before the last, or of the last one: which of the two, nothing shows', async () => {
    const report = await after((lines) => lines.with(8, rewritten(lines[8]!, { code: 'REVOKED' })));
    expect(report.faults).toEqual([
      expect.objectContaining({ line: 9, seq: 8, why: expect.stringContaining('or the next one') }),
    ]);
  });

  it('of a dropped record', async () => {
    const report = await after((lines) => lines.toSpliced(4, 1));
    expect(report.faults).toEqual([
      expect.objectContaining({ line: 5, seq: 5, why: expect.stringContaining('record 4 is missing') }),
    ]);
  });

  it('of several dropped records', async () => {
    const report = await after((lines) => lines.toSpliced(4, 3));
    expect(report.faults[0]).toMatchObject({
      line: 5,
      seq: 7,
      why: expect.stringContaining('records 4 to 6 are missing'),
    });
  });

  it('of swapped records', async () => {
    const report = await after((lines) => lines.with(4, lines[5]!).with(5, lines[4]!));
    expect(report.faults.map(({ line }) => line)).toEqual([5, 6]);
    expect(report.faults[0]?.why).toContain('record 4 is missing before this line: dropped, or moved');
    expect(report.faults[1]?.why).toContain('seq 4 comes after seq 5');
  });

  it('of a record inserted before the true one of its seq', async () => {
    const report = await after((lines) => lines.toSpliced(4, 0, rewritten(lines[4]!, { outcome: 'aborted' })));
    expect(report.faults).toEqual([
      expect.objectContaining({ line: 5, seq: 4, why: expect.stringContaining('inserted') }),
    ]);
  });

  it('of a record inserted after the true one of its seq', async () => {
    const report = await after((lines) => lines.toSpliced(5, 0, rewritten(lines[4]!, { outcome: 'aborted' })));
    expect(report.faults).toEqual([
      expect.objectContaining({ line: 6, seq: 4, why: expect.stringContaining('inserted') }),
    ]);
  });

  it('of a fork: another record of a seq that is long past', async () => {
    const report = await after((lines) => lines.toSpliced(8, 0, rewritten(lines[4]!, { outcome: 'aborted' })));
    expect(report.faults).toEqual([
      expect.objectContaining({ line: 9, seq: 4, why: expect.stringContaining('a fork') }),
    ]);
  });

  it('of two tails that both follow', async () => {
    const [one, two] = [new Scribe(W1).open().refuse('DENIED'), new Scribe(W1).open().refuse('REVOKED')];
    const report = await verified([one.file('1'), two.file('2')]);
    expect(report.faults).toEqual([
      expect.objectContaining({ source: '2', line: 2, seq: 1, why: expect.stringContaining('a fork') }),
    ]);
  });

  it('of a missing open record', async () => {
    const report = await after((lines) => lines.slice(1));
    expect(report.faults).toEqual([
      expect.objectContaining({ line: 1, seq: 1, why: expect.stringContaining('open record') }),
    ]);
  });

  it('of a first record that is no open record, or follows from something', async () => {
    const [open] = scribe().lines;
    const other = await verified([fileOf('f', [rewritten(open!, { type: 'close' })])]);
    expect(other.faults[0]).toMatchObject({
      line: 1,
      seq: 0,
      why: expect.stringContaining('begins with an open record'),
    });
    const follows = await verified([fileOf('f', [rewritten(open!, { prev: 'B'.repeat(43) })])]);
    expect(follows.faults[0]).toMatchObject({ line: 1, seq: 0, why: expect.stringContaining('follows from nothing') });
  });

  it('of records after close', async () => {
    const forged = new Scribe(W1).open().read('g1', 1).read('g1', 2).read('g2', 1).refuse().refuse().close();
    const next = JSON.stringify({ ...JSON.parse(forged.lines[8]!), prev: forged.head.hash, seq: 10 });
    const report = await verified([fileOf('f', [...forged.lines, next])]);
    expect(report.faults).toEqual([
      expect.objectContaining({ line: 11, seq: 10, why: expect.stringContaining('closed its trail at seq 9') }),
    ]);
  });

  it('of a line that is no JSON, and takes the chain up again behind it', async () => {
    const report = await after((lines) => lines.with(4, '{"v":1,'));
    expect(report.faults).toEqual([
      expect.objectContaining({ line: 5, w: W1, seq: 4, why: expect.stringContaining('no JSON') }),
    ]);
  });

  it.each([
    ['white space', (line: string) => line.replace('{', '{ ')],
    [
      'another order of members',
      (line: string) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(line) as object).toReversed())),
    ],
    ['an escape that need not be', (line: string) => line.replace('zoë', 'zo\\u00eb')],
    ['a number spelled otherwise', (line: string) => line.replace('"v":1,', '"v":1.0,')],
  ])('of a record that is not in canonical form: %s', async (_, respell) => {
    const report = await after((lines) => lines.with(7, respell(lines[7]!)));
    expect(report.faults[0]).toMatchObject({ line: 8, why: expect.stringContaining('canonical') });
  });

  it('of a duplicate name, and of bytes that are no UTF-8', async () => {
    const twice = await after((lines) => lines.with(4, lines[4]!.replace('{', '{"v":1,')));
    expect(twice.faults[0]).toMatchObject({ line: 5, why: expect.stringContaining('duplicate name') });
    const { source, bytes } = scribe().file('f');
    const latin = Buffer.from(bytes.toString('latin1').replace('zo\u00c3\u00ab', 'zo\u00ebx'), 'latin1');
    expect((await verified([{ source, bytes: latin }])).faults[0]).toMatchObject({
      line: 8,
      why: expect.stringContaining('encoding'),
    });
  });

  it.each(['v', 'type', 'ts', 'w', 'seq', 'prev'])('of a record without %s', async (name) => {
    const report = await after((lines) => {
      const { [name]: _, ...rest } = JSON.parse(lines[4]!) as Record<string, unknown>;
      return lines.with(4, JSON.stringify(rest));
    });
    expect(report.faults[0]).toMatchObject({ line: 5, seq: 4, why: expect.stringContaining('no audit record') });
  });

  it('of a record of a version it does not know', async () => {
    const report = await after((lines) => lines.with(4, rewritten(lines[4]!, { v: 2 })));
    expect(report.faults[0]).toMatchObject({ line: 5, why: expect.stringContaining('version 2') });
  });

  it('of a result without an intent, and of a second result', async () => {
    const orphan = new Scribe(W1).open();
    orphan.write({ type: 'result', outcome: 'sent', cause: 'B'.repeat(43) });
    expect((await verified([orphan.file('f')])).faults).toEqual([
      expect.objectContaining({ line: 2, seq: 1, why: expect.stringContaining('without an intent') }),
    ]);
    const twice = new Scribe(W1).open().read('g', 1);
    twice.write({ type: 'result', outcome: 'aborted', cause: twice.links[1]!.head.hash });
    expect((await verified([twice.file('f')])).faults).toEqual([
      expect.objectContaining({ line: 4, seq: 3, why: expect.stringContaining('second result') }),
    ]);
  });

  it('of a use that two records tell of, also in the trails of two gateways', async () => {
    const report = await verified([
      new Scribe(W1).open().read('g', 1).read('g', 2).file('1'),
      new Scribe(W2).open().read('g', 2).file('2'),
    ]);
    expect(report.faults).toEqual([
      expect.objectContaining({
        source: '2',
        line: 2,
        seq: 1,
        why: expect.stringContaining('use 2 of grant g is told twice'),
      }),
    ]);
  });

  it('of a use number that cannot be', async () => {
    const report = await verified([new Scribe(W1).open().read('g', 0).file('f')]);
    expect(report.faults[0]).toMatchObject({ line: 2, why: expect.stringContaining('numbered from 1') });
  });

  it('of the first fault of each writer, in the order of the trail', async () => {
    const [one, two] = [scribe().lines, new Scribe(W2).open().refuse().refuse().refuse().close().lines];
    const report = await verified([
      fileOf('1', one.with(4, rewritten(one[4]!, { outcome: 'x' }))),
      fileOf('2', two.toSpliced(2, 1)),
    ]);
    expect(report.faults.map(({ source, line }) => [source, line])).toEqual([
      ['1', 5],
      ['2', 3],
    ]);
    expect(report.faultCount).toBe(2);
  });

  it('of a record of another writer in a file that is named after one', async () => {
    const stray = new Scribe(W2).open().lines[0]!;
    async function* lines() {
      yield { source: 'f', line: 1, bytes: Buffer.from(stray), ended: true, w: W1 };
    }
    const { verify } = await import('#libs/audit/verify.js');
    expect((await verify(lines())).faults).toEqual([
      expect.objectContaining({ line: 1, w: W1, why: expect.stringContaining(`names the writer ${W2}`) }),
    ]);
  });
});

describe('verify, of what no record tells', () => {
  it('I39: counts an intent without a result as an unknown outcome', async () => {
    const crashed = new Scribe(W1).open().read('g', 1);
    crashed.write({ type: 'intent', grant_id: 'g', use_no: 2 });
    const report = await verified([crashed.file('f')]);
    expect(report.intact).toBe(true);
    expect(report.unknownOutcomes).toEqual({ count: 1, listed: [{ at: 3, source: 'f', line: 4, w: W1, seq: 3 }] });
  });

  it('I3: counts missing use numbers as lost uses, whatever the order of parallel requests', async () => {
    const trail = new Scribe(W1).open().read('g', 2).read('g', 1).read('g', 5).read('h', 1);
    expect(await verified([trail.file()])).toMatchObject({ intact: true, lostUses: 2 });
  });
});

describe('verify, of the tail', () => {
  it('takes an unfinished last line for what a crash leaves', async () => {
    const { lines } = new Scribe(W1).open().refuse().refuse();
    const report = await verified([
      { source: 'f', bytes: Buffer.from(`${lines[0]}\n${lines[1]}\n${lines[2]!.slice(0, 60)}`) },
    ]);
    expect(report).toMatchObject({ intact: true, records: 2, writers: [{ tail: 'unproven' }] });
    expect(report.torn).toEqual([{ at: 2, source: 'f', line: 3, w: W1, seq: 2 }]);
  });

  it('takes a whole last record without its line end as it is', async () => {
    const { bytes } = scribe().file('f');
    expect(await verified([{ source: 'f', bytes: bytes.subarray(0, -1) }])).toMatchObject({
      intact: true,
      records: 10,
      torn: [],
    });
  });

  it('takes a torn line for no excuse in the middle of a file', async () => {
    const report = await after((lines) => [...lines.slice(0, 3), lines[3]!.slice(0, 40), ...lines.slice(3)]);
    expect(report.faults[0]).toMatchObject({ line: 4 });
  });

  it('forgives a torn end of one segment whose records stand whole in the next', async () => {
    const { lines } = scribe();
    const torn = { source: '1', bytes: Buffer.from(`${lines.slice(0, 4).join('\n')}\n${lines[4]!.slice(0, 30)}`) };
    const report = await verified([torn, fileOf('2', lines.slice(4))]);
    expect(report).toMatchObject({
      intact: true,
      records: 10,
      writers: [{ tail: 'closed' }],
      torn: [{ source: '1', line: 5 }],
    });
  });

  it('shows a cut tail as unproven without a head, and names it with one', async () => {
    const whole = scribe();
    const cut = fileOf('f', whole.lines.slice(0, 7));
    expect(await verified([cut])).toMatchObject({ intact: true, writers: [{ tail: 'unproven', head: { seq: 6 } }] });
    const report = await verified([cut], { heads: [whole.links[7]!.head] });
    expect(report.faults).toEqual([
      expect.objectContaining({ line: 7, w: W1, seq: 7, why: expect.stringContaining('cut off') }),
    ]);
  });

  it('proves a tail by a head that the reader holds', async () => {
    const open = new Scribe(W1).open().refuse();
    const report = await verified([open.file()], { heads: [open.head] });
    expect(report).toMatchObject({ intact: true, writers: [{ tail: 'held' }], heldHeads: { given: 1, found: 1 } });
  });

  it('finds a removed writer, and a trail made anew, by a held head alone', async () => {
    const removed = await verified([scribe().file()], { heads: [new Scribe(W2).open().head] });
    expect(removed.faults).toEqual([
      expect.objectContaining({ w: W2, seq: 0, why: expect.stringContaining('removed') }),
    ]);
    const anew = new Scribe(W1).open().refuse('REVOKED').close();
    expect((await verified([anew.file()])).intact).toBe(true);
    const held = await verified([anew.file('f')], { heads: [new Scribe(W1).open().refuse('DENIED').head] });
    expect(held.faults).toEqual([
      expect.objectContaining({ line: 2, seq: 1, why: expect.stringContaining('made anew') }),
    ]);
  });
});

/** Three writers, their files side by side. */
const world = fc
  .array(fc.array(fc.oneof(fc.constant('read'), fc.constant('refuse')), { maxLength: 6 }), {
    minLength: 3,
    maxLength: 3,
  })
  .map((writers) =>
    writers.map((acts, at) => {
      const trail = new Scribe([W1, W2, W3][at]!).open();
      acts.forEach((act, n) => (act === 'read' ? trail.read(`g${at}-${n}`, 1) : trail.refuse()));
      return trail.close();
    }),
  );

describe('I35: verify, of any trail of three writers', () => {
  it('finds every change of a single byte, with the last heads in hand, and names its line or that behind it', async () => {
    await fc.assert(
      fc.asyncProperty(
        world,
        fc.nat(2),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.integer({ min: 1, max: 255 }),
        async (trails, which, where, flip) => {
          const files = trails.map((trail) => trail.file());
          const heads = trails.map(({ head }) => head);
          expect((await verified(files, { heads })).intact).toBe(true);
          const { source, bytes } = files[which]!;
          const at = Math.floor(where * bytes.length);
          const changed = Buffer.from(bytes);
          changed[at] = changed[at]! ^ flip;
          const report = await verified(files.with(which, { source, bytes: changed }), { heads });
          const line = bytes.subarray(0, at).toString('latin1').split('\n').length;
          expect(report.intact).toBe(false);
          expect(report.faults[0]!.source).toBe(source);
          expect([line, line + 1]).toContain(report.faults[0]!.line);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('finds every dropped, moved and overwritten line behind which another stands', async () => {
    await fc.assert(
      fc.asyncProperty(
        world,
        fc.nat(2),
        fc.nat(),
        fc.constantFrom('drop', 'move', 'overwrite'),
        async (trails, which, n, what) => {
          const { lines } = trails[which]!;
          const at = n % (lines.length - 1);
          const tampered = {
            drop: lines.toSpliced(at, 1),
            move: [...lines.toSpliced(at, 1), lines[at]!],
            overwrite: lines.with(at, lines[at + 1]!),
          }[what];
          const files: TrailFile[] = trails.map((trail, index) =>
            index === which ? fileOf('f', tampered) : trail.file(),
          );
          const report = await verified(files);
          expect(report.intact).toBe(false);
          expect(report.faults[0]).toMatchObject({ source: 'f', line: at + 1 });
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('the writer that a test forges with', () => {
  it('is the real one', () => {
    expect(() => new Writer('short')).toThrow('writer id');
  });
});
