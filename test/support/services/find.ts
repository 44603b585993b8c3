import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { access, constants, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { arch, homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';

import { debianEnvironment } from './debian.js';
import { leaveOut, RUN_FOLDER } from './left-out.js';
import { withLock } from './lock.js';
import { type Installation, reasonOf, type Service } from './service.js';

/** Longer than an installation may take, so that who waits for another's does not give up before it. */
const PATIENCE_MS = 600_000;

/**
 * A real server, for a suite that needs one: the binary that the environment names, else one of this machine, else what was
 * installed into the cache before, else what is installed now.
 *
 * @param suite what is left out without it, for the reader of the log
 * @returns undefined when it cannot be had: the suite is left out, which is said on stderr and counted at the end of the run
 * @throws Error when it cannot be had and `CI=true`, and when the environment names a binary that will not do
 */
export async function findService(service: Service, suite: string): Promise<Installation | undefined> {
  const named = process.env[service.variable];
  if (named !== undefined && named !== '') return await demand(service, named);
  try {
    return (await onThisMachine(service)) ?? (await fromCache(service));
  } catch (error) {
    const why = reasonOf(error);
    if (process.env['CI'] === 'true')
      throw new Error(`${service.name} cannot be had, and CI=true: ${why}`, { cause: error });
    leaveOut(suite, why);
    return undefined;
  }
}

async function demand(service: Service, binary: string): Promise<Installation> {
  const found = { binary, root: '', env: {} };
  if (!isAbsolute(binary) || !(await isExecutable(binary)))
    throw new Error(`${service.variable} names ${binary}: not the absolute path of a binary`);
  const lack = await service.lacks?.(found);
  if (lack !== undefined) throw new Error(`${service.variable} names ${binary}: ${lack}`);
  return found;
}

async function onThisMachine(service: Service): Promise<Installation | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin'].filter(isAbsolute);
  for (const folder of new Set(folders)) {
    const found = { binary: join(folder, service.binary), root: '', env: {} };
    if ((await isExecutable(found.binary)) && (await service.lacks?.(found)) === undefined) return found;
  }
  return undefined;
}

/** One folder per server, release and processor. It appears whole: an installation that was cut short is never found. */
async function fromCache(service: Service): Promise<Installation> {
  const cache = cacheFolder();
  await mkdir(cache, { recursive: true });
  const root = join(cache, `${service.name}-${await release()}-${arch()}`);
  return (
    (await installed(service, root)) ??
    (await withLock(`${root}.lock`, PATIENCE_MS, async () => {
      const meanwhile = await installed(service, root);
      if (meanwhile !== undefined) return meanwhile;
      const before = triedInVain(service);
      if (before !== undefined) throw new Error(before);
      process.stderr.write(`INSTALLING: ${service.name}, for tests alone, into ${root}\n`);
      const draft = `${root}.draft`;
      await rm(draft, { recursive: true, force: true });
      await mkdir(draft);
      await service.install(draft).catch((error: unknown) => {
        rememberInVain(service, reasonOf(error));
        throw error;
      });
      await rm(root, { recursive: true, force: true });
      await rename(draft, root);
      const now = await installed(service, root);
      if (now === undefined) throw new Error(`${root} holds no ${service.binary} that the tests can use`);
      return now;
    }))
  );
}

/** Why an earlier suite of this run did not get it: what failed minutes ago is not tried again and again. */
function triedInVain({ name }: Service): string | undefined {
  const run = process.env[RUN_FOLDER];
  if (run === undefined || !existsSync(join(run, `${name}.in-vain`))) return undefined;
  return readFileSync(join(run, `${name}.in-vain`), 'utf8');
}

function rememberInVain({ name }: Service, why: string): void {
  const run = process.env[RUN_FOLDER];
  if (run !== undefined) writeFileSync(join(run, `${name}.in-vain`), why);
}

async function installed(service: Service, root: string): Promise<Installation | undefined> {
  for (const folder of ['usr/sbin', 'usr/bin', 'bin', '.']) {
    const found = { binary: join(root, folder, service.binary), root, env: await debianEnvironment(root) };
    if ((await isExecutable(found.binary)) && (await service.lacks?.(found)) === undefined) return found;
  }
  return undefined;
}

/** `TEST_SERVICES_CACHE`, else where caches of this user lie. */
function cacheFolder(): string {
  const given = process.env['TEST_SERVICES_CACHE'];
  if (given !== undefined && given !== '') return given;
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'postern-test-services');
}

/** Such as `debian-12`: binaries of one release do not fit another. */
async function release(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const of = (name: string): string => new RegExp(`^${name}="?([A-Za-z0-9.]+)"?$`, 'm').exec(text)?.[1] ?? 'unknown';
  return `${of('ID')}-${of('VERSION_ID')}`;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
