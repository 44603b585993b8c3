/** One file of a policy set, as text. */
export interface SourceFile {
  /** Relative to the policies folder, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** The only tenant that it may speak of: the file lies in a folder of that tenant's own. */
  readonly owner?: string;
}

/** One thing that is wrong with a policy set: where, and what to do. */
export interface Defect {
  readonly file: string;
  /** From 1; absent when the whole file is meant. */
  readonly line?: number;
  readonly problem: string;
}

/** A policy set that is not loaded: every defect at once, since an author fixes them in one go. */
export class PolicySetRefused extends Error {
  override readonly name = 'PolicySetRefused';

  constructor(readonly defects: readonly Defect[]) {
    super(['The policy set is refused:', ...defects.map(inWords)].join('\n  '));
  }
}

export function inWords({ file, line, problem }: Defect): string {
  return `${file}${line === undefined ? '' : `:${line}`}: ${problem}`;
}

/** Collects what is wrong; `throwAny` ends a stage that later ones build on. */
export class Defects {
  readonly #found: Defect[] = [];

  add(file: string, line: number | undefined, problem: string): void {
    this.#found.push({ file, ...(line !== undefined && { line }), problem });
  }

  /** @throws PolicySetRefused when there is any */
  throwAny(): void {
    if (this.#found.length > 0) throw new PolicySetRefused(this.#found);
  }
}
