import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

/**
 * Stands between a test and a server: starts the server in a process group of its own, and ends the whole group when standard
 * input ends. That is when the test says so, and when the test's process is gone, however it went: the pipe closes by itself, also
 * after SIGKILL. A folder that was made for the server goes with it.
 *
 *     node watchdog.ts FOLDER COMMAND [ARGUMENT…]
 */
const PATIENCE_MS = 2_000;
/** Killed processes are gone in no time; who is still there is dead and waits for its parent to notice. */
const REST_MS = 200;

const [folder = '', command = '', ...args] = process.argv.slice(2);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);

const server = spawn(command, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
server.once('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  leave(127);
});
server.once('exit', (code, signal) => {
  if (signal !== null) process.stderr.write(`ended by ${signal}\n`);
  const until = performance.now() + REST_MS;
  // Workers of a server that died by itself would go on without it.
  const rest = (): void => {
    if (kill('SIGKILL') && performance.now() < until) setTimeout(rest, 10);
    else leave(code ?? 1);
  };
  rest();
});
process.stdin.once('close', end).once('end', end).resume();

function end(): void {
  kill('SIGTERM');
  setTimeout(() => kill('SIGKILL'), PATIENCE_MS).unref();
}

/** The group, by its id: that of the process that was started as its first. @returns whether anybody of it was left */
function kill(signal: NodeJS.Signals): boolean {
  if (server.pid === undefined) return false;
  try {
    return process.kill(-server.pid, signal);
  } catch {
    return false;
  }
}

function leave(code: number): void {
  rmSync(folder, { recursive: true, force: true });
  process.exit(code);
}
