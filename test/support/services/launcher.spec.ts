import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import { findService } from './find.js';
import { RUN_FOLDER } from './left-out.js';
import { isAlive, withLock } from './lock.js';
import { makeHome, Running } from './run.js';
import { type Installation, olderThan, type Service } from './service.js';

const SH: Installation = { binary: '/bin/sh', root: '', env: {} };

let folder: string;
let before: NodeJS.ProcessEnv;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-launcher-'));
  before = { ...process.env };
  const run = join(folder, 'run');
  mkdirSync(join(run, 'logs'), { recursive: true });
  Object.assign(process.env, { TEST_SERVICES_CACHE: join(folder, 'cache'), [RUN_FOLDER]: run });
  delete process.env['CI'];
});
afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  rmSync(folder, { recursive: true, force: true });
});

/** A server that no machine has. */
function service(changes: Partial<Service> = {}): Service {
  const install = async (into: string): Promise<void> => {
    appendFileSync(join(folder, 'installed.txt'), 'once\n');
    await new Promise((resolve) => setTimeout(resolve, 50));
    mkdirSync(join(into, 'usr/sbin'), { recursive: true });
    script(join(into, 'usr/sbin'));
  };
  return { name: 'made-up', variable: 'TEST_MADE_UP', binary: 'made-up-server', install, ...changes };
}

function script(into: string, command = ''): string {
  const path = join(into, 'made-up-server');
  writeFileSync(path, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
  return path;
}

function installations(): number {
  return existsSync(join(folder, 'installed.txt')) ? readFileSync(join(folder, 'installed.txt'), 'utf8').length / 5 : 0;
}

/** What is written to standard error meanwhile. */
async function hearing<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly said: string }> {
  let said = '';
  const write = jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
  try {
    return { result: await work(), said };
  } finally {
    write.mockRestore();
  }
}

describe('finding a server', () => {
  it('takes the binary that the environment names, and no other', async () => {
    process.env['TEST_MADE_UP'] = script(folder);
    expect(await findService(service(), 'a suite')).toMatchObject({ binary: join(folder, 'made-up-server') });
    for (const wrong of [join(folder, 'absent'), 'made-up-server', folder]) {
      process.env['TEST_MADE_UP'] = wrong;
      await expect(findService(service(), 'a suite')).rejects.toThrow(`TEST_MADE_UP names ${wrong}`);
    }
    expect(installations()).toBe(0);
  });

  it('refuses a named binary that cannot do what is needed, instead of taking another', async () => {
    process.env['TEST_MADE_UP'] = script(folder);
    const lacks = async () => await Promise.resolve('it has no module');
    await expect(findService(service({ lacks }), 'a suite')).rejects.toThrow('it has no module');
  });

  it.each([
    ['made-up version 2.10.1', undefined],
    ['made-up version 3.0.0', undefined],
    ['made-up version 2.5.9', 'it is older than 2.6'],
    ['made-up version 1.22.0', 'it is older than 2.6'],
    ['nothing of the kind', 'it is older than 2.6'],
  ])('compares the version that a binary tells: %s', async (told, lack) => {
    const found = { binary: script(folder, `echo ${told}`), root: '', env: {} };
    expect(await olderThan(found, ['-v'], [2, 6])).toBe(lack);
  });

  it('takes a binary of this machine before it installs one', async () => {
    process.env['PATH'] = `${process.env['PATH']}:${folder}`;
    script(folder);
    expect(await findService(service(), 'a suite')).toMatchObject({ binary: join(folder, 'made-up-server'), root: '' });
    expect(installations()).toBe(0);
  });

  it('installs once, however many ask at the same time, and never again', async () => {
    const { result, said } = await hearing(
      async () => await Promise.all(Array.from({ length: 5 }, async () => await findService(service(), 'a suite'))),
    );
    expect(new Set(result.map((found) => found?.binary)).size).toBe(1);
    expect(result[0]?.binary).toContain(join(folder, 'cache'));
    expect(said.match(/INSTALLING/g)).toHaveLength(1);
    await findService(service(), 'a suite');
    expect(installations()).toBe(1);
  });

  it('never finds an installation that broke off', async () => {
    const halfway = async (into: string): Promise<void> => {
      script(into);
      await Promise.reject(new Error('the mirror went away'));
    };
    const first = await hearing(async () => await findService(service({ install: halfway }), 'a suite'));
    expect(first.result).toBeUndefined();
    // Another run: in the same one, what failed is not tried again.
    const again = await hearing(async () => await findService(service(), 'another suite'));
    expect(again.said).toBe('LEFT OUT: another suite (the mirror went away)\n');
    expect(installations()).toBe(0);
    process.env[RUN_FOLDER] = join(folder, 'run/logs');
    const second = await hearing(async () => await findService(service(), 'a suite'));
    expect(second.result?.binary).toMatch(/usr\/sbin\/made-up-server$/);
  });

  it('says loudly which suite is left out and why, and has it counted', async () => {
    const install = async (): Promise<void> => await Promise.reject(new Error('there is no mirror'));
    const { result, said } = await hearing(async () => await findService(service({ install }), 'a suite'));
    expect(result).toBeUndefined();
    expect(said).toContain('LEFT OUT: a suite (there is no mirror)\n');
    expect(readFileSync(join(folder, 'run/left-out.txt'), 'utf8')).toBe('LEFT OUT: a suite (there is no mirror)\n');
  });

  it('leaves nothing out where CI=true', async () => {
    process.env['CI'] = 'true';
    const install = async (): Promise<void> => await Promise.reject(new Error('there is no mirror'));
    const asked = hearing(async () => await findService(service({ install }), 'a suite'));
    await expect(asked).rejects.toThrow('made-up cannot be had, and CI=true: there is no mirror');
  });
});

