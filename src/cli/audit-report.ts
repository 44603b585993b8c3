import { relative } from 'node:path';
import { styleText } from 'node:util';

import type { Fault, Place, Report, WriterReport } from '#libs/audit/verify.js';

/** The report for people: the verdict first, then what it rests on and what it does not show. */
export function renderReport(report: Report): readonly string[] {
  return [
    verdict(report),
    ...report.faults.slice(1, SHOWN).map((fault) => `  then ${where(fault)}: ${fault.why}`),
    ...more(report.faultCount - SHOWN, 'place'),
    ...writers(report.writers),
    ...told(report),
    dim(
      report.heldHeads.given > 0
        ? `The trail is not signed: what is proven beyond doubt is what ${count(report.heldHeads.found, 'head')} that you hold ${report.heldHeads.found === 1 ? 'names' : 'name'}, and all before it.`
        : 'The trail is not signed: whoever can write all of it could have made it anew. Keep answers’ Postern-Receipt and give them by --heads.',
    ),
  ];
}

const SHOWN = 10;

function verdict({ intact, faults, faultCount, records, writers }: Report): string {
  const [first] = faults;
  if (!intact && first !== undefined) {
    return `${colour('red', 'tampered with')}: ${count(faultCount, 'bad place')}; the first is ${where(first)}: ${first.why}`;
  }
  return `${colour('green', 'intact')}: ${count(records, 'record')} of ${count(writers.length, 'writer')}, each following from the one before it`;
}

function writers(all: readonly WriterReport[]): readonly string[] {
  return [...all.slice(0, SHOWN).map(writerLine), ...more(all.length - SHOWN, 'writer')];
}

function writerLine({ w, records, head, tail }: WriterReport): string {
  const upTo = `complete up to seq ${head?.seq ?? '?'}`;
  const said = {
    closed: `${upTo}, closed`,
    held: `${upTo}, which you hold the head of`,
    unproven: `${upTo}, ${colour('yellow', 'tail unproven')}: it is still being written, it died, or its end was cut off`,
  }[tail];
  return `  writer ${w}: ${count(records, 'record')}, ${said}`;
}

function told({ repeated, torn, unknownOutcomes, lostUses, forgotten }: Report): readonly string[] {
  const lines: string[] = [];
  if (repeated > 0)
    lines.push(
      `${count(repeated, 'record')} came again, byte for byte, and ${repeated === 1 ? 'was' : 'were'} counted once`,
    );
  for (const place of torn.slice(0, SHOWN)) lines.push(`an unfinished line: ${where(place)}`);
  if (unknownOutcomes.count > 0) {
    lines.push(`${count(unknownOutcomes.count, 'intent')} without a result: outcome unknown, counts as released`);
    lines.push(...unknownOutcomes.listed.slice(0, SHOWN).map((place) => `  ${where(place)}`));
  }
  if (lostUses > 0)
    lines.push(
      `${count(lostUses, 'use')} of grants that no record here tells of: lost in a crash, or told in another trail`,
    );
  if (forgotten > 0) lines.push(`the trail is so large that ${count(forgotten, 'pair')} far apart were not compared`);
  return lines.map((line) => `  ${line}`);
}

function more(rest: number, noun: string): readonly string[] {
  return rest > 0 ? [`  and ${count(rest, `more ${noun}`)}`] : [];
}

function where({ source, line, w, seq }: Fault | Place): string {
  const writer = w === undefined ? '' : ` (writer ${w}${seq === undefined ? '' : `, seq ${seq}`})`;
  return source === '' ? `nowhere in these files${writer}` : `${nameOf(source)}, line ${line}${writer}`;
}

function nameOf(source: string): string {
  const near = relative(process.cwd(), source);
  return near.startsWith('..') ? source : near;
}

function count(n: number, noun: string): string {
  return `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`;
}

/** Plain when stdout is no terminal, or NO_COLOR is set. */
function colour(name: 'red' | 'green' | 'yellow', text: string): string {
  return styleText(['bold', name], text, { stream: process.stdout });
}

function dim(text: string): string {
  return styleText('dim', text, { stream: process.stdout });
}
