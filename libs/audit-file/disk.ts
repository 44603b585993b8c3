import { constants } from 'node:fs';
import { lstat, mkdir, open, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** What the sink asks of one file. Each call is one system call off the event loop, so that tests can let a single one fail. */
export interface SegmentFile {
  /** Writes at a place; may write less than it was given. */
  write(bytes: Uint8Array, at: number): Promise<number>;
  /** fdatasync: the bytes and the size, not the times. */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

/** What the sink asks of a directory. */
export interface Disk {
  /** Creates a file that did not exist, and makes its name durable. */
  create(name: string): Promise<SegmentFile>;
  remove(name: string): Promise<void>;
}

const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW, O_RDONLY, O_DIRECTORY } = constants;

/**
 * The directory, made 0700 when it is not there. An existing one must be a directory itself (no symbolic link) into which nobody
 * but its owner writes: whoever could add or rename files there could forge a trail.
 *
 * @throws Error that names the directory and what is wrong with it
 */
export async function openDirectory(path: string): Promise<Disk> {
  const directory = resolve(path);
  const made = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (made !== undefined) await syncNames(directory, made);
  const stat = await lstat(directory);
  if (!stat.isDirectory()) throw new Error(`${directory} is not a directory`);
  if ((stat.mode & 0o022) !== 0) throw new Error(`${directory} can be written by others than its owner: chmod go-w it`);
  return {
    create: async (name) => await createFile(directory, name),
    remove: async (name) => {
      await unlink(join(directory, name));
    },
  };
}

/** Each directory that was made is a name in its parent. */
async function syncNames(last: string, first: string): Promise<void> {
  for (let each = last; each.length >= first.length; each = dirname(each)) await syncDirectory(dirname(each));
}

/** O_EXCL is the lock: a file has one writer in its whole life, and a name that is taken, if only by a link, is refused. */
async function createFile(directory: string, name: string): Promise<SegmentFile> {
  const file = await open(join(directory, name), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600);
  try {
    await syncDirectory(directory);
  } catch (error) {
    await file.close();
    await unlink(join(directory, name));
    throw error;
  }
  return {
    write: async (bytes, at) => (await file.write(bytes, 0, bytes.byteLength, at)).bytesWritten,
    sync: async () => {
      await file.datasync();
    },
    truncate: async (length) => {
      await file.truncate(length);
    },
    close: async () => {
      await file.close();
    },
  };
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, O_RDONLY | O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
