import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { withLock } from './lock.js';
import { reasonOf, type Installation } from './service.js';

const run = promisify(execFile);

/** Of one command. A few megabytes are fetched; a mirror that needs longer is taken for one that does not answer. */
const PATIENCE_MS = 90_000;
/** Lists of our own that are so old are fetched anew. */
const LISTS_ARE_GOOD_FOR_MS = 3_600_000;

/**
 * Debian's packages, with those they depend on and this machine lacks, unpacked below a folder: no root, and nothing of the machine
 * is changed. The lists of packages are those of the machine or, when they are missing or too old, lists of our own beside the
 * folder. What was unpacked stands in `packages.txt` below it, each package with its version.
 *
 * @throws Error that says what went wrong last and what can be done
 */
export async function unpackDebian(folder: string, packages: readonly string[]): Promise<void> {
  const own = join(dirname(folder), 'apt');
  const attempts: readonly (() => Promise<readonly string[]>)[] = [
    async () => await Promise.resolve([]),
    async () => await ownLists(own, LISTS_ARE_GOOD_FOR_MS),
    async () => await ownLists(own, 0),
  ];
  let last: unknown;
  for (const lists of attempts) {
    try {
      await unpack(folder, packages, await lists());
      return;
    } catch (error) {
      last = error;
    }
  }
  const names = packages.join(' ');
  throw new Error(
    `Debian's packages ${names} cannot be fetched: ${reasonOf(last)}. Install them (apt-get install ${names}), or name the binary in the environment`,
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

async function unpack(folder: string, packages: readonly string[], lists: readonly string[]): Promise<void> {
  const debs = join(folder, 'debs');
  await rm(debs, { recursive: true, force: true });
  await mkdir(debs);
  const wanted = await missing(packages, lists);
  await apt(['download', ...lists, ...wanted], debs);
  for (const file of await readdir(debs)) await run('dpkg', ['-x', join(debs, file), folder]);
  await writeFile(join(folder, 'packages.txt'), `${wanted.join('\n')}\n`);
  await rm(debs, { recursive: true });
}

/** What `apt-get install` would install, as `name=version`: those that were asked for, installed or not, and what they lack here. */
async function missing(packages: readonly string[], lists: readonly string[]): Promise<readonly string[]> {
  const plan = await apt(['install', '--simulate', '--no-install-recommends', '--reinstall', ...lists, ...packages]);
  const wanted = [...plan.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+)/gm)].map(
    ([, name, version]) => `${name}=${version}`,
  );
  if (wanted.length < packages.length) throw new Error(`apt-get would install ${wanted.join(', ') || 'nothing'}`);
  return wanted;
}

/** Fetches lists of packages, unless there are young ones. @returns the options that make apt-get use them */
async function ownLists(own: string, goodForMs: number): Promise<readonly string[]> {
  const [lists, cache, fetched] = [join(own, 'lists'), join(own, 'cache'), join(own, 'fetched')];
  const options = ['-o', `Dir::State::lists=${lists}`, '-o', `Dir::Cache=${cache}`];
  await mkdir(join(lists, 'partial'), { recursive: true });
  await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
  await withLock(join(own, 'lock'), 2 * PATIENCE_MS, async () => {
    const age =
      Date.now() -
      (await stat(fetched)
        .then(({ mtimeMs }) => mtimeMs)
        .catch(() => 0));
    if (age < goodForMs) return;
    // Its status is that of its worst source; whether the lists are good enough shows in what can be downloaded.
    await apt(['update', ...options, ...NAMES_ONLY]).catch(() => {});
    await writeFile(fetched, '');
  });
  return options;
}

/** Neither translations nor what software centres show. */
const NAMES_ONLY = ['-o', 'Acquire::Languages=none', '-o', 'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false'];

async function apt(args: readonly string[], cwd?: string): Promise<string> {
  const short = ['-o', 'Acquire::Retries=2', '-o', 'Acquire::http::Timeout=15', '-o', 'Acquire::https::Timeout=15'];
  const { stdout } = await run('apt-get', ['-q', ...short, '-o', 'APT::Sandbox::User=root', ...args], {
    ...(cwd !== undefined && { cwd }),
    env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
    timeout: PATIENCE_MS,
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}
