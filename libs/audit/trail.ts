import type { JsonObject } from '#libs/kernel/json.js';
import type { Refusal } from '#libs/kernel/refusal.js';

import type { RecordHead } from './receipt.js';

/** One writer's chain over one sink: appends a record's fields, and resolves with its head when it is durable. */
export interface Journal {
  append(fields: JsonObject): Promise<RecordHead>;
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

/** A durable intent of one subject (a GrantUse): `release` opens only the secret that was fetched under the same subject. */
export class Receipt<S> {
  readonly #made = true;

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

export type Outcome = 'sent' | 'aborted' | 'not_released' | 'unknown';

/** One request's records. `P` is whatever proof the line has reached; `describe` turns it into record members, once, when one is written. */
export class Trail<P> {
  private constructor() {}

  static open<P>(_journal: Journal, _origin: Origin, _describe: (proof: P) => JsonObject): Trail<P> {
    return new Trail<P>();
  }

  /** Notes how far the line came. */
  saw<Q extends P>(proof: Q): Q {
    return proof;
  }

  /** Resolves when the intent is durable. */
  intent<S extends P>(_subject: S): Promise<Receipt<S>> {
    return Promise.reject(new Error('in work'));
  }

  /** Whether an intent was begun: from then on a refusal is the intent's result. */
  get intending(): boolean {
    return false;
  }

  /** The receipt of this request's intent, once it is durable. */
  get intended(): Receipt<P> | undefined {
    return undefined;
  }

  /** One record for a request that was refused before its intent: which check failed, and what was known then. */
  refused(_refusal: Refusal): Promise<RecordHead> {
    return Promise.reject(new Error('in work'));
  }

  /** Joined to the intent by `cause`. */
  result(_outcome: Outcome, _refusal?: Refusal): Promise<RecordHead> {
    return Promise.reject(new Error('in work'));
  }
}
