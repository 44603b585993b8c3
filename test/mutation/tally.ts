import type { MutantResult } from '@stryker-mutator/api/core';

/** What became of the mutants of one part. */
export interface Tally {
  readonly part: string;
  readonly mutants: number;
  readonly killed: number;
  readonly timedOut: number;
  readonly survived: number;
  /** Reached by no test at all. */
  readonly uncovered: number;
  /** With it a file of tests could not even be loaded; not counted among the mutants. */
  readonly unloadable: number;
  /** Per cent: killed and timed out, of all. */
  readonly score: number;
  readonly minutes: number;
}

export function tally(part: string, results: readonly MutantResult[], ms: number): Tally {
  const count = (status: MutantResult['status']): number => results.filter((each) => each.status === status).length;
  const [killed, timedOut, survived, uncovered] = [
    count('Killed'),
    count('Timeout'),
    count('Survived'),
    count('NoCoverage'),
  ];
  const mutants = killed + timedOut + survived + uncovered;
  const score = mutants === 0 ? 0 : (100 * (killed + timedOut)) / mutants;
  const unloadable = count('RuntimeError');
  return { part, mutants, killed, timedOut, survived, uncovered, unloadable, score, minutes: ms / 60_000 };
}

/** As it stands on docs/mutation.md. */
export function tableOf(tallies: readonly Tally[]): string {
  const rows = tallies.map((each) => {
    const { part, mutants, killed, timedOut, survived, uncovered, unloadable, score, minutes } = each;
    return `| ${[part, mutants, killed, timedOut, survived, uncovered, unloadable, `${score.toFixed(2)} %`, minutes.toFixed(1)].join(' | ')} |\n`;
  });
  return (
    '| part | mutants | killed | timed out | survived | uncovered | unloadable | score | minutes |\n' +
    `| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n${rows.join('')}`
  );
}
