import type { Code } from './codes.js';
import type { JsonObject } from './json.js';

/** What the answer says beside the code. Each member becomes a header or a problem member in `src/http/problems.ts`. */
export interface RefusalHints {
  /** `Retry-After`, in whole seconds. */
  readonly retryAfterSeconds?: number;
  /** The scope that was lacking (RFC 6750 section 3). */
  readonly scope?: string;
  /** A nonce for the next proof (RFC 9449 section 9). */
  readonly dpopNonce?: string;
  /** RFC 9470 section 3. */
  readonly acrValues?: readonly string[];
  /** RFC 9470 section 3, in seconds. */
  readonly maxAge?: number;
  /** When the quota's window ends: RFC 3339. */
  readonly resetsAt?: string;
  /** `Allow` of a 405. */
  readonly allow?: readonly string[];
}

export interface RefusalOptions extends RefusalHints {
  /** Told to the caller: repeats only what the caller sent and says what to do. Never a name the caller did not send. */
  readonly detail?: string;
  /** For the audit, never told: which check failed, as a short stable name such as `D9 htm`. */
  readonly check?: string;
  /** For the audit, never told: what was known when the check failed, under the names of the audit record. */
  readonly evidence?: JsonObject;
  /** For debugging only; neither told nor recorded, since foreign errors may quote secrets. */
  readonly cause?: unknown;
}

/** The only thing the domain throws. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly detail: string | undefined;
  readonly check: string | undefined;
  readonly evidence: JsonObject;
  readonly hints: RefusalHints;

  constructor(
    readonly code: Code,
    { detail, check, evidence, cause, ...hints }: RefusalOptions = {},
  ) {
    super(code, cause === undefined ? undefined : { cause });
    this.detail = detail;
    this.check = check;
    this.evidence = evidence ?? {};
    this.hints = hints;
  }
}
