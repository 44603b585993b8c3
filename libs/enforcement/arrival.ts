import type { Origin } from '#libs/audit/trail.js';
import type { Circumstances } from '#libs/decision/decide.js';
import type { Presented } from '#libs/identity/presented.js';
import type { Wanted } from '#libs/tenancy/guard.js';

/** A request whose sizes and shapes are in order; nothing of it is believed yet. */
export interface SecretRequest {
  readonly presented: Presented;
  readonly wanted: Wanted;
  /** What the PDP is shown beside the target. */
  readonly about: Circumstances;
}

/** A request as it comes to a line: what the gateway says of it, and how to read what the caller said. */
export interface Arrival {
  readonly origin: Origin;
  /** Reads the raw request, once. @throws Refusal INVALID_REQUEST and the other codes of sizes and shapes */
  read(): SecretRequest;
}
