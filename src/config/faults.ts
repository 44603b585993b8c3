/** One thing that is wrong with the configuration. */
export interface Fault {
  /** Such as `GRANT_TTL_MAX` or `issuers[0].jwks_file`. */
  readonly path: string;
  /** What is wrong and what to do: one sentence, without the subject and the full stop. */
  readonly what: string;
  /** `environment`, the file's path, or undefined where the setting is nowhere. */
  readonly from?: string;
}

/** Everything that is wrong, at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly faults: readonly Fault[]) {
    const lines = faults.map((fault) => `  ${tell(fault)}`);
    const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
    super(`The configuration cannot be used (${count}):\n${lines.join('\n')}`);
  }
}

/** A fault as one sentence. */
export function tell({ path, what, from }: Fault): string {
  return `${path}${from === undefined ? '' : ` (${from})`} ${what}${what.endsWith('?') ? '' : '.'}`;
}

/** The known name that was probably meant, when one is near. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const limit = Math.max(1, Math.floor(name.length / 5));
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(name.toUpperCase(), candidate.toUpperCase());
    if (distance <= limit && distance < (best?.distance ?? Infinity)) best = { name: candidate, distance };
  }
  return best?.name;
}

/** Levenshtein: insertions, deletions and replacements. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let index = 0; index < a.length; index += 1) {
    const next = [index + 1];
    for (let column = 1; column <= b.length; column += 1) {
      const replace = (row[column - 1] ?? 0) + (b[column - 1] === a[index] ? 0 : 1);
      next.push(Math.min(replace, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
