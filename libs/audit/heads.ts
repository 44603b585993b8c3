import { WRITER_ID } from './chain.js';
import type { RecordHead } from './receipt.js';

/** A head as `Postern-Receipt` carries it: `w.seq.hash`. */
export function parseHead(text: string): RecordHead | undefined {
  const [w = '', seq = '', hash = '', more] = text.split('.');
  if (more !== undefined || !WRITER_ID.test(w)) return undefined;
  if (!/^(0|[1-9]\d{0,14})$/.test(seq) || !/^[A-Za-z0-9_-]{43}$/.test(hash)) return undefined;
  return { w, seq: Number(seq), hash };
}

/** Names the line that is no head. */
export class HeadsError extends Error {
  override readonly name = 'HeadsError';
}

/**
 * Heads that a caller kept, one a line; empty lines and those that begin with `#` are skipped.
 * @throws HeadsError that names the line: a head that is dropped silently would prove nothing
 */
export function headsFrom(text: string): readonly RecordHead[] {
  const heads: RecordHead[] = [];
  for (const [at, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const head = parseHead(line);
    if (head === undefined)
      throw new HeadsError(`line ${at + 1} is no head: a Postern-Receipt reads <writer>.<seq>.<hash>`);
    heads.push(head);
  }
  return heads;
}
