import { GENESIS } from './chain.js';
import type { RecordHead } from './receipt.js';
import type { AuditRecord } from './record.js';

/** Where a line stands; `at` counts the lines of the whole trail as they were read. */
export interface Place {
  readonly at: number;
  readonly source: string;
  readonly line: number;
  readonly w?: string;
  readonly seq?: number;
}

export interface Fault extends Place {
  /** One sentence, from which the reader knows what to look for. */
  readonly why: string;
}

interface Link {
  readonly hash: string;
  readonly place: Place;
}

/** Two records of which one is false: the next one shows which, since it follows from the true one. */
interface Dispute {
  readonly kind: 'changed' | 'inserted';
  readonly earlier: Link;
  readonly later: Link;
}

/** How far back a record that comes again is recognised: a sink resends at most what it had in flight. */
const WINDOW = 4096;

/** One writer's chain, record by record, in constant memory. */
export class WriterCheck {
  readonly #report: (fault: Fault) => void;
  readonly #recent = new Map<number, string>();
  #last: Link | undefined;
  #lastSeq = -1;
  #dispute: Dispute | undefined;
  /** After a fault the next record is taken as it comes: one cause, one fault. */
  #adopt = false;
  #faulty = false;
  #closed = false;
  #records = 0;

  constructor(
    readonly w: string,
    report: (fault: Fault) => void,
  ) {
    this.#report = report;
  }

  get records(): number {
    return this.#records;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get faulty(): boolean {
    return this.#faulty;
  }

  get seq(): number {
    return this.#lastSeq;
  }

  get place(): Place | undefined {
    return this.#last?.place;
  }

  get head(): RecordHead | undefined {
    return this.#last && { w: this.w, seq: this.#lastSeq, hash: this.#last.hash };
  }

  /** @returns `new`, or `again` for a record that was there already, byte for byte */
  see(record: AuditRecord, hash: string, place: Place): 'new' | 'again' {
    const { seq, prev } = record;
    if (this.#recent.get(seq) === hash) return 'again';
    this.#settle(prev);
    const link = { hash, place };
    if (this.#adopt) this.#adopt = false;
    else if (this.#last === undefined) this.#checkFirst(record, place);
    else if (seq <= this.#lastSeq) {
      this.#checkRepeated(seq, this.#last, link);
      return 'new';
    } else this.#checkNext(record, this.#last, link);
    this.#advance(record, link);
    return 'new';
  }

  /** A line that is no record stands where the next record of this writer should be. */
  spoiled(place: Place, why: string): void {
    this.#settle(undefined);
    this.#fault(place, why);
    this.#adopt = true;
  }

  /** Nothing more comes. */
  end(): void {
    this.#settle(undefined);
  }

  #advance(record: AuditRecord, link: Link): void {
    this.#last = link;
    this.#lastSeq = record.seq;
    this.#records += 1;
    this.#closed = record.type === 'close';
    this.#recent.set(record.seq, link.hash);
    this.#recent.delete(record.seq - WINDOW);
  }

  #checkFirst({ seq, prev, type }: AuditRecord, place: Place): void {
    if (seq !== 0)
      this.#fault(place, `the writer's first records are missing: ${span(0, seq - 1)}, the open record among them`);
    else if (type !== 'open') this.#fault(place, `a trail begins with an open record, and this is ${type}`);
    else if (prev !== GENESIS)
      this.#fault(place, 'the first record follows from nothing, and this one names a predecessor');
  }

  #checkNext({ seq, prev, type }: AuditRecord, last: Link, link: Link): void {
    const { place } = link;
    if (this.#closed) this.#fault(place, `the writer closed its trail at seq ${this.#lastSeq}, and here it goes on`);
    else if (seq > this.#lastSeq + 1)
      this.#fault(place, `${span(this.#lastSeq + 1, seq - 1)} missing before this line: dropped, or moved`);
    else if (prev !== last.hash) this.#disputed({ kind: 'changed', earlier: last, later: link });
    else if (type === 'open') this.#fault(place, 'a second open record: a writer opens its trail once');
  }

  #checkRepeated(seq: number, last: Link, link: Link): void {
    if (seq === this.#lastSeq) this.#disputed({ kind: 'inserted', earlier: last, later: link });
    else if (this.#recent.has(seq))
      this.#fault(link.place, `another record of seq ${seq} stands earlier in the trail: a fork, or inserted`);
    else this.#fault(link.place, `seq ${seq} comes after seq ${this.#lastSeq}: moved, or inserted`);
  }

  #disputed(dispute: Dispute): void {
    this.#faulty = true;
    this.#dispute = dispute;
  }

  /** @param prev of the next record of this writer, if there is one */
  #settle(prev: string | undefined): void {
    const dispute = this.#dispute;
    if (dispute === undefined) return;
    this.#dispute = undefined;
    const { kind, earlier, later } = dispute;
    const earlierIsFalse = kind === 'changed' ? prev === undefined || prev === later.hash : prev === later.hash;
    if (prev === later.hash) this.#last = later;
    else if (prev !== earlier.hash) this.#adopt = true;
    this.#fault(earlierIsFalse ? earlier.place : later.place, WHY[kind](earlierIsFalse, prev === undefined));
  }

  #fault(place: Place, why: string): void {
    this.#faulty = true;
    this.#report({ ...place, why });
  }
}

const WHY = {
  changed: (earlierIsFalse: boolean, undecided: boolean): string => {
    if (undecided) return 'this record or the next one was changed: the next one follows from other bytes than these';
    return earlierIsFalse
      ? 'the record was changed: the next one follows from other bytes than these'
      : 'the record was changed: neither does it follow from the one before it, nor the next one from it';
  },
  inserted: (earlierIsFalse: boolean, undecided: boolean): string => {
    if (undecided) return 'two different records of one seq, and nothing follows from either: a fork';
    return `two different records of one seq: this one was inserted, the next record follows from the ${earlierIsFalse ? 'second' : 'first'}`;
  },
};

function span(from: number, to: number): string {
  return from === to ? `record ${from} is` : `records ${from} to ${to} are`;
}
