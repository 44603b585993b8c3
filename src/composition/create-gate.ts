import type { Gate } from '#libs/enforcement/gate.js';
import type { Config } from '#src/config/config.js';

/** A Gate, and how to close what it holds open. */
export interface OpenGate {
  readonly gate: Gate;
  /** Writes the last records, closes the journal and the watched files. */
  close(): Promise<void>;
}

/** Config → Gate: the only place that knows every adapter. */
export async function createGate(_config: Config): Promise<OpenGate> {
  throw new Error('in work');
}
