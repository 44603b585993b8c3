import type { Clock } from '#libs/kernel/clock.js';
import { Refusal } from '#libs/kernel/refusal.js';

import type { AuditSink } from './audit-sink.js';

export interface OutboxLimits {
  readonly records: number;
  readonly bytes: number;
  readonly retryMs: number;
  readonly stallMs: number;
  readonly closeMs: number;
}

/** `flowing`: lines are accepted as they come. `broken`: the sink rejects, or has not answered in time. */
export type OutboxState = 'flowing' | 'broken' | 'abandoned';

interface Waiting {
  readonly line: string;
  readonly bytes: number;
  /** Whoever waits for the line; nobody once it was told not to. */
  settle: { readonly resolve: () => void; readonly reject: (reason: Refusal) => void } | undefined;
}

/** Lines per call of the sink. */
const BATCH = 1000;
/** The share of the bound that is kept for results, whose intents are in the chain already. */
const RESERVE = 0.25;

/**
 * What the chain has and the sink has not: sent in order, one call at a time, again and again until it is accepted. Rejections
 * end only the waiting of whoever waits; no line is ever taken out unaccepted (spec, "Audit: chain").
 */
export class Outbox {
  readonly #sink: AuditSink;
  readonly #clock: Clock;
  readonly #limits: OutboxLimits;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #sending = false;
  #gathering = false;
  #state: OutboxState = 'flowing';
  #retry: (() => void) | undefined;
  #drain: { readonly resolve: () => void } | undefined;

  constructor(sink: AuditSink, clock: Clock, limits: OutboxLimits) {
    this.#sink = sink;
    this.#clock = clock;
    this.#limits = limits;
  }

  get state(): OutboxState {
    return this.#state;
  }

  /** Whether one more line can be kept; the last quarter of the room is for those who `mayUseReserve`. */
  takes(mayUseReserve: boolean): boolean {
    const share = mayUseReserve ? 1 : 1 - RESERVE;
    const { records, bytes } = this.#limits;
    return this.#state !== 'abandoned' && this.#waiting.length < records * share && this.#bytes < bytes * share;
  }

  /** Keeps the line. The answer rejects at once while the sink is broken; the line is sent all the same. */
  send(line: string, bytes: number): Promise<void> {
    this.#bytes += bytes;
    if (this.#state !== 'flowing') {
      this.#waiting.push({ line, bytes, settle: undefined });
      return quiet(Promise.reject(unavailable()));
    }
    const durable = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ line, bytes, settle: { resolve, reject } });
    });
    this.#gather();
    return quiet(durable);
  }

  /** Resolves when nothing waits any more. @throws Refusal UNAVAILABLE when that took too long; then nothing is sent again */
  async drained(): Promise<void> {
    if (this.#waiting.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      const cancel = this.#clock.after(this.#limits.closeMs, () => {
        this.abandon();
        reject(unavailable());
      });
      this.#drain = {
        resolve: () => {
          cancel();
          resolve();
        },
      };
    });
  }

  /** Sends nothing any more: the process ends, or never began. */
  abandon(): void {
    this.#retry?.();
    this.#breakOff('abandoned');
  }

  /** Requests that came in one turn of the event loop share a commit, instead of the first having one for itself. */
  #gather(): void {
    if (this.#sending || this.#gathering) return;
    this.#gathering = true;
    this.#clock.soon(() => {
      this.#gathering = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#sending || this.#state === 'abandoned' || this.#waiting.length === 0) return;
    this.#sending = true;
    const batch = this.#waiting.slice(0, BATCH);
    const unstall = this.#clock.after(this.#limits.stallMs, () => {
      this.#breakOff('broken');
    });
    appended(
      this.#sink,
      batch.map(({ line }) => line),
    ).then(
      () => {
        unstall();
        this.#accepted(batch);
      },
      () => {
        unstall();
        this.#rejected();
      },
    );
  }

  #accepted(batch: readonly Waiting[]): void {
    this.#sending = false;
    this.#waiting.splice(0, batch.length);
    for (const { bytes, settle } of batch) {
      this.#bytes -= bytes;
      settle?.resolve();
    }
    if (this.#state === 'broken') this.#state = 'flowing';
    if (this.#waiting.length === 0) this.#drain?.resolve();
    else this.#gather();
  }

  #rejected(): void {
    this.#sending = false;
    this.#breakOff('broken');
    if (this.#state === 'abandoned') return;
    this.#retry = this.#clock.after(this.#limits.retryMs, () => {
      this.#pump();
    });
  }

  /** Tells everyone who waits that waiting is in vain; what they wait for stays. */
  #breakOff(state: 'broken' | 'abandoned'): void {
    if (this.#state !== 'abandoned') this.#state = state;
    const reason = unavailable();
    for (const waiting of this.#waiting) {
      waiting.settle?.reject(reason);
      waiting.settle = undefined;
    }
  }
}

/** A sink that throws before its first await has rejected like any other. */
async function appended(sink: AuditSink, lines: readonly string[]): Promise<void> {
  await sink.append(lines);
}

function unavailable(): Refusal {
  return new Refusal('UNAVAILABLE', { check: 'audit sink', retryAfterSeconds: 1 });
}

/** A rejection that nobody waits for any more is no defect: deadlines end only the waiting. */
function quiet(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined);
  return promise;
}
