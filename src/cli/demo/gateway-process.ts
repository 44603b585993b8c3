import { spawn, type ChildProcess } from 'node:child_process';

/** A gateway in a process of its own. */
export interface GatewayProcess {
  readonly origin: string;
  /** Drains, so that the trail is closed in order; resolves once the process is gone. */
  stop(): Promise<void>;
}

const START_MS = 20_000;
const STOP_MS = 5_000;

/**
 * Starts the compiled gateway in the profile `local`. It does not outlive this process, however that ends short of SIGKILL.
 *
 * @param program the path of the compiled `main.js`
 * @param env all of its environment
 * @throws Error with what the gateway said, when it does not listen
 */
export async function startGateway(program: string, env: Readonly<Record<string, string>>): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [program, '--profile', 'local'], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const gone = new Promise<void>((resolve) => {
    child.once('close', () => resolve()).once('error', () => resolve());
  });
  void gone.then(() => process.off('exit', kill));
  try {
    return { origin: await originOf(child), stop: async () => await stop(child, gone) };
  } catch (error) {
    kill();
    throw error;
  }
}

/** The greeting says where it listens, since the port was the system's choice. */
async function originOf(child: ChildProcess): Promise<string> {
  return await new Promise((resolve, reject) => {
    let said = '';
    const giveUp = (why: string): void =>
      reject(new Error(`${why}${said === '' ? '' : `, and said:\n${said.trim()}`}`));
    const late = setTimeout(() => giveUp(`the gateway did not listen within ${START_MS / 1000} s`), START_MS);
    child.once('error', (error) => giveUp(`the gateway cannot be run: ${error.message}`));
    child.once('close', (code) => giveUp(`the gateway ended with ${code ?? 'a signal'}`));
    // read on to the end: a full pipe would stop the gateway
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const origin = /^Postern listens on (http:\/\/\S+)/m.exec(said)?.[1];
      if (origin === undefined) return;
      clearTimeout(late);
      child.stderr?.removeAllListeners('data').resume();
      resolve(origin);
    });
    child.once('close', () => clearTimeout(late));
  });
}

async function stop(child: ChildProcess, gone: Promise<void>): Promise<void> {
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  child.kill('SIGTERM');
  await gone;
  clearTimeout(late);
}
