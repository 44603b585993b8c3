import type { Code } from '#libs/kernel/codes.js';
import type { Json, JsonObject } from '#libs/kernel/json.js';
import type { Refusal } from '#libs/kernel/refusal.js';

import type { RecordHead } from './receipt.js';
import { effectOf, type Outcome, type RecordFields } from './record.js';

export type { Outcome } from './record.js';

/** A record that has its place in the chain; `durable` settles when the sink has it, or when waiting for it is in vain. */
export interface Chained {
  readonly head: RecordHead;
  /** A rejection says that the caller should not wait, not that the record is gone: it will be sent again until it is accepted. */
  readonly durable: Promise<void>;
}

/** One writer's chain over one sink. */
export interface Journal {
  /** `file`, later `kafka` and `spool`. */
  readonly committedBy: string;
  /** Whether a record given now would be chained and waited for. */
  readonly accepting: boolean;
  /** @throws Refusal UNAVAILABLE when nothing more can be kept; then nothing was chained */
  chain(fields: RecordFields): Chained;
  /** Resolves with the head when the record is durable. @throws Refusal UNAVAILABLE */
  append(fields: RecordFields): Promise<RecordHead>;
  /** Whether a refusal of nobody known gets a record of its own; if not, it has been counted, and a `suppressed` record will say so. */
  admits(code: Code): boolean;
  /** Milliseconds that only rise. */
  monotonic(): number;
}

/** What is known of a request before anything was checked. */
export interface Origin {
  /** Made by the gateway. */
  readonly requestId: string;
  /** The caller's, bounded, or made. */
  readonly correlationId: string;
  readonly traceId?: string;
  readonly spanId?: string;
  /** Method and route template, such as `GET /api/secrets/value/{uri}`. */
  readonly action: string;
  readonly addressPrefix?: string;
}

/** Makes a Receipt; nothing outside this file can. */
let receive: <S>(subject: S, requestId: string, head: RecordHead) => Receipt<S>;

/** A durable intent of one subject (a GrantUse): `release` opens only the secret that was fetched under the same subject. */
export class Receipt<S> {
  readonly #made = true;

  static {
    receive = (subject, requestId, head) => new Receipt(subject, requestId, head);
  }

  private constructor(
    readonly subject: S,
    readonly requestId: string,
    readonly head: RecordHead,
  ) {}

  static is(value: unknown): value is Receipt<unknown> {
    return typeof value === 'object' && value !== null && #made in value;
  }

  /** `w.seq.hash`, as the `Postern-Receipt` header carries it. */
  toString(): string {
    return `${this.head.w}.${this.head.seq}.${this.head.hash}`;
  }
}

/** An intent in the chain, durable or not, and what its result repeats of it. */
interface Intended {
  readonly head: RecordHead;
  readonly members: JsonObject;
}

/**
 * One request's records. `P` is whatever proof the line has reached; `describe` turns it into record members, once, when one is
 * written. Nothing here decides anything: the order of intent, release and result is the line's.
 */
export class Trail<P> {
  readonly #journal: Journal;
  readonly #origin: Origin;
  readonly #describe: (proof: P) => JsonObject;
  readonly #began: number;
  readonly #latency: Record<string, number> = {};
  #stepped: number;
  #proof: P | undefined;
  #noted: JsonObject = {};
  #intended: Intended | undefined;
  #receipt: Receipt<P> | undefined;
  #result: Promise<RecordHead> | undefined;

  private constructor(journal: Journal, origin: Origin, describe: (proof: P) => JsonObject) {
    this.#journal = journal;
    this.#origin = origin;
    this.#describe = describe;
    this.#began = journal.monotonic();
    this.#stepped = this.#began;
  }

  static open<P>(journal: Journal, origin: Origin, describe: (proof: P) => JsonObject): Trail<P> {
    return new Trail(journal, origin, describe);
  }

  /** Keeps what the request asked for, under the names of the record (`purpose`, `reason`): it may never get as far as a proof. */
  note(members: JsonObject): void {
    this.#noted = { ...this.#noted, ...members };
  }

  /** Notes how far the line came, and how long the step took. */
  saw<Q extends P>(proof: Q, step?: string): Q {
    this.#proof = proof;
    if (step !== undefined) this.#lap(step);
    return proof;
  }

