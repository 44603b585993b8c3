import { readFile, rm, writeFile } from 'node:fs/promises';

const LOOK_AGAIN_MS = 100;

/**
 * Runs one after the other what several processes of one machine want to do at once. The lock is a file that holds the id of its
 * holder; one whose holder is gone is taken over.
 *
 * @param patienceMs after so long, it is given up: @throws Error
 */
export async function withLock<T>(path: string, patienceMs: number, work: () => Promise<T>): Promise<T> {
  const until = performance.now() + patienceMs;
  while (!(await taken(path))) {
    if (await isAbandoned(path)) await rm(path, { force: true });
    if (performance.now() > until) throw new Error(`${path} is held by another process: remove it if there is none`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function taken(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** An empty file is one that is just being written. */
async function isAbandoned(path: string): Promise<boolean> {
  const holder = Number(await readFile(path, 'utf8').catch(() => ''));
  return Number.isInteger(holder) && holder > 0 && holder !== process.pid && !isAlive(holder);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
