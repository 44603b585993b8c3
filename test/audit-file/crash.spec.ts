import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { readTrail, segmentsOf } from '#libs/audit-file/read-trail.js';
import { headsFrom } from '#libs/audit/heads.js';
import { verify, type Report } from '#libs/audit/verify.js';

import { place, segmentsIn } from './place.js';
import { compiledLibs, run } from './process.js';

const libs = compiledLibs();

async function verified(dir: string, acknowledged: readonly string[]): Promise<Report> {
  return await verify(readTrail(await segmentsOf([dir])), { heads: headsFrom(acknowledged.join('\n')) });
}

/** Ends the waiting for a process that will not print any more. */
async function died(ended: Promise<number | string>): Promise<never> {
  throw new Error(`the process ended by itself: ${await ended}`);
}

/** Kernel and disk survive a killed process, so this shows the order of acknowledgement, not that fsync does what it says. */
describe('I34, N8: a process killed while it appends', () => {
  it('leaves every record that it acknowledged, in a chain that verifies, beside the next runs', async () => {
    const dir = place();
    const acknowledged: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      const { child, printed, ended } = run(libs, 'appending.js', [dir, `round-${round}-aaaaaaaaaaaa`, '0']);
      const more = (): Promise<unknown> => new Promise((resolve) => child.stdout?.once('data', resolve));
      while (printed.length < 50 + round * 37) await Promise.race([more(), died(ended)]);
      child.kill('SIGKILL');
      expect(await ended).toBe('SIGKILL');
      acknowledged.push(...printed.filter((line) => line.split('.')[2]?.length === 43));
    }
    const report = await verified(dir, acknowledged);
    expect(report.faults).toEqual([]);
    expect(report.heldHeads).toEqual({ given: acknowledged.length, found: acknowledged.length });
    expect(report.writers).toHaveLength(5);
    expect(report.writers.map(({ tail }) => tail)).not.toContain('closed');
    expect(acknowledged.length).toBeGreaterThan(500);
  });
});

describe('a process whose files may not grow', () => {
  it('loses nothing at a short write: the rest goes to the next segment, whole', async () => {
    const dir = place();
    const { printed, ended } = run(libs, 'appending.js', [dir, 'limited-aaaaaaaaaaaa', '300'], 'ulimit -f 20');
    expect(await ended).toBe(0);
    expect(printed).toHaveLength(300);
    const segments = segmentsIn(dir);
    expect(segments.length).toBeGreaterThan(3);
    for (const name of segments) expect(readFileSync(join(dir, name), 'utf8')).toMatch(/\}\n$/);
    expect(await verified(dir, printed)).toMatchObject({
      faults: [],
      torn: [],
      writers: [{ tail: 'closed' }],
      heldHeads: { given: 300, found: 300 },
    });
  });
});
