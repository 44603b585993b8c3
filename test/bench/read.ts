import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';

import { openLocalProfile } from '#src/dev/local-profile.js';

import { load, percentile, type Measured } from './load.ts';
import { ProofMaker } from './proofs.ts';
import type { Options } from './run.ts';
import { ServerProcess } from './server-process.ts';

const URI = 'yaml://dev/bench/hot#value';
const PATH = `/api/secrets/value/${encodeURIComponent(URI)}`;

const ES256 = 'test/bench/servers/fastify-es256.ts';

/** Cut from the measurement: until then the compiler is still at work. */
const WARM_UP_REQUESTS = 20_000;

/** As `npm start` has them: see docs/decisions/0011. */
const MEMORY_FLAGS = ['--max-semi-space-size=8', '--heap-growing-percent=40'];

interface Round {
  readonly rps: number;
  readonly cpuUs: number;
  readonly p50: number;
  readonly p99: number;
}

/** The hot read (a live grant, a bound caller, a fresh proof each time) beside its floors, in alternate rounds. */
export async function read(options: Options): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  const env = { STATE_DIR: join(folder, 'state'), AUDIT_DIR: join(folder, 'audit'), DPOP_NONCE: 'off' };
  const servers = {
    'bare Fastify': await ServerProcess.start(['test/bench/servers/bare-fastify.ts']),
    'Fastify + ES256, jose': await ServerProcess.start([ES256], { VERIFY: 'jose' }),
    'Fastify + ES256, raw': await ServerProcess.start([ES256], { VERIFY: 'raw' }),
    'Fastify + ES256, DER': await ServerProcess.start([ES256], { VERIFY: 'der' }),
    Postern: await ServerProcess.start([...MEMORY_FLAGS, 'dist/src/main.js', '--profile', 'local'], env),
  };
  const maker = new ProofMaker();
  const { issuer } = await openLocalProfile(env);
  const token = await issuer.mintDevToken({ jkt: maker.jkt });
  const requests = (port: number, count: number): readonly Buffer[] =>
    Array.from({ length: count }, () => {
      const proof = maker.proof('GET', `http://127.0.0.1:${port}${PATH}`, token);
      return Buffer.from(
        `GET ${PATH} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: DPoP ${token}\r\nDPoP: ${proof}\r\n\r\n`,
      );
    });

  const results: Record<string, Round[]> = {};
  const memory: Record<string, number> = {};
  try {
    for (const [name, server] of Object.entries(servers)) {
      memory[`${name}: after start`] = server.rssMb();
      await load(server.port, requests(server.port, WARM_UP_REQUESTS), options.connections);
    }
    for (let round = 0; round < options.rounds; round += 1) {
      for (const [name, server] of Object.entries(servers)) {
        const prepared = requests(server.port, options.requests);
        const before = server.cpuSeconds();
        const measured = await load(server.port, prepared, options.connections);
        expectAllOk(name, measured);
        (results[name] ??= []).push(roundOf(measured, server.cpuSeconds() - before));
        progress(`round ${round + 1} of ${options.rounds}: ${name}`);
      }
    }
    for (const [name, server] of Object.entries(servers)) memory[`${name}: after rounds`] = server.rssMb();
    await longRun();
  } finally {
    await Promise.all(Object.values(servers).map((server) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
  report();

  async function longRun(): Promise<void> {
    const server = servers.Postern;
    const batch = 5000;
    for (let done = 0; done < options.long; done += batch) {
      expectAllOk('long run', await load(server.port, requests(server.port, batch), options.connections));
      const reached = done + batch;
      if (reached % 100_000 === 0) memory[`Postern: after ${reached} requests`] = server.rssMb();
      progress(`long run: ${reached} of ${options.long}, ${server.rssMb().toFixed(0)} MB`);
    }
  }

  function report(): void {
    const medians = Object.fromEntries(Object.entries(results).map(([name, rounds]) => [name, medianOf(rounds)]));
    const ours = medians['Postern']?.cpuUs ?? Number.NaN;
    const lines = Object.entries(medians).map(([name, { rps, cpuUs, p50, p99 }]) =>
      [
        name.padEnd(20),
        rps.toFixed(0),
        cpuUs.toFixed(0),
        p50.toFixed(2),
        p99.toFixed(2),
        (cpuUs / ours).toFixed(2),
      ].join('\t'),
    );
    const machine = { cpu: cpus()[0]?.model ?? '', cores: availableParallelism(), node: process.version };
    const ready = servers.Postern.readyMs;
    process.stdout.write(
      [
        `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; servers pinned to core 1; ${options.connections} connections`,
        `medians of ${options.rounds} rounds of ${options.requests} requests`,
        [
          'server'.padEnd(20),
          'req/s',
          'CPU µs',
          'p50 ms',
          'p99 ms',
          "Postern's requests per CPU second against it",
        ].join('\t'),
        ...lines,
        `ready after ${ready.toFixed(0)} ms`,
        ...Object.entries(memory).map(([when, mb]) => `RSS ${when}: ${mb.toFixed(0)} MB`),
        '',
      ].join('\n'),
    );
    mkdirSync('test/bench/results', { recursive: true });
    const file = `test/bench/results/read-${new Date().toISOString().slice(0, 10)}.json`;
    writeFileSync(file, `${JSON.stringify({ machine, options, readyMs: ready, memory, medians, results }, null, 2)}\n`);
    process.stdout.write(`raw results: ${file}\n`);
  }
}

function roundOf(measured: Measured, cpuSeconds: number): Round {
  return {
    rps: measured.requests / measured.seconds,
    cpuUs: (cpuSeconds * 1e6) / measured.requests,
    p50: percentile(measured.latencies, 0.5),
    p99: percentile(measured.latencies, 0.99),
  };
}

function medianOf(rounds: readonly Round[]): Round {
  const middle = (pick: (round: Round) => number): number =>
    rounds.map(pick).sort((a, b) => a - b)[Math.floor(rounds.length / 2)] ?? Number.NaN;
  return {
    rps: middle((r) => r.rps),
    cpuUs: middle((r) => r.cpuUs),
    p50: middle((r) => r.p50),
    p99: middle((r) => r.p99),
  };
}

function expectAllOk(name: string, { statuses, requests }: Measured): void {
  if (statuses['200'] !== requests) throw new Error(`${name}: not all answers were 200: ${JSON.stringify(statuses)}`);
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
}
