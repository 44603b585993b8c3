import { parseHead } from '#libs/audit/heads.js';
import type { AuditRecord } from '#libs/audit/record.js';

import { receiptsOf } from './evidence.js';
import type { Played } from './play.js';
import { foldedLine, recordLines } from './screen.js';

/** Which attempt a request was. */
interface Part {
  /** From 1. */
  readonly scene: number;
  /** Neither the first nor the last of its scene: told only by how many records it left. */
  readonly folded: boolean;
}

/** The trail in words, each record beside the number of its scene. */
export function readOut(
  records: readonly AuditRecord[],
  played: readonly Played[],
  columns: number,
): readonly string[] {
  const parts = partsByRequest(records, played);
  const lines: string[] = [];
  let folded = 0;
  for (const record of records) {
    const part = parts.get(requestOf(record));
    if (part?.folded === true) {
      folded += 1;
      continue;
    }
    if (folded > 0) lines.push(foldedLine(folded));
    folded = 0;
    lines.push(...recordLines(record, part?.scene, columns));
  }
  return lines;
}

/** An answer's receipt names a record, and the record names the request: so the other records of that request are found. */
function partsByRequest(
  records: readonly AuditRecord[],
  played: readonly Played[],
): ReadonlyMap<string | undefined, Part> {
  const requests = new Map(records.map((record) => [record.seq, requestOf(record)]));
  const parts = new Map<string | undefined, Part>();
  for (const [at, { answers }] of played.entries()) {
    for (const [attempt, answer] of answers.entries()) {
      const seqs = receiptsOf([answer]).flatMap((receipt) => parseHead(receipt)?.seq ?? []);
      const part = { scene: at + 1, folded: attempt > 0 && attempt < answers.length - 1 };
      for (const seq of seqs) parts.set(requests.get(seq), part);
    }
  }
  parts.delete(undefined);
  return parts;
}

function requestOf({ request_id }: AuditRecord): string | undefined {
  return typeof request_id === 'string' ? request_id : undefined;
}
