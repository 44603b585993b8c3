import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { Built, type Ended } from '../cli/built.js';
import { blocks, isInstalled, page } from './markdown.js';

const all = blocks(page('docs/callers/mtls.md'), 'sh');
const [makeCertificates = '', startTls = '', ask = '', askWithout = '', askKeyed = '', ...more] = all;
const [thumbprint = '', startBehind = '', hand = ''] = more;

const TOOLS = isInstalled('curl') && isInstalled('openssl', 'version');
if (!TOOLS) process.stderr.write('LEFT OUT: test/docs/mtls.spec.ts (curl and openssl are not installed)\n');

/** Each pasted command starts a shell, and most of them npx. */
const SLOW_MS = 120_000;

/** A clean clone, a shell in it, and a gateway beside it. */
class Laptop {
  readonly #built = new Built();
  #gateway: ChildProcess | undefined;
  #origin = '';

  /** What stands before `npm start` on the page are the settings; the port is a free one. */
  async start(command: string): Promise<void> {
    await this.end();
    const settings = Object.fromEntries(
      command
        .trim()
        .split(' ')
        .filter((word) => word.includes('='))
        .map((word) => word.split('=', 2) as [string, string]),
    );
    const gateway = spawn(process.execPath, [join(this.#built.root, 'dist/src/main.js'), '--profile', 'local'], {
      cwd: this.#built.root,
      env: { PATH: process.env['PATH'], LISTEN_ADDR: '127.0.0.1:0', ...settings },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#gateway = gateway;
    process.once('exit', () => gateway.kill('SIGKILL'));
    let said = '';
    this.#origin = await new Promise((resolve, reject) => {
      gateway.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        const origin = /^Postern listens on (https?:\/\/[0-9.:]+)/m.exec(said)?.[1];
        if (origin !== undefined) resolve(origin);
      });
      gateway.once('close', () => reject(new Error(`the gateway did not start, and said: ${said}`)));
    });
  }

  /** As pasted, but for the port. */
  async shell(command: string): Promise<Ended> {
    const pasted = command.replaceAll(/https?:\/\/127\.0\.0\.1:8080/g, this.#origin);
    const env = { PATH: process.env['PATH'] ?? '', npm_config_offline: 'true', npm_config_update_notifier: 'false' };
    return await new Promise((resolve) => {
      execFile('sh', ['-ec', pasted], { cwd: this.#built.root, env, timeout: 25_000 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      });
    });
  }

  async end(): Promise<void> {
    if (this.#gateway === undefined || this.#gateway.exitCode !== null) return;
    const ended = once(this.#gateway, 'close');
    this.#gateway.kill('SIGTERM');
    await ended;
  }

  async remove(): Promise<void> {
    await this.end();
    this.#built.remove();
  }
}

describe('docs/callers/mtls.md', () => {
  it('holds the commands that this suite runs, and no other', () => {
    expect(all).toHaveLength(8);
    expect([startTls, startBehind].every((block) => block.endsWith(' npm start\n'))).toBe(true);
  });

  if (!TOOLS) return;

  let laptop: Laptop;
  beforeAll(async () => {
    laptop = new Laptop();
    expect(await laptop.shell(makeCertificates)).toMatchObject({ code: 0 });
  }, SLOW_MS);
  afterAll(async () => await laptop.remove());

  it(
    'M1: opens with the certificate that the token names, and not without',
    async () => {
      await laptop.start(startTls);
      const answer = await laptop.shell(ask);
      expect({ ...answer, stdout: JSON.parse(answer.stdout) as unknown }).toMatchObject({
        code: 0,
        stdout: { uri: 'yaml://dev/payments/api#token', key: 'token' },
      });
      const [token = ''] = ask.split('\n');
      const refused = await laptop.shell(`${token}\n${askWithout}`);
      expect(JSON.parse(refused.stdout)).toMatchObject({ status: 401, code: 'INVALID_TOKEN' });
      expect(await laptop.shell(askKeyed)).toMatchObject({ code: 0, stdout: expect.stringContaining('"key"') });
    },
    SLOW_MS,
  );

  it(
    'M8: opens with the certificate that a proxy hands over',
    async () => {
      await laptop.start(startBehind);
      const answer = await laptop.shell(hand);
      expect(JSON.parse(answer.stdout)).toMatchObject({ uri: 'yaml://dev/payments/api#token', key: 'token' });
    },
    SLOW_MS,
  );

  it(
    'prints the thumbprint as the setting takes it',
    async () => {
      const { stdout } = await laptop.shell(thumbprint);
      const [, spelled = ''] = stdout.trim().split('=');
      expect(spelled).toMatch(/^[0-9A-F]{2}(:[0-9A-F]{2}){31}$/);
      await laptop.start(
        startTls.replace('npm start', `TRUSTED_PROXY_CIDRS=127.0.0.1 TRUSTED_PROXY_THUMBPRINTS=${spelled} npm start`),
      );
    },
    SLOW_MS,
  );
});
