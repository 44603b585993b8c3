import { cp, readFile, writeFile } from 'node:fs/promises';

import { segmentsOf } from '#libs/audit-file/read-trail.js';

/** Where a copy of a trail differs from it: in one byte. */
export interface Forgery {
  readonly source: string;
  /** From 1, as the verifier counts. */
  readonly line: number;
  readonly before: string;
  readonly after: string;
}

const BEFORE = 'demo-service';
const AFTER = 'demo-servlce';

/**
 * Copies a trail and, in the copy, lets the first value go to somebody else: one letter, which no reader would notice.
 * @throws Error when the trail holds no value that was given away
 */
export async function forge(trail: string, copy: string): Promise<Forgery> {
  await cp(trail, copy, { recursive: true });
  for (const source of await segmentsOf([copy])) {
    const lines = (await readFile(source, 'utf8')).split('\n');
    const at = lines.findIndex((line) => line.includes('"type":"intent"') && line.includes(BEFORE));
    const found = lines[at];
    if (found === undefined) continue;
    await writeFile(source, lines.with(at, found.replace(BEFORE, AFTER)).join('\n'));
    return { source, line: at + 1, before: BEFORE, after: AFTER };
  }
  throw new Error('the trail holds no intent to give a value to demo-service: there is nothing to forge');
}
