import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { types } from 'node:util';

/** What the profile `local` made for itself, kept over restarts. Every file is 0600, the folder 0700. */
export interface StateFolder {
  readonly path: string;
  /**
   * What stands under this name, or what `make` answers, kept from now on. Whoever asks first decides for all: two processes
   * that start at once get the same text.
   * @param name a file name
   * @throws Error with what to do when the file is open to others
   */
  keep(name: string, make: () => string): Promise<string>;
}

/** @throws Error with what to do when others may write into the folder; of node:fs when it cannot be made */
export async function openStateFolder(path: string): Promise<StateFolder> {
  await mkdir(dirname(path), { recursive: true });
  await mkdir(path, { recursive: true, mode: 0o700 });
  // Not changed here: it may be a folder with another use, named by mistake.
  if (((await stat(path)).mode & 0o022) !== 0) {
    throw new Error(`Others may write into the state folder ${path}: chmod 700 it, or name another in STATE_DIR.`);
  }
  return { path, keep: async (name, make) => await keep(join(path, name), make) };
}

async function keep(file: string, make: () => string): Promise<string> {
  const kept = await readPrivate(file);
  if (kept !== undefined) return kept;
  await place(file, make());
  const placed = await readPrivate(file);
  if (placed === undefined) throw new Error(`The state file ${file} vanished while it was made: start again.`);
  return placed;
}

async function readPrivate(file: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0) {
      throw new Error(`The state file ${file} is open to others: delete it (a new one is made), or chmod 600 it.`);
    }
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Whole and durable before it has its name; `link` refuses a name that somebody else took first, `rename` would not. */
async function place(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(draft, file);
  } catch (error) {
    if (!(types.isNativeError(error) && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await unlink(draft);
  }
}

function isAbsent(error: unknown): boolean {
  return types.isNativeError(error) && 'code' in error && error.code === 'ENOENT';
}
