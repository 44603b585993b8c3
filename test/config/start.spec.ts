import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import { Built } from '../cli/built.js';
import { newKey } from './fixture.js';

let built: Built;
beforeAll(() => {
  built = new Built();
});
afterAll(() => built.remove());

const LINES = {
  SECRETS_API_REQUIRE_AUTH:
    'SECRETS_API_REQUIRE_AUTH IS OFF: whoever sends no token at all is let in as the subject anonymous of TENANT_ID.',
  ENABLE_AUTHORIZATION:
    'ENABLE_AUTHORIZATION IS OFF: no policy is asked, whatever passes the mount check is permitted.',
  SECRETS_ENFORCE_SCOPES: 'SECRETS_ENFORCE_SCOPES IS OFF: a token may do what its scopes do not say.',
};
const ALL_OFF = Object.fromEntries(Object.keys(LINES).map((name) => [name, 'false']));

describe('a start with switches off', () => {
  let gateway: ChildProcess | undefined;
  afterEach(() => void gateway?.kill('SIGKILL'));

  /** Starts until people are told where it listens, then drains: what stands in the log and on the terminal. */
  async function start(env: Readonly<Record<string, string>>): Promise<{ log: string[]; terminal: string[] }> {
    const child = spawn(process.execPath, [join(built.root, 'dist/src/main.js'), '--profile', 'local'], {
      cwd: built.root,
      env: { PATH: process.env['PATH'], LISTEN_ADDR: '127.0.0.1:0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    gateway = child;
    let [log, terminal] = ['', ''];
    child.stdout.on('data', (text) => (log += String(text)));
    child.stderr.on('data', (text) => (terminal += String(text)));
    while (!terminal.includes('listens on') && child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'close');
    return { log: log.trim().split('\n'), terminal: terminal.split('\n') };
  }

  it('shouts one line for each in the log and one on the terminal', async () => {
    const { log, terminal } = await start(ALL_OFF);
    const warnings = log
      .map((line) => JSON.parse(line) as { level: string; msg: string })
      .filter(({ level }) => level === 'warn')
      .map(({ msg }) => msg);
    for (const line of Object.values(LINES)) {
      expect(warnings.filter((each) => each === line)).toHaveLength(1);
      expect(terminal.filter((each) => each === line)).toHaveLength(1);
    }
    expect(warnings.slice(0, 3)).toEqual(Object.values(LINES));
  });

  it('shouts nothing of a switch that is on', async () => {
    const { log, terminal } = await start({ SECRETS_ENFORCE_SCOPES: 'false' });
    const said = [...log, ...terminal].join('\n');
    expect(said).toContain(LINES.SECRETS_ENFORCE_SCOPES);
    expect(said).not.toContain('ENABLE_AUTHORIZATION');
    expect(said).not.toContain('SECRETS_API_REQUIRE_AUTH');
  });
});

describe('a start as production', () => {
  it.each(['production', 'staging'])(
    'I26: %s refuses every switch that is off, beside all else, in one list',
    async (environment) => {
      const key = newKey();
      const ended = await built.node([join(built.root, 'dist/src/main.js'), '--profile', 'local'], {
        ...ALL_OFF,
        ENVIRONMENT: environment,
        ROOT_KEY: key,
      });
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      for (const name of Object.keys(LINES)) {
        expect(ended.stderr).toContain(
          `  ${name} is false, which is refused when ENVIRONMENT is ${environment}: remove it`,
        );
      }
      expect(ended.stderr).toMatch(/^ {2}DEVELOPMENT_ISSUER cannot be on/m);
      expect(ended.stderr).toMatch(/^ {2}PUBLIC_ORIGIN is required/m);
      expect(ended.stderr).not.toContain(key);
      expect(ended.stderr).not.toMatch(/^ +at /m);
    },
  );

  it('I26: an unset ENVIRONMENT refuses them too, since unset is production', async () => {
    const ended = await built.node([join(built.root, 'dist/src/main.js')], ALL_OFF);
    expect(ended.code).toBe(1);
    for (const name of Object.keys(LINES)) {
      expect(ended.stderr).toContain(`  ${name} is false, which is refused when ENVIRONMENT is production`);
    }
  });
});