describe('a lock', () => {
  it('whose holder is gone is taken over', async () => {
    const path = join(folder, 'lock');
    const gone = spawn('/bin/true');
    await new Promise((resolve) => gone.once('exit', resolve));
    writeFileSync(path, String(gone.pid));
    expect(await withLock(path, 5_000, async () => await Promise.resolve('done'))).toBe('done');
    expect(existsSync(path)).toBe(false);
  });

  it('that is held for too long is given up, and left to its holder', async () => {
    const path = join(folder, 'lock');
    writeFileSync(path, String(process.ppid));
    await expect(withLock(path, 50, async () => await Promise.resolve())).rejects.toThrow('held by another process');
    expect(readFileSync(path, 'utf8')).toBe(String(process.ppid));
  });
});

describe('a server that runs', () => {
  /** A server with a child of its own; both say who they are. */
  const family = 'sleep 1000 & echo $$ $! > ids; wait';
  const idsIn = (path: string): readonly number[] =>
    readFileSync(join(path, 'ids'), 'utf8').trim().split(' ').map(Number);

  it('is gone with its children and its folder when it is stopped', async () => {
    const home = await makeHome('family');
    const ready = async () => await Promise.resolve(existsSync(join(home.path, 'ids')));
    const running = await Running.start(SH, home, { args: ['-c', family], ready });
    const ids = idsIn(home.path);
    expect(ids.map(isAlive)).toEqual([true, true]);
    await running.stop();
    await until(() => ids.every(isGone));
    expect(existsSync(home.path)).toBe(false);
  });

  it('is gone also when it does not want to', async () => {
    const home = await makeHome('stubborn');
    const ready = async () => await Promise.resolve(existsSync(join(home.path, 'ids')));
    const running = await Running.start(SH, home, { args: ['-c', `trap '' TERM; ${family}`], ready });
    const ids = idsIn(home.path);
    await running.stop();
    await until(() => ids.every(isGone));
  });

  it.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)('is gone when its test ends by %s', async (signal) => {
    const home = await makeHome('orphan');
    const test = startsIn(home.path, family);
    await until(() => existsSync(join(home.path, 'ids')) && idsIn(home.path).length === 2);
    const ids = idsIn(home.path);
    expect(ids.map(isAlive)).toEqual([true, true]);
    process.kill(-test.pid!, signal);
    await until(() => ids.every(isGone) && !existsSync(home.path));
  });

  it('that ends at start is told with what it said', async () => {
    const home = await makeHome('broken');
    const ready = async () => await Promise.resolve(false);
    const started = Running.start(SH, home, { args: ['-c', 'echo no such option >&2; exit 3'], ready });
    await expect(started).rejects.toThrow('ended at start: no such option');
    expect(existsSync(home.path)).toBe(false);
  });

  /** One that has ended stays in the list until its parent, whoever that is by now, takes notice. */
  function isGone(pid: number): boolean {
    if (!isAlive(pid)) return true;
    try {
      return / Z \d/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return !isAlive(pid);
    }
  }

  /** Another process, in a group of its own as jest in a terminal, that starts a server as tests do. */
  function startsIn(path: string, command: string): ChildProcess {
    const watchdog = fileURLToPath(new URL('watchdog.ts', import.meta.url));
    const start = `require('node:child_process').spawn(process.execPath, ['--disable-warning=ExperimentalWarning',
      ${JSON.stringify(watchdog)}, ${JSON.stringify(path)}, '/bin/sh', '-c', ${JSON.stringify(command)}],
      { cwd: ${JSON.stringify(path)}, detached: true, stdio: ['pipe', 'ignore', 'ignore'] }); setInterval(() => {}, 1000)`;
    return spawn(process.execPath, ['-e', start], { detached: true, stdio: 'ignore' });
  }

  async function until(met: () => boolean): Promise<void> {
    while (!met()) await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

describe('the end of a run', () => {
  const report = async (failed: number, logs: boolean): Promise<{ readonly said: string; readonly run: string }> => {
    const reporter = fileURLToPath(new URL('run-reporter.ts', import.meta.url));
    const script = `import Reporter from ${JSON.stringify(reporter)}; import fs from 'node:fs';
      const reporter = new Reporter(); const run = process.env.${RUN_FOLDER};
      fs.writeFileSync(run + '/left-out.txt', 'LEFT OUT: one (why)\\nLEFT OUT: one (why)\\nLEFT OUT: two (why)\\n');
      if (${logs}) fs.writeFileSync(run + '/logs/server.log', 'said');
      reporter.onRunComplete({}, { numFailedTests: ${failed}, numRuntimeErrorTestSuites: 0 });
      process.stdout.write(run);`;
    const child = spawn(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '-e',
      script,
    ]);
    let [said, run] = ['', ''];
    child.stderr.on('data', (text) => (said += String(text)));
    child.stdout.on('data', (text) => (run += String(text)));
    await new Promise((resolve) => child.once('close', resolve));
    return { said, run };
  };

  it('counts the suites that were left out, each once', async () => {
    const { said } = await report(0, true);
    expect(said).toContain('Left out: 2\nLEFT OUT: one (why)\nLEFT OUT: two (why)\n');
  });

  it('keeps the logs of servers when a test failed, and only then', async () => {
    const green = await report(0, true);
    expect(green.said).not.toContain('Logs of the servers');
    expect(existsSync(green.run)).toBe(false);
    const red = await report(1, true);
    expect(red.said).toContain(`Logs of the servers that tests started: ${red.run}/logs`);
    expect(readFileSync(join(red.run, 'logs/server.log'), 'utf8')).toBe('said');
    rmSync(red.run, { recursive: true });
    const without = await report(1, false);
    expect(existsSync(without.run)).toBe(false);
  });
});
