/**
 * Port: where records become evidence.
 *
 * - MUST resolve only when every line given is durable (fsynced, or acknowledged by all in-sync replicas); not accepted means rejected.
 * - MUST keep the order of the calls, and MUST NOT tear, merge or drop a line it resolved.
 * - After a rejection the sink MUST either accept the same lines later, in order, or go on rejecting: a chain has no gaps.
 * - `lines` are canonical JSON without the line end.
 */
export interface AuditSink {
  append(lines: readonly string[]): Promise<void>;
  /** Resolves when everything accepted so far is durable and the sink is shut. */
  close(): Promise<void>;
}
