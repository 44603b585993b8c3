import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { leaveOut } from './services/left-out.js';

/**
 * Public test vectors live outside the repository, in the folder that POSTERN_VECTORS names. Unset means that a suite is left out,
 * which is said on stderr; set but unreadable fails.
 *
 * @param suite what is left out, for the reader of the log
 */
export function vectorsFolder(suite: string): string | undefined {
  const folder = process.env['POSTERN_VECTORS'];
  if (folder !== undefined && folder !== '') return folder;
  leaveOut(suite, 'POSTERN_VECTORS is not set');
  return undefined;
}

/** @param path below the folder, such as `jcs/jcs.json` */
export function readVectors(path: string): unknown {
  return JSON.parse(readFileSync(join(process.env['POSTERN_VECTORS'] ?? '', path), 'utf8')) as unknown;
}
