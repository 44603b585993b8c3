import { segmentsOf, readTrail } from '#libs/audit-file/read-trail.js';
import { verify } from '#libs/audit/verify.js';

import type { GatewayProcess } from './gateway-process.js';
import { faultsOf } from './judge.js';
import { hostileRequest, type Family, type Manner, type Mix } from './requests.js';
import { send } from './send.js';
import { honestRequest } from './world.js';

export interface CampaignOptions extends Mix {
  readonly requests: number;
  /** The number of the first request: a single one can be met again by it. */
  readonly first?: number;
  readonly seed: number;
  /** Connections at once. */
  readonly atOnce: number;
  /** At most so many a second; 0: as fast as it goes. */
  readonly perSecond: number;
  readonly hangMs: number;
  /** A request that is never ended is cut off by then. */
  readonly heldMs: number;
  /** Told now and then how many are done. */
  readonly progress?: (done: number) => void;
}

/** What was sent and what it came to. */
export interface Campaign {
  readonly sent: number;
  readonly seconds: number;
  readonly families: Readonly<Record<string, number>>;
  readonly manners: Readonly<Record<string, number>>;
  /** Answers by status; `none`: the connection ended without one, as a broken one must. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Of requests that were ended: the longest wait for an answer. */
  readonly slowestMs: number;
  /** How many requests may have spent a proof, being a verified caller's. */
  readonly maySpend: number;
  /** Honest reads among them, whose bytes were then replayed. */
  readonly honest: number;
  /** At most 20, each with the number that makes its request again. */
  readonly faults: readonly string[];
  readonly faultCount: number;
}

/** Between two honest requests that are kept for replays; a proof is only good for a minute. */
const RENEW_MS = 5_000;

/** Sends the requests of a seed, each judged as soon as it is answered. Never throws for what the gateway does. */
export async function campaign(gateway: GatewayProcess, options: CampaignOptions): Promise<Campaign> {
  const { requests, first = 0, seed, atOnce, perSecond, hangMs, heldMs } = options;
  const counts = {
    families: new Map<Family, number>(),
    manners: new Map<Manner, number>(),
    statuses: new Map<string, number>(),
  };
  const faults: string[] = [];
  let [faultCount, next, slowestMs, maySpend, honest, renewAt] = [0, 0, 0, 0, 0, 0];
  const limits = { hangMs, secrets: [gateway.canary] };
  const began = performance.now();

  async function one(index: number): Promise<void> {
    const request = hostileRequest(gateway.aim, seed, index, options);
    const from = `127.0.0.${2 + (index % 20)}`;
    const outcome = await send(request, { port: gateway.port, from, patienceMs: Math.max(hangMs, 2_000), heldMs });
    count(counts.families, request.family);
    count(counts.manners, request.manner);
    if (outcome.statuses.length === 0) count(counts.statuses, 'none');
    for (const status of outcome.statuses) count(counts.statuses, String(status));
    if (request.manner !== 'held') slowestMs = Math.max(slowestMs, outcome.ms);
    if (request.spends) maySpend += 1;
    const found = faultsOf(request, outcome, limits);
    faultCount += found.length;
    if (found.length > 0 && faults.length < 20) {
      const bytes = JSON.stringify(request.bytes.subarray(0, 600).toString('latin1'));
      faults.push(
        `#${index} (${request.family}, ${request.manner}) ${found.join(', ')}: ${bytes} → ${JSON.stringify(outcome.text.slice(0, 300))}`,
      );
    }
  }

  /** The next moment to send at. Evenly, also after a pause: what was missed is not made up for in one burst. */
  let last = 0;
  function slot(): number {
    last = Math.max(performance.now(), last + 1_000 / perSecond);
    return last;
  }

  async function sender(): Promise<void> {
    for (let mine = next++; mine < requests; mine = next++) {
      if (perSecond > 0) await until(slot());
      if (performance.now() >= renewAt) {
        renewAt = performance.now() + RENEW_MS;
        honest += 1;
        await renew(gateway);
      }
      await one(first + mine);
      if ((mine + 1) % 1_000 === 0) options.progress?.(mine + 1);
    }
  }

  await Promise.all(Array.from({ length: atOnce }, sender));
  return {
    sent: requests,
    seconds: (performance.now() - began) / 1000,
    families: sorted(counts.families),
    manners: sorted(counts.manners),
    statuses: sorted(counts.statuses),
    slowestMs,
    maySpend,
    honest,
    faults,
    faultCount,
  };
}

/** An honest read, which must be answered, and whose bytes are then replayed. */
export async function renew(gateway: GatewayProcess): Promise<void> {
  const bytes = honestRequest(gateway.aim);
  const outcome = await send(
    { family: 'replays', manner: 'whole', open: false, spends: true, bytes },
    { port: gateway.port, patienceMs: 10_000, heldMs: 0 },
  );
  if (outcome.statuses[0] !== 200) throw new Error(`an honest request was refused: ${outcome.text.slice(0, 600)}`);
  gateway.spent.push(bytes);
  if (gateway.spent.length > 8) gateway.spent.shift();
}

/** What the trail of a gateway that has ended says. */
export interface TrailReport {
  readonly intact: boolean;
  readonly records: number;
  readonly faultCount: number;
  readonly firstFault: string | undefined;
  /** Of the one writer: `closed` when all of it is there. */
  readonly tail: string | undefined;
  /** Refusals inside the line and reads: recorded one by one, or counted in a flood. */
  readonly accounted: number;
  /** Whether a value or a token stands in it. */
  readonly tells: boolean;
}

export async function trailReport(gateway: GatewayProcess): Promise<TrailReport> {
  let [accounted, tells] = [0, false];
  const segments = await segmentsOf([gateway.auditDir]);
  for await (const { bytes } of readTrail(segments)) {
    const line = Buffer.from(bytes).toString('utf8');
    // Hashes have 43 characters; tokens and proofs are longer words.
    tells ||= line.includes(gateway.canary) || /[\w-]{65,}|kv\//u.test(line);
    const record = JSON.parse(line) as { type: string; counts?: Record<string, number> };
    if (record.type === 'refusal' || record.type === 'result') accounted += 1;
    for (const times of Object.values(record.type === 'suppressed' ? (record.counts ?? {}) : {})) accounted += times;
  }
  const report = await verify(readTrail(segments));
  const [fault] = report.faults;
  return {
    intact: report.intact,
    records: report.records,
    faultCount: report.faultCount,
    firstFault: fault === undefined ? undefined : JSON.stringify(fault),
    tail: report.writers[0]?.tail,
    accounted,
    tells,
  };
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sorted(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].sort(([one], [other]) => (one < other ? -1 : 1)));
}

async function until(moment: number): Promise<void> {
  const left = moment - performance.now();
  if (left > 1) await new Promise((resolve) => setTimeout(resolve, left));
}
