import { OutcomeCheck } from './outcome-check.js';
import { readRecord, type SourceLine } from './read-record.js';
import type { RecordHead } from './receipt.js';
import type { AuditRecord } from './record.js';
import { WriterCheck, type Fault, type Place } from './writer-check.js';

export type { SourceLine } from './read-record.js';
export type { Fault, Place } from './writer-check.js';

export interface VerifyOptions {
  /** Heads that the reader kept from answers (`Postern-Receipt`): what no rewriting of the trail can change. */
  readonly heads?: readonly RecordHead[];
  /** Called with the number of lines read, every 10,000. */
  readonly progress?: (lines: number) => void;
}

/** How far a writer's records are proven to be all. `unproven`: complete up to its last record, and more may have been cut off. */
export type Tail = 'closed' | 'held' | 'unproven';

export interface WriterReport {
  readonly w: string;
  readonly records: number;
  /** The last record that is here. */
  readonly head: RecordHead | undefined;
  readonly tail: Tail;
}

export interface Report {
  /** No fault was found. What that proves is said by `signed` and each writer's `tail`. */
  readonly intact: boolean;
  /** Writers do not sign yet: whoever can write all files could have made the whole trail anew, but for what held heads name. */
  readonly signed: false;
  /** In the order of the trail, the first bad place first; at most `LISTED`. */
  readonly faults: readonly Fault[];
  readonly faultCount: number;
  readonly records: number;
  /** Records that came again, byte for byte: sinks deliver at least once. */
  readonly repeated: number;
  readonly writers: readonly WriterReport[];
  /** Last lines that a crash or a running writer left unfinished. */
  readonly torn: readonly Place[];
  readonly unknownOutcomes: { readonly count: number; readonly listed: readonly Place[] };
  readonly lostUses: number;
  /** Above zero: the trail is so large that pairs far apart were not compared. */
  readonly forgotten: number;
  readonly heldHeads: { readonly given: number; readonly found: number };
}

const LISTED = 100;

/**
 * Checks a whole trail in one pass and constant memory per writer (spec, "Audit: what a verifier can and cannot show").
 *
 * @param lines each writer's in the order in which they were written; the writers in any order
 */
export async function verify(lines: AsyncIterable<SourceLine>, options: VerifyOptions = {}): Promise<Report> {
  const verifier = new Verifier(options.heads ?? []);
  let at = 0;
  for await (const line of lines) {
    verifier.see(line, at);
    at += 1;
    if (at % 10_000 === 0) options.progress?.(at);
  }
  return verifier.report();
}

class Verifier {
  readonly #held: ReadonlyMap<string, RecordHead>;
  readonly #heldBySeq: ReadonlyMap<string, string>;
  readonly #foundHeads = new Set<string>();
  /** The highest seq of a writer that a held head proved. */
  readonly #heldUpTo = new Map<string, number>();
  readonly #writers = new Map<string, WriterCheck>();
  readonly #outcomes = new OutcomeCheck();
  readonly #faults: Fault[] = [];
  readonly #torn: Place[] = [];
  #faultCount = 0;
  #records = 0;
  #repeated = 0;
  #source = '';
  #sourceWriter: WriterCheck | undefined;

  constructor(heads: readonly RecordHead[]) {
    this.#held = new Map(heads.map((head) => [`${head.w}.${head.seq}.${head.hash}`, head]));
    this.#heldBySeq = new Map(heads.map(({ w, seq, hash }) => [`${w}.${seq}`, hash]));
  }

  see(line: SourceLine, at: number): void {
    if (line.source !== this.#source) {
      this.#source = line.source;
      this.#sourceWriter = line.w === undefined ? undefined : this.#writer(line.w);
    }
    const reading = readRecord(line);
    const place = { at, source: line.source, line: line.line };
    if (reading.kind === 'record') this.#record(reading.record, reading.hash, place);
    else {
      const writer = this.#sourceWriter;
      const guessed = writer === undefined ? place : { ...place, w: writer.w, seq: writer.seq + 1 };
      if (reading.kind === 'torn') this.#torn.push(guessed);
      else if (writer === undefined) this.#fault({ ...guessed, why: reading.why });
      else writer.spoiled(guessed, reading.why);
    }
  }

