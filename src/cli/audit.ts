import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { InvalidArgumentError, type Command } from 'commander';

import { readTrail, segmentsOf } from '#libs/audit-file/read-trail.js';
import { HeadsError, headsFrom } from '#libs/audit/heads.js';
import { readRecord } from '#libs/audit/read-record.js';
import type { AuditRecord } from '#libs/audit/record.js';
import type { RecordHead } from '#libs/audit/receipt.js';
import { verify } from '#libs/audit/verify.js';
import { packageRoot } from '#src/config/disk.js';

import { renderReport } from './audit-report.js';
import { Failure, print, say } from './failure.js';
import { inWords } from './in-words.js';

export { inWords } from './in-words.js';

interface Where {
  readonly dir?: string;
}

/** `postern audit …`: read the evidence, offline. Needs the files and nothing else. */
export function registerAudit(postern: Command): void {
  const audit = postern.command('audit').description('Read the audit trail: verify it, or put it into words.');

  withTrail(audit.command('verify [paths...]'))
    .description('Check that nothing was changed, dropped, moved or inserted; name the first bad place if so.')
    .option('--heads <file>', 'receipts (Postern-Receipt) that you kept, one a line, or - for stdin')
    .option('--json', 'print the whole report on one line')
    .addHelpText('after', VERIFY_HELP)
    .action(async (paths: string[], options: Where & { heads?: string; json?: boolean }) => {
      const { heads, json } = options;
      const held = heads === undefined ? [] : readHeads(heads);
      const lines = readTrail(await segments(paths, options));
      const report = await verify(lines, { heads: held, progress: showProgress }).catch(unreadable);
      clearProgress();
      if (json === true) print(JSON.stringify(report));
      else for (const line of renderReport(report)) print(line);
      if (!report.intact) process.exitCode = 1;
    });

  withTrail(audit.command('tail [paths...]'))
    .description('Put the last records into words, in the order of their time.')
    .option('-n, --lines <number>', 'how many', lineCount, 20)
    .option('--json', 'print the records as they stand, one a line')
    .addHelpText('after', TAIL_HELP)
    .action(async (paths: string[], options: Where & { lines: number; json?: boolean }) => {
      for (const record of await lastRecords(await segments(paths, options), options.lines).catch(unreadable)) {
        print(options.json === true ? JSON.stringify(record) : `${record.ts}  ${inWords(record)}`);
      }
    });
}

/** Code 1 is kept for a trail that was tampered with: a mistyped command ends in 2. */
function withTrail(command: Command): Command {
  return command
    .option('--dir <folder>', 'folder of the trail; default: AUDIT_DIR, else var/audit of this installation')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
}

async function segments(paths: readonly string[], { dir }: Where): Promise<readonly string[]> {
  const places = [...paths, ...(dir === undefined ? [] : [dir])];
  const wanted = places.length > 0 ? places : [process.env['AUDIT_DIR'] ?? join(packageRoot(), 'var', 'audit')];
  const found = await segmentsOf(wanted).catch(unreadable);
  if (found.length === 0) throw new Failure(`No audit trail (*.ndjson) in ${wanted.join(', ')}.`, 2);
  return found;
}

function readHeads(file: string): readonly RecordHead[] {
  try {
    return headsFrom(readFileSync(file === '-' ? 0 : file, 'utf8'));
  } catch (error) {
    return unreadable(error);
  }
}

interface Dated {
  readonly record: AuditRecord;
  /** Its time, or the latest before it of its writer: a clock that stepped back does not change the order of a chain. */
  readonly at: string;
}

async function lastRecords(files: readonly string[], count: number): Promise<readonly AuditRecord[]> {
  const latest = new Map<string, string>();
  let last: Dated[] = [];
  for await (const line of readTrail(files)) {
    const reading = readRecord(line);
    if (reading.kind === 'bad') say(`${line.source}, line ${line.line}: ${reading.why}`);
    if (reading.kind !== 'record') continue;
    const { record } = reading;
    const before = latest.get(record.w) ?? '';
    const at = record.ts > before ? record.ts : before;
    latest.set(record.w, at);
    last.push({ record, at });
    if (last.length > 2 * count) last = newest(last, count);
  }
  return newest(last, count).map(({ record }) => record);
}

function newest(dated: Dated[], count: number): Dated[] {
  return dated.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).slice(-count);
}

/** A file that cannot be read is the caller's to mend; anything else is a defect, and shows as one. */
function unreadable(error: unknown): never {
  if (error instanceof Error && ('code' in error || error instanceof HeadsError)) throw new Failure(error.message, 2);
  throw error;
}

function lineCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number from 1 to 999999.');
}

function showProgress(lines: number): void {
  if (process.stderr.isTTY && lines % 50_000 === 0)
    process.stderr.write(`\r${lines.toLocaleString('en-US')} lines read`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
}

const VERIFY_HELP = `
The exit code is 0 for an intact trail, 1 for one that was tampered with, 2 when it could not be read.

Examples:
  npx postern audit verify                       the trail of npm start on this machine
  npx postern audit verify /mnt/archive/audit    another one
  npx postern audit verify --heads receipts.txt  with receipts that a caller kept: shows a tail that was cut off
`;

const TAIL_HELP = `
Examples:
  npx postern audit tail            the last 20 records, in words
  npx postern audit tail -n 5 --json
`;
