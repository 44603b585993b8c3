import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

/** Folder of one run of jest, which `run-reporter.ts` makes and clears away; unset where another reporter is used. */
export const RUN_FOLDER = 'POSTERN_TEST_RUN';

/** Says loudly that a suite does not run, and has it counted at the end of the run. */
export function leaveOut(suite: string, why: string): void {
  const line = `LEFT OUT: ${suite} (${why})\n`;
  process.stderr.write(line);
  const folder = process.env[RUN_FOLDER];
  if (folder !== undefined) appendFileSync(join(folder, 'left-out.txt'), line);
}
