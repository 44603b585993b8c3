/**
 * `npm run hostile -- --requests 100000 --seed N`: hostile requests against a real gateway process, and what they did to it. Exit code 1
 * when anything that must hold did not. The report goes to standard output (`--json`: as JSON), progress to standard error.
 */
import { constants, cpus, setPriority } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { campaign, renew, trailReport } from './campaign.js';
import { GatewayProcess, type Held } from './gateway-process.js';
import { Neighbour, type Pace } from './neighbour.js';
import { render, verdictsOf, type HostileReport } from './report.js';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    first: { type: 'string', default: '0' },
    warm: { type: 'string', default: '45000' },
    place: { type: 'string' },
    'at-once': { type: 'string', default: '64' },
    'per-second': { type: 'string', default: '500' },
    'held-one-in': { type: 'string', default: '400' },
    neighbour: { type: 'string', default: '50' },
    alone: { type: 'string', default: '30' },
    window: { type: 'string', default: '75' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stderr.write(`Usage: npm run hostile -- [options]
  --requests N      how many hostile requests (100000)
  --seed N          the same seed makes the same requests
  --first N         number of the first, to meet a single one again with --requests 1
  --warm N          requests of another seed before anything is measured, until every bounded cache is full (45000)
  --place DIR       where the gateway's files lie, such as /dev/shm where the disk is slow (the system's folder for temporary files)
  --at-once N       connections at once (64)
  --per-second N    at most so many a second, 0: as fast as it goes (500)
  --held-one-in N   one in so many is never ended and holds its connection, 0: none (400)
  --neighbour N     honest reads a second by a client beside them (50)
  --alone S         seconds for which that client is alone, before and after (30)
  --window S        seconds to wait at the end until what honest requests left has ended (75)
  --json            the whole report as JSON
`);
  process.exit(0);
}

const number = (
  name:
    | 'requests'
    | 'seed'
    | 'first'
    | 'warm'
    | 'at-once'
    | 'per-second'
    | 'held-one-in'
    | 'neighbour'
    | 'alone'
    | 'window',
): number => Number(values[name]);
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const seconds = async (count: number): Promise<void> =>
  await new Promise((resolve) => setTimeout(resolve, count * 1000));

const report = await run();
process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : render(report));
process.exitCode = report.verdicts.every(({ holds }) => holds) ? 0 : 1;

async function run(): Promise<HostileReport> {
  const seed = number('seed');
  const gateway = await GatewayProcess.start({
    dist: join(process.cwd(), 'dist'),
    ...(values.place !== undefined && { place: values.place }),
  });
  const neighbour = await Neighbour.start();
  // Attackers have machines of their own: what it costs to make their requests is not taken from the gateway, nor from its client.
  setPriority(constants.priority.PRIORITY_LOW);
  try {
    say(`seed ${seed}; the gateway listens on port ${gateway.port}`);
    const sending = {
      seed,
      atOnce: number('at-once'),
      perSecond: number('per-second'),
      hangMs: 1_000,
      heldMs: 14_000,
      heldOneIn: number('held-one-in'),
    };
    // Code that was never run and caches that are empty are no part of what is asked about.
    await renew(gateway);
    const warm = await campaign(gateway, {
      ...sending,
      seed: seed + 1,
      requests: number('warm'),
      perSecond: 0,
      heldOneIn: 0,
    });
    say(`warmed up with ${warm.sent} requests of another seed, ${warm.faultCount} faults`);
    await seconds(number('window'));
    const before = await settled(gateway);

    const paces: Pace[] = [];
    const listen = async (during: string, act: () => Promise<void>): Promise<void> => {
      await neighbour.begin(gateway, number('neighbour'));
      await act();
      paces.push({ during, ...(await neighbour.end()) });
    };
    await listen('alone, before', async () => await seconds(number('alone')));
    let highest = await gateway.held();
    const watch = setInterval(() => {
      void gateway.held().then((held) => (highest = higher(highest, held)));
    }, 1_000);
    let sent = warm;
    await listen('beside the hostile requests', async () => {
      sent = await campaign(gateway, {
        ...sending,
        requests: number('requests'),
        first: number('first'),
        progress: (done) => say(`${done} sent`),
      });
    });
    clearInterval(watch);
    await listen('alone, after', async () => await seconds(number('alone')));

    say(`waiting ${number('window')} s for the window to pass`);
    await seconds(number('window'));
    const after = await settled(gateway);
    const { logFaults, logLines } = gateway;
    const ended = await gateway.stop();
    const trail = await trailReport(gateway);
    const facts = {
      machine: {
        cpu: cpus()[0]?.model ?? 'unknown',
        cores: cpus().length,
        node: process.version,
        date: new Date().toISOString(),
      },
      options: { ...sending, requests: number('requests'), first: number('first'), warm: number('warm') },
      campaign: sent,
      held: { before, highest, after },
      paces,
      log: { lines: logLines, faults: logFaults, reachedLine: gateway.reachedLine },
      trail,
      ended,
    };
    return { ...facts, verdicts: verdictsOf(facts) };
  } finally {
    neighbour.stop();
    await gateway.remove();
  }
}

/** After a few honest reads, which make the store drop what has ended, and a garbage collection: the same state each time. */
async function settled(gateway: GatewayProcess): Promise<Held> {
  for (let reads = 0; reads < 12; reads += 1) {
    await renew(gateway);
    await seconds(0.15);
  }
  await seconds(1.2);
  return await gateway.held(true);
}

function higher(one: Held, other: Held): Held {
  return {
    ...other,
    keys: Math.max(one.keys, other.keys),
    rssBytes: Math.max(one.rssBytes, other.rssBytes),
    heapBytes: Math.max(one.heapBytes, other.heapBytes),
    descriptors: Math.max(one.descriptors, other.descriptors),
    outbound: [...new Set([...one.outbound, ...other.outbound])],
  };
}
