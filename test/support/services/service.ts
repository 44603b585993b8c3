import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * A real server that tests start: one row per server, each in a file of its own. To add one is to write its row; finding,
 * installing, locking, starting and ending are the same for all.
 */
export interface Service {
  /** As people call it, and as its folder in the cache is called. */
  readonly name: string;
  /** Environment variable that names the binary to be used, such as `TEST_NGINX=/opt/nginx/sbin/nginx`. */
  readonly variable: string;
  /** Name of the binary on the PATH, in /usr/sbin and in what is installed. */
  readonly binary: string;
  /** Puts the server below a folder that is there and empty. @throws Error that says what to do */
  readonly install: (folder: string) => Promise<void>;
  /** Whether this binary can do what the tests need; a sentence about what it lacks, otherwise. */
  readonly lacks?: (found: Installation) => Promise<string | undefined>;
}

/** A server that lies on this machine. */
export interface Installation {
  /** Absolute path. */
  readonly binary: string;
  /** What was installed for tests lies below it; empty for a server of the machine itself. */
  readonly root: string;
  /** Further environment that the binary needs. */
  readonly env: Readonly<Record<string, string>>;
}

/** How one process of a server is started. */
export interface Launch {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Asked until it answers true. */
  readonly ready: () => Promise<boolean>;
}

/**
 * What is wrong with the version that a binary tells.
 *
 * @param args make it tell its version
 * @param atLeast major and minor
 */
export async function olderThan(
  { binary, env }: Installation,
  args: readonly string[],
  [major, minor]: readonly [number, number],
): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await run(binary, args, { env: { ...process.env, ...env } });
    const [, ours = 0, after = 0] = /(\d+)\.(\d+)\.\d+/.exec(stdout + stderr)?.map(Number) ?? [];
    return ours > major || (ours === major && after >= minor) ? undefined : `it is older than ${major}.${minor}`;
  } catch (error) {
    return `it does not tell its version: ${reasonOf(error)}`;
  }
}

/** What an error says, in one line. Errors of commands are told by what the command said; they come from outside jest's realm. */
export function reasonOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('message' in error)) return String(error);
  const said = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr : '';
  return /^E: (.*)$/m.exec(said)?.[1] ?? String(error.message).split('\n', 1)[0] ?? '';
}
