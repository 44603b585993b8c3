import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { makeCertificate } from '../support/certificates.js';
import { ISSUER } from '../support/tokens.js';
import { writeWorld } from '../support/world.js';
import { freePort } from '../support/services/ports.js';
import { faultOfLogLine } from './judge.js';
import { makeKeys, policiesOf, secretsOf, type Aim } from './world.js';

/** What a gateway holds and has done, as itself and the kernel say it. */
export interface Held {
  /** Entries in the store: spent proofs, grants. */
  readonly keys: number;
  readonly heapBytes: number;
  readonly externalBytes: number;
  /** Resident, all of it. */
  readonly rssBytes: number;
  readonly descriptors: number;
  /** Since it listens. */
  readonly connections: number;
  readonly datagrams: number;
  readonly names: number;
  /** Sockets of the process that are neither its listener nor accepted by it. */
  readonly outbound: readonly string[];
}

export interface StartOptions {
  /** The compiled gateway's folder (`dist`), and the folder that it is run in. */
  readonly dist: string;
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /** Where its world and its audit trail lie: a slow disk is not what is asked about here. */
  readonly place?: string;
}

interface Place extends Pick<Aim, 'keys' | 'certificate'> {
  readonly port: number;
  readonly folder: string;
  readonly canary: string;
}

/** As much as can be attacked: some of the addresses that hostile requests come from are those of a proxy that is believed. */
const SETTINGS = { ALLOW_UNBOUND_TOKENS: false, TRUSTED_PROXY_CIDRS: '127.0.0.16/28', CLIENT_CERT_HEADER: true };

/** A real gateway: its own process, from configuration to audit files, started as `npm start` does it, with a world of its own. */
export class GatewayProcess {
  readonly port: number;
  readonly aim: Aim;
  readonly canary: string;
  readonly auditDir: string;
  /** What was wrong with lines of its log, at most a few. */
  readonly logFaults: string[] = [];
  /** Answers by status, by what the log says. */
  readonly logged = new Map<number, number>();
  /** Answers of the line: what reached a route of the Secrets API, and was not refused for its size, type or address. */
  reachedLine = 0;
  logLines = 0;
  stderr = '';
  readonly spent: Buffer[] = [];
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #ended: Promise<number | string>;
  #rest = '';

  private constructor(child: ChildProcess, place: Place) {
    this.#child = child;
    this.#folder = place.folder;
    this.port = place.port;
    this.canary = place.canary;
    this.auditDir = join(place.folder, 'audit');
    const host = `127.0.0.1:${place.port}`;
    this.aim = { origin: `http://${host}`, host, keys: place.keys, certificate: place.certificate, spent: this.spent };
    this.#ended = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve(code ?? signal ?? 'gone'));
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
  }

  static async start({ dist, settings = {}, place = tmpdir() }: StartOptions): Promise<GatewayProcess> {
    const folder = await mkdtemp(join(place, 'postern-hostile-'));
    const keys = makeKeys();
    const canary = `canary-${randomBytes(18).toString('base64url')}`;
    const certificate = await makeCertificate({ name: 'svc-billing' });
    const port = await freePort();
    const profile = await writeWorld(folder, {
      keys,
      canary,
      policies: { acme: policiesOf(ISSUER) },
      secrets: secretsOf,
      settings: { LISTEN_ADDR: `127.0.0.1:${port}`, ...SETTINGS, ...settings },
    });
    const inspect = fileURLToPath(new URL('inspect.ts', import.meta.url));
    const args = [...NODE, '--import', inspect, join(dist, 'src/main.js'), '--profile', profile];
    const child = spawn(process.execPath, args, {
      env: { PATH: process.env['PATH'], HOSTILE_DIST: dist },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const started = new GatewayProcess(child, { port, folder, canary, keys, certificate });
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('close', () => process.off('exit', kill));
    while (!started.stderr.includes('listens on')) {
      if (child.exitCode !== null) throw new Error(`the gateway ended: ${started.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return started;
  }

  /** @param collected after a whole garbage collection */
  async held(collected = false): Promise<Held> {
    const told = new Promise<Omit<Held, 'rssBytes' | 'descriptors' | 'outbound'>>((resolve) => {
      this.#child.once('message', (message) => resolve(message as Omit<Held, 'rssBytes' | 'descriptors' | 'outbound'>));
    });
    this.#child.send({ collected });
    return {
      ...(await told),
      rssBytes: Number(this.#proc('statm').split(' ')[1]) * 4_096,
      descriptors: this.#links().length,
      outbound: this.#outbound(),
    };
  }

  /** Drains and ends it. @returns how it ended: 0 when all was in order */
  async stop(): Promise<number | string> {
    this.#child.kill('SIGTERM');
    return await this.#ended;
  }

  async remove(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
    await rm(this.#folder, { recursive: true, force: true });
  }

  #hear(text: string): void {
    const lines = `${this.#rest}${text}`.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      this.logLines += 1;
      const { msg, level, status, route } = said(line);
      // What the configuration warns of is said before anything is served.
      if (level === 'warn' && this.logged.size === 0) continue;
      const fault = faultOfLogLine(line) ?? (line.includes(this.canary) ? 'tells a value' : undefined);
      if (fault !== undefined && this.logFaults.length < 20) this.logFaults.push(`${fault}: ${line.slice(0, 300)}`);
      if (msg !== 'answered' || status === undefined) continue;
      this.logged.set(status, (this.logged.get(status) ?? 0) + 1);
      if (route !== '-' && ![404, 413, 415].includes(status)) this.reachedLine += 1;
    }
  }

  #proc(file: string): string {
    return readFileSync(`/proc/${this.#child.pid}/${file}`, 'utf8');
  }

  #links(): readonly string[] {
    const folder = `/proc/${this.#child.pid}/fd`;
    return readdirSync(folder).flatMap((name) => {
      try {
        return [readlinkSync(join(folder, name))];
      } catch {
        return []; // closed meanwhile
      }
    });
  }

  /** By the kernel's own tables: what this process has open that is not on its port. */
  #outbound(): readonly string[] {
    const inodes = new Set(this.#links().flatMap((link) => /^socket:\[(\d+)\]$/u.exec(link)?.[1] ?? []));
    const ours = this.port.toString(16).toUpperCase().padStart(4, '0');
    return ['net/tcp', 'net/tcp6', 'net/udp', 'net/udp6'].flatMap((table) =>
      this.#proc(table)
        .split('\n')
        .slice(1)
        .map((row) => row.trim().split(/ +/u))
        .filter((row) => inodes.has(row[9] ?? '') && !(row[1] ?? '').endsWith(`:${ours}`))
        .map((row) => `${table} ${row[1]} to ${row[2]}`),
    );
  }
}

/** As `npm start` has them. */
const NODE = ['--max-semi-space-size=8', '--heap-growing-percent=40'];

interface Said {
  readonly msg?: string;
  readonly level?: string;
  readonly status?: number;
  readonly route?: string;
}

function said(line: string): Said {
  try {
    return JSON.parse(line) as Said;
  } catch {
    return {};
  }
}
