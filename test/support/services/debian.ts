import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { Installation } from './service.js';

const run = promisify(execFile);

/** Fetching a few megabytes; a mirror that needs longer is taken for one that does not answer. */
const PATIENCE_MS = 120_000;
const ATTEMPTS = 3;

/**
 * Debian's packages, with those they depend on and this machine lacks, unpacked below a folder: no root, and nothing of the machine
 * is changed. Lists of packages are those of the machine or, when they are missing or too old, lists of our own below the folder.
 * What was unpacked stands in `packages.txt` there, each with its version.
 *
 * @throws Error that says which command failed and what can be done
 */
export async function unpackDebian(folder: string, packages: readonly string[]): Promise<void> {
  const own = join(folder, 'apt');
  let last: unknown;
  for (const [attempt, options] of [[], ...Array<string[]>(ATTEMPTS).fill(ownLists(own))].entries()) {
    try {
      if (attempt > 0) await update(own, options);
      await unpack(folder, packages, options);
      await rm(own, { recursive: true, force: true });
      return;
    } catch (error) {
      last = error;
    }
  }
  throw new Error(
    `${packages.join(', ')}: not to be had from Debian's packages (${reason(last)}). Install them (apt-get install ${packages.join(' ')}), or name the binary in the environment.`,
  );
}

/** Where unpacked binaries find the libraries that came with them: the folders of Debian's architectures, as far as they are there. */
export async function debianEnvironment(root: string): Promise<Installation['env']> {
  const folders = await Promise.all(
    ['usr/lib', 'lib'].map(async (folder) =>
      (await readdir(join(root, folder)).catch(() => []))
        .filter((name) => name.includes('-linux-'))
        .map((name) => join(root, folder, name)),
    ),
  );
  return { LD_LIBRARY_PATH: folders.flat().join(':') };
}

async function unpack(folder: string, packages: readonly string[], options: readonly string[]): Promise<void> {
  const debs = join(folder, 'debs');
  await rm(debs, { recursive: true, force: true });
  await mkdir(debs);
  const wanted = await missing(packages, options);
  await apt(['download', ...options, ...wanted], debs);
  for (const file of await readdir(debs)) await run('dpkg', ['-x', join(debs, file), folder]);
  await writeFile(join(folder, 'packages.txt'), `${wanted.join('\n')}\n`);
  await rm(debs, { recursive: true });
}

/**
 * What `apt-get install` would install, as `name=version`. What is installed already is asked for as well: the tests look here, and
 * its libraries lie where the machine has them.
 */
async function missing(packages: readonly string[], options: readonly string[]): Promise<readonly string[]> {
  const plan = await apt(['install', '--simulate', '--no-install-recommends', '--reinstall', ...options, ...packages]);
  const wanted = [...plan.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+)/gm)].map(
    ([, name, version]) => `${name}=${version}`,
  );
  if (wanted.length < packages.length) throw new Error(`apt-get would install ${wanted.join(', ') || 'nothing'}`);
  return wanted;
}

/** Debian's own sources alone: another one that is out of order must not stop this. */
async function update(own: string, options: readonly string[]): Promise<void> {
  await mkdir(join(own, 'lists', 'partial'), { recursive: true });
  await mkdir(join(own, 'cache', 'archives', 'partial'), { recursive: true });
  // Its status is that of its worst source; whether the lists are good enough shows in what can be downloaded.
  await apt(['update', ...options]).catch(() => {});
}

function ownLists(own: string): string[] {
  const descriptions = 'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false';
  return [
    '-o',
    `Dir::State::lists=${join(own, 'lists')}`,
    '-o',
    `Dir::Cache=${join(own, 'cache')}`,
    '-o',
    descriptions,
  ];
}

async function apt(args: readonly string[], cwd?: string): Promise<string> {
  const quiet = ['-q', '-o', 'Acquire::Retries=2', '-o', 'Acquire::http::Timeout=20', '-o', 'APT::Sandbox::User=root'];
  const { stdout } = await run('apt-get', [...quiet, ...args], {
    ...(cwd !== undefined && { cwd }),
    env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
    timeout: PATIENCE_MS,
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const said = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr : '';
  return (/^E: .*$/m.exec(said)?.[0] ?? error.message).split('\n', 1)[0] ?? '';
}
