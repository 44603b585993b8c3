import { styleText } from 'node:util';

import type { AuditRecord } from '#libs/audit/record.js';
import { inWords } from '#src/cli/in-words.js';

import type { Answer } from './cast.js';
import type { Claim, Played } from './play.js';

/** Plain when stdout is no terminal, or NO_COLOR is set. */
function style(how: Parameters<typeof styleText>[0], text: string): string {
  return styleText(how, text, { stream: process.stdout });
}

export function heading(text: string): string {
  return `\n${style('bold', text)}`;
}

/** Three lines: what was attempted, what came back, why it matters; and, when a scene failed, what should have come. */
export function sceneLines({ scene, answers, claim }: Played, number: number): readonly string[] {
  const before = answers.slice(0, -1).map(({ status }) => `${status}, `);
  const last = answers.at(-1);
  return [
    `${mark(claim)} ${String(number).padStart(2)}  ${style('bold', scene.title)}`,
    `      ${before.join('')}${last === undefined ? '' : answerWords(last)}`,
    `      ${style('dim', scene.why)}`,
    ...missed(claim),
  ];
}

/** One line; and, when it did not hold, what should have been. */
export function claimLines(claim: Claim): readonly string[] {
  return [`${mark(claim)}     ${claim.claim}`, ...missed(claim)];
}

/** A record of the trail, beside the number of the scene that it tells of. */
export function recordLines(record: AuditRecord, number: number | undefined, columns: number): readonly string[] {
  const margin = `${String(number ?? '').padStart(4)}  `;
  const [first = '', ...rest] = wrapped(inWords(record), columns - margin.length);
  return [`${style('cyan', margin)}${first}`, ...rest.map((line) => `${' '.repeat(margin.length + 2)}${line}`)];
}

/** Stands for records that are not put into words. */
export function foldedLine(records: number): string {
  return style('dim', `      (${records} records more, of requests like this one)`);
}

export function indented(lines: readonly string[], columns: number): readonly string[] {
  return lines.flatMap((line) => wrapped(line, columns - 6).map((part) => `      ${part}`));
}

export function summary(claims: readonly Claim[]): string {
  const failed = claims.filter(({ held }) => !held).length;
  return failed === 0
    ? style(['bold', 'green'], `All ${claims.length} claims held.`)
    : style(['bold', 'red'], `${failed} of ${claims.length} claims did not hold.`);
}

function mark({ held }: Claim): string {
  return held ? style('green', '✓') : style('red', '✗');
}

function missed({ held, expected, seen }: Claim): readonly string[] {
  if (held) return [];
  return [style('red', `      expected ${expected}`), style('red', `      but saw  ${seen}`)];
}

function answerWords({ status, code, title, detail, resetsAt, value, usesLeft }: Answer): string {
  if (status === 200) return `${style('green', '200')}  ${JSON.stringify(value)}, ${usesLeft ?? '?'} uses left`;
  const until = resetsAt === undefined ? '' : ` until ${resetsAt}`;
  return `${style('yellow', `${status} ${code ?? ''}`)}  ${detail ?? title ?? ''}${until}`;
}

/** Breaks between words; a word longer than the line stands alone. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