  #record(record: AuditRecord, hash: string, where: Place): void {
    const { w, seq } = record;
    const place = { ...where, w, seq };
    const writer = this.#writer(w);
    this.#sourceWriter = writer;
    if (writer.see(record, hash, place) === 'again') {
      this.#repeated += 1;
      return;
    }
    this.#records += 1;
    this.#checkHeld(record, hash, place);
    const why = this.#outcomes.see(record, hash, place);
    // In a broken chain the partner may be what is missing: the chain's fault says it.
    if (why !== undefined && !writer.faulty) this.#fault({ ...place, why });
  }

  #checkHeld({ w, seq }: AuditRecord, hash: string, place: Place): void {
    const held = this.#heldBySeq.get(`${w}.${seq}`);
    if (held === undefined) return;
    if (held === hash) {
      this.#foundHeads.add(`${w}.${seq}.${hash}`);
      this.#heldUpTo.set(w, Math.max(seq, this.#heldUpTo.get(w) ?? 0));
    } else this.#fault({ ...place, why: 'the record is not the one whose head you hold: the trail was made anew' });
  }

  report(): Report {
    for (const writer of this.#writers.values()) writer.end();
    this.#checkMissingHeads();
    this.#faults.sort((a, b) => a.at - b.at);
    return {
      intact: this.#faultCount === 0,
      signed: false,
      faults: this.#faults.slice(0, LISTED),
      faultCount: this.#faultCount,
      records: this.#records,
      repeated: this.#repeated,
      writers: [...this.#writers.values()]
        .filter(({ records }) => records > 0)
        .map((writer) => this.#writerReport(writer)),
      torn: this.#torn,
      unknownOutcomes: this.#outcomes.unknown(),
      lostUses: this.#outcomes.lostUses(),
      forgotten: this.#outcomes.forgotten,
      heldHeads: { given: this.#held.size, found: this.#foundHeads.size },
    };
  }

  /** A head that is nowhere: its writer's tail was cut off, or the whole writer removed. One with another hash was told already. */
  #checkMissingHeads(): void {
    for (const [name, { w, seq }] of this.#held) {
      const writer = this.#writers.get(w);
      if (this.#foundHeads.has(name) || (writer !== undefined && writer.seq >= seq)) continue;
      const place = writer?.place ?? { at: Number.MAX_SAFE_INTEGER, source: '', line: 0 };
      const why =
        writer?.place === undefined
          ? `you hold the head of record ${seq} of this writer, and nothing of the writer is here: removed`
          : `you hold the head of record ${seq}, and the trail of this writer ends after this line: cut off`;
      // It is the next line that is missing: what is wrong with that line comes first.
      this.#fault({ ...place, at: place.at + 1, w, seq, why });
    }
  }

  #writerReport(writer: WriterCheck): WriterReport {
    const { w, records, head, closed, seq } = writer;
    const held = this.#heldUpTo.get(w) === seq;
    return { w, records, head, tail: closed ? 'closed' : held ? 'held' : 'unproven' };
  }

  #writer(w: string): WriterCheck {
    let writer = this.#writers.get(w);
    if (writer === undefined) {
      writer = new WriterCheck(w, (fault) => {
        this.#fault(fault);
      });
      this.#writers.set(w, writer);
    }
    return writer;
  }

  /** Kept in the order of finding, which is nearly that of the trail: enough are kept that the first ones are among them. */
  #fault(fault: Fault): void {
    this.#faultCount += 1;
    if (this.#faults.length < LISTED * 10) this.#faults.push(fault);
  }
}
