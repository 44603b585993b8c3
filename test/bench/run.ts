/**
 * `npm run bench -- <name> [--option value …]`: measurements, never timed tests. Comparisons are ratios taken in one run on one machine,
 * the peers in alternate rounds; raw results are kept under test/bench/results/.
 */
import { parseArgs } from 'node:util';

import { read } from './read.ts';

const BENCHES: Readonly<Record<string, { readonly run: (options: Options) => Promise<void>; readonly says: string }>> =
  {
    read: {
      run: read,
      says: 'the hot read in the local profile, beside bare Fastify and bare Fastify plus one ES256 verify',
    },
  };

export interface Options {
  /** Requests of each round and server. */
  readonly requests: number;
  readonly rounds: number;
  readonly connections: number;
  /** Requests of one long run after the rounds, to see whether memory stays flat; 0 leaves it out. */
  readonly long: number;
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    requests: { type: 'string', default: '8000' },
    rounds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '16' },
    long: { type: 'string', default: '0' },
    help: { type: 'boolean', default: false },
  },
});

const [name] = positionals;
const bench = BENCHES[name ?? ''];
if (bench === undefined || values.help) {
  process.stderr.write('Usage: npm run bench -- <name> [--requests N] [--rounds N] [--connections N] [--long N]\n');
  for (const [each, { says }] of Object.entries(BENCHES)) process.stderr.write(`  ${each}  ${says}\n`);
  process.exit(values.help ? 0 : 2);
}
await bench.run({
  requests: Number(values.requests),
  rounds: Number(values.rounds),
  connections: Number(values.connections),
  long: Number(values.long),
});
