/** Ids of a W3C trace context, as records carry them. */
export interface TraceIds {
  readonly traceId: string;
  readonly spanId: string;
}

const VERSION_00 = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}$/;

/**
 * W3C Trace Context section 3.2, version 00 only. What does not parse is left out, not refused: tracing is never a reason not to
 * answer (its section 3.2.1 restarts the trace).
 */
export function readTraceparent(value: string | undefined): TraceIds | undefined {
  const [, traceId, spanId] = VERSION_00.exec(value ?? '') ?? [];
  return traceId === undefined || spanId === undefined ? undefined : { traceId, spanId };
}
