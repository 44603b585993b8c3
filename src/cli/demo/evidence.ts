import { readFile } from 'node:fs/promises';

import { readTrail, segmentsOf } from '#libs/audit-file/read-trail.js';
import { headsFrom } from '#libs/audit/heads.js';
import { readRecord } from '#libs/audit/read-record.js';
import type { AuditRecord } from '#libs/audit/record.js';
import { verify, type Report } from '#libs/audit/verify.js';
import { renderReport } from '#src/cli/audit-report.js';

import type { Answer } from './cast.js';
import type { Forgery } from './forgery.js';
import type { Claim, Played } from './play.js';

/** What the gateway left, and what was seen of it from outside. */
export interface Left {
  /** The folder. */
  readonly trail: string;
  readonly played: readonly Played[];
}

/** A claim, and the report of `postern audit verify` that it rests on. */
export interface Verified {
  readonly claim: Claim;
  readonly report: readonly string[];
}

/** What the gateway wrote, in its order. */
export async function recordsOf(trail: string): Promise<readonly AuditRecord[]> {
  const records: AuditRecord[] = [];
  for await (const line of readTrail(await segmentsOf([trail]))) {
    const reading = readRecord(line);
    if (reading.kind === 'record') records.push(reading.record);
  }
  return records;
}

/** Every answer, refusals included, named a record (`Postern-Receipt`); all of them must be there, in an unbroken chain that was closed. */
export async function wholeTrail({ trail, played }: Left): Promise<Verified> {
  const answers = played.flatMap((each) => each.answers);
  const report = await verifyTrail(trail, receiptsOf(answers));
  const { intact, writers, heldHeads } = report;
  const closed = writers.every(({ tail }) => tail === 'closed');
  const claim: Claim = {
    claim: `The chain is unbroken and closed, and holds the record of each of the ${answers.length} answers`,
    expected: `intact, closed, ${answers.length} receipts found`,
    seen: `${intact ? 'intact' : 'broken'}, ${closed ? 'closed' : 'not closed'}, ${heldHeads.found} receipts found`,
    held: intact && closed && heldHeads.found === answers.length,
  };
  return { claim, report: renderReport(report) };
}

/** Neither a value that was given away, nor the path of any secret that was asked for, stands in the trail. */
export async function silentTrail({ trail, played }: Left): Promise<Claim> {
  const paths = played.flatMap(({ scene }) => scene.attempts.map(({ uri }) => uri.replace(/^.*:\/\/|#.*$/g, '')));
  const values = played
    .flatMap(({ answers }) => answers.map(({ value }) => value))
    .filter((each) => typeof each === 'string');
  const text = (await Promise.all((await segmentsOf([trail])).map(async (file) => await readFile(file, 'utf8')))).join(
    '',
  );
  const told = [...new Set([...paths, ...values])].filter((each) => text.includes(each));
  return {
    claim: 'It names each secret by a keyed hash: no value and no path stands in it',
    expected: 'none',
    seen: told.length === 0 ? 'none' : told.join(', '),
    held: text !== '' && told.length === 0,
  };
}

export async function caughtForgery(copy: string, { source, line }: Forgery): Promise<Verified> {
  const report = await verifyTrail(copy, []);
  const [fault] = report.faults;
  const claim: Claim = {
    claim: 'The verifier says so, and names the line',
    expected: `a fault in line ${line}`,
    seen: fault === undefined ? 'no fault' : `a fault in line ${fault.line}`,
    held: !report.intact && fault?.source === source && fault.line === line,
  };
  return { claim, report: renderReport(report) };
}

export function receiptsOf(answers: readonly Answer[]): readonly string[] {
  return answers.flatMap(({ receipt }) => receipt ?? []);
}

/** As `postern audit verify --heads` does it. */
async function verifyTrail(trail: string, receipts: readonly string[]): Promise<Report> {
  return await verify(readTrail(await segmentsOf([trail])), { heads: headsFrom(receipts.join('\n')) });
}
