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

/** What an error says, in one line. Errors of commands are told by what the command said; they come from outside jest's realm. */
export function reasonOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('message' in error)) return String(error);
  const said = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr : '';
  return /^E: (.*)$/m.exec(said)?.[1] ?? String(error.message).split('\n', 1)[0] ?? '';
}
