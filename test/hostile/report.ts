import type { Campaign, TrailReport } from './campaign.js';
import type { Held } from './gateway-process.js';
import type { Pace } from './neighbour.js';

export interface Facts {
  readonly machine: Readonly<Record<string, string | number>>;
  readonly options: Readonly<Record<string, number>>;
  readonly campaign: Campaign;
  readonly held: { readonly before: Held; readonly highest: Held; readonly after: Held };
  /** Alone before, beside the hostile requests, alone after. */
  readonly paces: readonly Pace[];
  readonly log: { readonly lines: number; readonly faults: readonly string[]; readonly reachedLine: number };
  readonly trail: TrailReport;
  /** How the gateway ended on SIGTERM. */
  readonly ended: number | string;
}

export interface Verdict {
  /** What must hold (spec, Security, section 6, and the issue's "bad input"). */
  readonly what: string;
  readonly holds: boolean;
  readonly seen: string;
}

export interface HostileReport extends Facts {
  readonly verdicts: readonly Verdict[];
}

/** Memory that an allocator keeps for itself, as a share of what it was before. */
const RSS_WITHIN = 1.1;
const HEAP_WITHIN_BYTES = 4 * 1024 * 1024;

/** Each thing that must hold, and whether it did. */
export function verdictsOf({ campaign, held, paces, log, trail, ended }: Facts): readonly Verdict[] {
  const { before, highest, after } = held;
  const verdict = (what: string, holds: boolean, seen: string): Verdict => ({ what, holds, seen });
  const ratio = p99Ratio(paces);
  const honest = paces.flatMap(({ statuses }) => Object.keys(statuses)).filter((status) => status !== '200');
  return [
    verdict(
      'I19: every hostile request ends in a refusal, in time',
      campaign.faultCount === 0,
      `${campaign.faultCount} faults, slowest ${campaign.slowestMs.toFixed(0)} ms`,
    ),
    verdict(
      'I22, I41: stored keys are back at the start',
      after.keys <= before.keys,
      `${before.keys} → at most ${highest.keys} → ${after.keys}`,
    ),
    verdict(
      'I22: no more keys than verified requests may leave',
      highest.keys <= before.keys + campaign.maySpend + 2 * (honestReads(paces) + campaign.honest),
      `${highest.keys}`,
    ),
    verdict(
      'I41: file descriptors are back at the start',
      after.descriptors <= before.descriptors,
      `${before.descriptors} → at most ${highest.descriptors} → ${after.descriptors}`,
    ),
    verdict(
      'I41: resident memory is back within 10 %',
      after.rssBytes <= before.rssBytes * RSS_WITHIN,
      `${mb(before.rssBytes)} → at most ${mb(highest.rssBytes)} → ${mb(after.rssBytes)} MB`,
    ),
    verdict(
      'I41: the heap is back within 4 MiB',
      after.heapBytes <= before.heapBytes + HEAP_WITHIN_BYTES,
      `${mb(before.heapBytes)} → ${mb(after.heapBytes)} MB`,
    ),
    verdict(
      'I18: no connection, datagram or name look-up goes out',
      went(before, after) === 0 && highest.outbound.length === 0,
      `${went(before, after)}; ${highest.outbound.join(', ') || 'no foreign socket'}`,
    ),
    verdict(
      'N18: every line of the log is one JSON object that tells nothing',
      log.faults.length === 0,
      `${log.lines} lines, ${log.faults.length} faults`,
    ),
    verdict(
      'I33, I34: the audit trail verifies, is whole, and accounts for all that reached the line',
      trail.intact && trail.tail === 'closed' && trail.accounted >= log.reachedLine,
      `${trail.records} records, tail ${trail.tail}, ${trail.accounted} accounted for of ${log.reachedLine}`,
    ),
    verdict(
      'I28, I29: nothing of a value, token or path stands in the trail',
      !trail.tells,
      trail.tells ? 'found' : 'none',
    ),
    verdict(
      'honest requests are all served',
      honest.length === 0,
      `${honestReads(paces)} reads${honest.length > 0 ? `, also ${honest.join(', ')}` : ''}`,
    ),
    verdict("I42: a well-behaved client's p99 stays within twice its own", ratio <= 2, `${ratio.toFixed(2)} times`),
    verdict('the gateway ends in order', ended === 0, String(ended)),
  ];
}

/** Beside the hostile requests, over the worse of alone before and alone after. */
function p99Ratio(paces: readonly Pace[]): number {
  const [before, beside, after] = paces;
  return (beside?.p99 ?? Number.NaN) / Math.max(before?.p99 ?? 0, after?.p99 ?? 0);
}

function honestReads(paces: readonly Pace[]): number {
  return paces.reduce((sum, { reads }) => sum + reads, 0);
}

function went(before: Held, after: Held): number {
  return after.connections - before.connections + after.datagrams - before.datagrams + after.names - before.names;
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);

/** The report for people. */
export function render({ options, campaign, paces, verdicts, log }: HostileReport): string {
  const lines = [
    `${campaign.sent} hostile requests (seed ${options['seed']}) in ${campaign.seconds.toFixed(1)} s`,
    `  families: ${pairs(campaign.families)}`,
    `  manners: ${pairs(campaign.manners)}`,
    `  answers: ${pairs(campaign.statuses)}`,
    ...paces.map(
      ({ during, reads, p50, p99, slowest }) =>
        `  honest, ${during}: ${reads} reads, p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)}, slowest ${slowest.toFixed(2)} ms`,
    ),
    '',
    ...verdicts.map(({ what, holds, seen }) => `${holds ? 'holds' : 'FAILS'}  ${what} (${seen})`),
    ...campaign.faults.map((fault) => `fault: ${fault}`),
    ...log.faults.map((fault) => `log: ${fault}`),
  ];
  return `${lines.join('\n')}\n`;
}

function pairs(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, times]) => `${name} ${times}`)
    .join(', ');
}