  /**
   * Resolves when the intent is durable.
   * @param issued what the request's own decision issued: a `grant` record before the intent, which is the intent's cause
   * @throws Refusal UNAVAILABLE
   */
  async intent<S extends P>(subject: S, issued?: JsonObject): Promise<Receipt<S>> {
    const members = { ...this.#members(), ...this.#describe(subject) };
    const grant = issued === undefined ? undefined : this.#journal.chain({ ...members, ...issued, type: 'grant' });
    const { head, durable } = this.#journal.chain({
      ...members,
      type: 'intent',
      effect: 'permit',
      latency_us: { ...this.#latency },
      ...(grant !== undefined && { cause: grant.head.hash }),
    });
    this.#intended = { head, members };
    await durable;
    this.#lap('intent');
    const receipt = receive(subject, this.#origin.requestId, head);
    this.#receipt = receipt;
    return receipt;
  }

  /** Whether an intent was begun: from then on a refusal is the intent's result. */
  get intending(): boolean {
    return this.#intended !== undefined;
  }

  /** The receipt of this request's intent, once it is durable. */
  get intended(): Receipt<P> | undefined {
    return this.#receipt;
  }

  /**
   * One record for a request that was refused before its intent: which check failed, and what was known then. Nothing when
   * nobody was authenticated and too many such records were written this second: then the refusal is counted.
   * @throws Refusal UNAVAILABLE
   */
  async refused(refusal: Refusal): Promise<RecordHead | undefined> {
    if (this.#proof === undefined && !this.#journal.admits(refusal.code)) return undefined;
    this.#lap('refusal');
    return await this.#journal.append({
      ...refusal.evidence,
      ...this.#members(),
      ...(this.#proof !== undefined && this.#describe(this.#proof)),
      ...failed(refusal),
      type: 'refusal',
      latency_us: this.#latencies(),
    });
  }

  /** Joined to the intent by `cause`; an intent has one result, the first. @throws Refusal UNAVAILABLE */
  result(outcome: Outcome, refusal?: Refusal): Promise<RecordHead> {
    this.#result ??= this.#recordResult(outcome, refusal);
    return this.#result;
  }

  async #recordResult(outcome: Outcome, refusal: Refusal | undefined): Promise<RecordHead> {
    const intended = this.#intended;
    if (intended === undefined) throw new Error('a result follows from an intent, and there is none');
    return await this.#journal.append({
      ...refusal?.evidence,
      ...only(intended.members, REPEATED),
      ...(refusal === undefined ? { effect: 'permit' } : failed(refusal)),
      type: 'result',
      outcome,
      committed_by: this.#journal.committedBy,
      cause: intended.head.hash,
      latency_us: this.#latencies(),
    });
  }

  #members(): JsonObject {
    const { requestId, correlationId, traceId, spanId, action, addressPrefix } = this.#origin;
    return {
      request_id: requestId,
      correlation_id: correlationId,
      ...(traceId !== undefined && { trace_id: traceId }),
      ...(spanId !== undefined && { span_id: spanId }),
      action,
      ...(addressPrefix !== undefined && { address_prefix: addressPrefix }),
      ...this.#noted,
    };
  }

  #lap(step: string): void {
    const now = this.#journal.monotonic();
    this.#latency[step] = microseconds(now - this.#stepped);
    this.#stepped = now;
  }

  #latencies(): JsonObject {
    return { ...this.#latency, total: microseconds(this.#journal.monotonic() - this.#began) };
  }
}

/** What a result repeats of its intent, so that one can be found by what the other is found by. */
const REPEATED = ['request_id', 'correlation_id', 'action', 'tenant', 'purpose', 'decision_id', 'grant_id', 'use_no'];

function only(members: JsonObject, names: readonly string[]): JsonObject {
  const kept: Record<string, Json> = {};
  for (const name of names) {
    const value = members[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

/** `detail` and `cause` stay out: the one repeats what the caller sent, the other may quote anything. */
function failed({ code, check }: Refusal): JsonObject {
  return { effect: effectOf(code), code, ...(check !== undefined && { check }) };
}

function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000);
}
