import { sha256 } from '#libs/kernel/digest.js';

import type { RecordHead } from './receipt.js';
import { RECORD_VERSION, recordText, type RecordFields } from './record.js';

/** A record in its place: the line that a sink keeps (canonical JSON, no line end), and the head that names it. */
export interface Link {
  readonly line: string;
  /** Of the line, in UTF-8. */
  readonly bytes: number;
  readonly head: RecordHead;
}

/** What the first record's `prev` says: 32 zero bytes. */
export const GENESIS = 'A'.repeat(43);

/**
 * What the next record's `prev` says: SHA-256 over the domain label and the canonical bytes, so that a hash of the trail is
 * no hash of anything else (spec, "Audit: chain").
 */
export function hashOf(line: string): string {
  return sha256(`audit-v1\0${line}`);
}

/** Writer ids are file names and stand in receipts between dots. */
export const WRITER_ID = /^[A-Za-z0-9_-]{16,64}$/;

/**
 * One process run's chain. Appending is synchronous: between the hash of one record and the next nothing can come, so the order
 * of calls is the order of the chain. Signed writers and checkpoints are not built yet; `signing` in `open` says so.
 */
export class Writer {
  #seq = 0;
  #prev = GENESIS;
  #closed = false;

  /** @param w random, at least 96 bits: two runs must never share it */
  constructor(readonly w: string) {
    if (!WRITER_ID.test(w)) throw new Error('a writer id is 16 to 64 characters of base64url');
  }

  /**
   * @param fields are bounded here
   * @param ts RFC 3339, UTC
   * @throws Error when the first record is no `open`, when another is one, or after `close`: defects, never a caller's doing
   */
  append(fields: RecordFields, ts: string): Link {
    if (this.#closed || (fields.type === 'open') !== (this.#seq === 0)) {
      throw new Error(`a ${fields.type} record cannot stand at seq ${this.#seq} of this writer`);
    }
    const seq = this.#seq;
    const line = recordText(fields, { v: RECORD_VERSION, ts, w: this.w, seq, prev: this.#prev });
    // Counted before it is hashed: counting makes one string of the many pieces that a line is added up from, for both and for the sink.
    const bytes = Buffer.byteLength(line);
    const hash = hashOf(line);
    this.#seq = seq + 1;
    this.#prev = hash;
    this.#closed = fields.type === 'close';
    return { line, bytes, head: { w: this.w, seq, hash } };
  }
}
