import type { Clock } from '#libs/kernel/clock.js';
import type { Code } from '#libs/kernel/codes.js';
import type { JsonObject } from '#libs/kernel/json.js';
import { Refusal } from '#libs/kernel/refusal.js';
import { timestamp } from '#libs/kernel/timestamp.js';

import type { AuditSink } from './audit-sink.js';
import { Writer } from './chain.js';
import { Flood } from './flood.js';
import { Outbox } from './outbox.js';
import type { RecordHead } from './receipt.js';
import type { RecordFields } from './record.js';
import type { Chained, Journal } from './trail.js';

export interface JournalOptions {
  readonly sink: AuditSink;
  readonly clock: Clock;
  /** The writer: random, one per process run; see `Writer`. */
  readonly w: string;
  /** What results say of their intent: `file`. */
  readonly committedBy: string;
  /** Members of the `open` record: `instance`, `software`, `environment`. */
  readonly opening?: JsonObject;
  /** Stands in every record of this writer: `switches_off`. */
  readonly standing?: JsonObject;
  readonly limits?: Partial<JournalLimits>;
}

export interface JournalLimits {
  /** Records and bytes that are kept while the sink does not take them; past either, nothing is chained. */
  readonly records: number;
  readonly bytes: number;
  /** Between two attempts while the sink rejects. */
  readonly retryMs: number;
  /** A sink that has not answered for this long counts as broken until it does (AUDIT_DEADLINE_MS). */
  readonly stallMs: number;
  /** Refusals of nobody known that get a record of their own. */
  readonly refusalsPerSecond: number;
  /** How long `close` tries to get the last records out. */
  readonly closeMs: number;
}

const LIMITS: JournalLimits = {
  records: 10_000,
  bytes: 16 * 1024 * 1024,
  retryMs: 250,
  stallMs: 1000,
  refusalsPerSecond: 50,
  closeMs: 5000,
};

/**
 * The journal of one process run: a chain whose records go to one sink, in order, each until it is accepted. While the sink
 * rejects, callers are told at once and the records wait; past the bound nothing is chained, and one later record counts what
 * was turned away (spec, "Audit: sinks").
 */
export class SinkJournal implements Journal {
  readonly committedBy: string;
  readonly #clock: Clock;
  readonly #standing: JsonObject | undefined;
  readonly #writer: Writer;
  readonly #sink: AuditSink;
  readonly #outbox: Outbox;
  readonly #flood: Flood;
  readonly #turnedAway = new Flood(0);
  #timer: (() => void) | undefined;
  #closing = false;

  private constructor({ sink, clock, w, committedBy, standing }: JournalOptions, limits: JournalLimits) {
    this.committedBy = committedBy;
    this.#clock = clock;
    this.#standing = standing;
    this.#sink = sink;
    this.#writer = new Writer(w);
    this.#outbox = new Outbox(sink, clock, limits);
    this.#flood = new Flood(limits.refusalsPerSecond);
  }

  /**
   * Resolves when the `open` record is durable: a process without a working sink does not start.
   * @throws Refusal UNAVAILABLE
   */
  static async open(options: JournalOptions): Promise<SinkJournal> {
    const journal = new SinkJournal(options, { ...LIMITS, ...options.limits });
    try {
      await journal.append({ ...options.opening, type: 'open', signing: 'none' });
    } catch (error) {
      journal.#outbox.abandon();
      throw error;
    }
    return journal;
  }

  get accepting(): boolean {
    return !this.#closing && this.#outbox.state === 'flowing';
  }

  chain(fields: RecordFields): Chained {
    if (this.#closing) throw new Refusal('UNAVAILABLE', { check: 'audit closed', retryAfterSeconds: 1 });
    if (!this.#outbox.takes(fields.type === 'result')) {
      this.#turnedAway.count(codeOf(fields), this.#clock.now());
      this.#schedule();
      throw new Refusal('UNAVAILABLE', { check: 'audit full', retryAfterSeconds: 1 });
    }
    return this.#chain(fields);
  }

  async append(fields: RecordFields): Promise<RecordHead> {
    const { head, durable } = this.chain(fields);
    await durable;
    return head;
  }

  admits(code: Code): boolean {
    if (this.#flood.lets(this.#clock.monotonic())) return true;
    this.#flood.count(code, this.#clock.now());
    this.#schedule();
    return false;
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  /**
   * Writes what was only counted, then `close`, and shuts the sink when all of it is durable.
   * @throws Refusal UNAVAILABLE when the sink did not take the rest in time: then the trail's tail is unproven, and shows it
   */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#timer?.();
    this.#writeCounts();
    this.#chain({ type: 'close' });
    try {
      await this.#outbox.drained();
    } finally {
      await this.#sink.close();
    }
  }

  #chain(fields: RecordFields): Chained {
    const all = this.#standing === undefined ? fields : { ...fields, ...this.#standing, type: fields.type };
    const { line, bytes, head } = this.#writer.append(all, timestamp(this.#clock.now()));
    return { head, durable: this.#outbox.send(line, bytes) };
  }

  /** One record when the second is over, for all that was counted in it. */
  #schedule(): void {
    this.#timer ??= this.#clock.after(this.#flood.left(this.#clock.monotonic()) || 1000, () => {
      this.#timer = undefined;
      if (this.#closing) return;
      if (this.#outbox.takes(true)) this.#writeCounts();
      else this.#schedule();
    });
  }

  #writeCounts(): void {
    for (const [flood, check] of [
      [this.#flood, 'flood'],
      [this.#turnedAway, 'audit full'],
    ] as const) {
      if (!flood.counting) continue;
      const { counts, since } = flood.take();
      const fields = { check, counts: Object.fromEntries(counts), since: new Date(since).toISOString() };
      this.#chain({ ...fields, type: 'suppressed' });
    }
  }
}

function codeOf({ type, code }: RecordFields): string {
  return typeof code === 'string' ? code : type;
}
