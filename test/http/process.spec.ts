import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import { packageRoot } from '#src/config/disk.js';

import { Built } from '../cli/built.js';
import { freePort } from '../support/services/ports.js';
import { ask, Wire } from './wire.js';

const SECRET = '/api/secrets/value/yaml%3A%2F%2Fdev%2Fpayments%2Fapi%23token';

let built: Built;
let started: Gateway[] = [];

beforeAll(() => {
  built = new Built();
});
afterEach(async () => {
  await Promise.all(started.map(async (gateway) => await gateway.kill()));
  started = [];
});
afterAll(() => built.remove());

/** A gateway as a process of its own, and what it wrote. */
class Gateway {
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | string>;
  readonly #child: ChildProcess;

  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [join(built.root, 'dist/src/main.js'), ...args], {
      cwd: built.root,
      env: { PATH: process.env['PATH'], POLICIES_DIR: join(packageRoot(), 'policies'), ...env },
    });
    this.#child.stdout?.on('data', (text) => (this.stdout += String(text)));
    this.#child.stderr?.on('data', (text) => (this.stderr += String(text)));
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => resolve(code ?? signal ?? 'gone'));
    });
    started.push(this);
  }

  /** Resolves with the port, once a person has been told where the gateway listens. */
  async listening(): Promise<number> {
    for (;;) {
      const port = /listens on http:\/\/127\.0\.0\.1:([0-9]+)/.exec(this.stderr)?.[1];
      if (port !== undefined) return Number(port);
      if (this.#child.exitCode !== null) throw new Error(`ended: ${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}

async function local(): Promise<{ readonly gateway: Gateway; readonly port: number }> {
  const gateway = new Gateway(['--profile', 'local'], { LISTEN_ADDR: `127.0.0.1:${await freePort()}` });
  return { gateway, port: await gateway.listening() };
}

function bearerOf(gateway: Gateway): string {
  return /Authorization: (Bearer [A-Za-z0-9._-]+)/.exec(gateway.stderr)?.[1] ?? '';
}

function request(port: number, line: string, ...fields: readonly string[]): string {
  return [`${line} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...fields, '', ''].join('\r\n');
}

describe('the gateway as a process', () => {
  it('gives a secret by each of the five routes, and HEAD takes no use of it', async () => {
    const { gateway, port } = await local();
    const authorization = `Authorization: ${bearerOf(gateway)}`;
    const uri = 'yaml://dev/payments/api#token';
    const encoded = encodeURIComponent(uri);
    const body = JSON.stringify({ uri });
    const posted = [authorization, 'Content-Type: application/json', `Content-Length: ${body.length}`];
    for (const bytes of [
      request(port, `GET /api/secrets/value/${encoded}`, authorization),
      request(port, `GET /api/secrets/value?uri=${encoded}`, authorization),
      request(port, 'POST /api/secrets/value', ...posted) + body,
      request(port, `GET /api/secrets?uri=${encoded}`, authorization),
      request(port, `GET /api/secrets/read/${encoded}`, authorization),
    ]) {
      const { status, headers, problem } = await ask(port, bytes);
      expect({ bytes: bytes.split('\r\n')[0], status }).toMatchObject({ status: 200 });
      expect(problem).toMatchObject({ key: 'token', value: 'not-a-secret-payments-token', grant: {} });
      expect(headers['postern-receipt']).toEqual([problem['receipt']]);
      expect(headers['cache-control']).toEqual(['no-store']);
    }
    const head = await ask(port, request(port, `HEAD ${SECRET}`, authorization), { toHead: true });
    expect(head.status).toBe(405);
    expect(gateway.stdout + gateway.stderr).not.toContain('not-a-secret');
  });

  it('T21: opens no inspector on SIGUSR1, and goes on', async () => {
    const { gateway, port } = await local();
    gateway.signal('SIGUSR1');
    expect((await ask(port, request(port, `GET ${SECRET}`))).status).toBe(401);
    expect(gateway.stderr).not.toMatch(/debugger|inspector/i);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'drains on %s: what is under way is answered, then it ends in order',
    async (signal) => {
      const { gateway, port } = await local();
      const wire = await Wire.open(port);
      const fields = ['Content-Type: application/json', 'Content-Length: 11'];
      wire.send(request(port, 'POST /api/secrets/value', ...fields, 'Expect: 100-continue'));
      await wire.until('100 Continue\r\n\r\n');
      gateway.signal(signal);
      while (!gateway.stdout.includes('draining')) {
        // The line may still be held back; a connection that is refused says the same.
        if (await refused(port)) break;
      }
      expect((await wire.send('{"uri":"a"}').answer()).status).toBe(401);
      expect(await gateway.ended).toBe(0);
      const lines = gateway.stdout.trimEnd().split('\n');
      expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toContain('answered');
    },
  );
});

async function refused(port: number): Promise<boolean> {
  try {
    (await Wire.open(port)).end();
    return false;
  } catch {
    return true;
  }
}

describe('a gateway that cannot start', () => {
  it('says everything that is wrong with the configuration in one list, without a stack', async () => {
    const gateway = new Gateway([], {});
    expect(await gateway.ended).toBe(1);
    expect(gateway.stderr).toMatch(/^The configuration cannot be used \([0-9]+ faults\):\n/);
    expect(gateway.stderr).not.toMatch(/^ +at /m);
  });

  it('says that the port is taken', async () => {
    const { port } = await local();
    const second = new Gateway(['--profile', 'local'], { LISTEN_ADDR: `127.0.0.1:${port}`, AUDIT_DIR: 'var/second' });
    expect(await second.ended).toBe(1);
    expect(second.stderr).toMatch(/^Postern does not start: .*EADDRINUSE.*\n$/);
  });

  it('says that an option is not known', async () => {
    const gateway = new Gateway(['--bogus'], {});
    expect(await gateway.ended).toBe(1);
    expect(gateway.stderr).toMatch(/^Postern does not start: .*--bogus.*\n$/);
  });
});
