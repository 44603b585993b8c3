import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { FileRead } from './config-file.js';

/** The loader's way to files. @throws Error of node:fs */
export function readFromDisk(path: string): FileRead {
  return { text: readFileSync(path, 'utf8'), mode: statSync(path).mode & 0o777 };
}

/** The folder with our package.json, from source and from compiled output alike: the profile `local` lies there. */
export function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json')) && directory !== dirname(directory))
    directory = dirname(directory);
  return directory;
}
