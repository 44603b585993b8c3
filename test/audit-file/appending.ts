/**
 * A process that appends to a trail and prints the head of each record once it is durable: `appending <dir> <w> <count>`.
 * Records that are turned away are tried again, so that it ends with all of them acknowledged; with count 0 it never ends.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { FileSink } from '#libs/audit-file/file-sink.js';
import { SinkJournal } from '#libs/audit/journal.js';
import type { RecordFields } from '#libs/audit/record.js';
import type { Clock } from '#libs/kernel/clock.js';

// Without a handler the kernel ends a process that meets its file size limit.
process.on('SIGXFSZ', () => undefined);

const [dir = '', w = '', given = '0'] = process.argv.slice(2);
const count = given === '0' ? Number.POSITIVE_INFINITY : Number(given);

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => {
      clearTimeout(timer);
    };
  },
  soon: (then) => {
    setImmediate(then);
  },
};
const sink = await FileSink.open({ dir, w, beganMs: Date.now() });
const journal = await SinkJournal.open({ sink, clock, w, committedBy: 'file', limits: { retryMs: 5 } });

let begun = 0;
await Promise.all(Array.from({ length: 20 }, appender));
await journal.close();

async function appender(): Promise<void> {
  while (begun < count) {
    begun += 1;
    const fields: RecordFields = { type: 'refusal', effect: 'deny', code: 'DENIED', check: 'x'.repeat(200) };
    try {
      const head = await journal.append(fields);
      writeSync(1, `${head.w}.${head.seq}.${head.hash}\n`);
    } catch {
      begun -= 1;
      await sleep(20);
    }
  }
}
