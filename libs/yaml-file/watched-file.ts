import { readFile, stat } from 'node:fs/promises';

import { MAX_YAML_BYTES } from './strict-yaml.js';

/** Says whether a file is the one that was read: any write or rename changes it. */
export type Fingerprint = string;

/** Undefined: there is no such file, or it cannot be looked at. Follows symbolic links, as mounted configuration needs it. */
export async function fingerprintOf(path: string): Promise<Fingerprint | undefined> {
  try {
    const { mtimeNs, ctimeNs, size, ino } = await stat(path, { bigint: true });
    return `${ino}.${size}.${mtimeNs}.${ctimeNs}`;
  } catch {
    return undefined;
  }
}

/** @throws Error of node:fs; Error when the file is larger than 1 MiB, before it is read */
export async function readSmallFile(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > MAX_YAML_BYTES) throw new Error('larger than 1 MiB');
  return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
}

/**
 * Looks at a file every `everyMs` and calls `changed` when it became another one and then held still for one look: an editor
 * that writes in two steps is read after the second. One look is one `stat` off the request's path; it keeps no process alive.
 * `fs.watch` was rejected: it loses a file that is replaced by rename, and mounted volumes do not send its events.
 *
 * @param known what was read last
 * @param changed undefined: the file is gone
 * @returns ends the watching
 */
export function watchFile(
  path: string,
  known: Fingerprint | undefined,
  { everyMs, changed }: { everyMs: number; changed: (now: Fingerprint | undefined) => Promise<void> },
): () => void {
  let last = known;
  let handled = known;
  let ended = false;
  let timer = setTimeout(look, everyMs).unref();

  function look(): void {
    void lookOnce().finally(() => {
      if (!ended) timer = setTimeout(look, everyMs).unref();
    });
  }

  async function lookOnce(): Promise<void> {
    const now = await fingerprintOf(path);
    const settled = now === last;
    last = now;
    if (ended || !settled || now === handled) return;
    handled = now;
    await changed(now);
  }

  return () => {
    ended = true;
    clearTimeout(timer);
  };
}
