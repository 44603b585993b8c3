import { destination, pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';

import type { Code } from '#libs/kernel/codes.js';
import type { Refusal } from '#libs/kernel/refusal.js';
import { timestamp } from '#libs/kernel/timestamp.js';

/** One line for one answer (spec, "Logs and access logs"): never a URL, header, body, value, token or path. */
export interface AccessLine {
  /** Method and template, such as `GET /api/secrets/value/{uri}`; `-` when no route took the request. */
  readonly route: string;
  readonly request_id: string;
  readonly correlation_id: string;
  /** 0: the peer was gone before there was an answer. */
  readonly status: number;
  readonly code: Code | undefined;
  /** From the request's header section to the end of the answer, in milliseconds. */
  readonly ms: number;
}

/** Whose fault is told. */
export interface FaultIds {
  readonly requestId: string;
  readonly correlationId: string;
}

/** The only way to write a line: every member has a name and comes from the gateway, never from the wire as it was. */
export interface Log {
  access(line: AccessLine): void;
  /** An answer of 500 and more: which check failed, and where; of foreign errors only the class and the place, never the message. */
  fault(ids: FaultIds, refusal: Refusal): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  /** Writes what is still held back. */
  flush(): void;
}

export interface LogOptions {
  /** Where lines go; standard output when left out. */
  readonly stream?: DestinationStream & { flushSync?(): void };
  /** Held back up to so many bytes, and never longer than a second. */
  readonly bufferBytes?: number;
}

const FLUSH_EVERY_MS = 1_000;

export function createLog({ stream, bufferBytes = 12_288 }: LogOptions = {}): Log {
  const out = stream ?? destination({ fd: 1, sync: false, minLength: bufferBytes });
  const lines: Logger = pino(
    {
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    out,
  );
  const flush = (): void => out.flushSync?.();
  setInterval(flush, FLUSH_EVERY_MS).unref();
  return {
    // One line for each request: written as pino would write it, without what pino does for lines of any shape.
    access: (line) => {
      const told = { level: 'info', time: timestamp(Date.now()), ...line, msg: 'answered' };
      out.write(`${JSON.stringify(told)}\n`);
    },
    fault: ({ requestId, correlationId }, { code, check, cause }) => {
      lines.error(
        { request_id: requestId, correlation_id: correlationId, code, check, cause: placeOf(cause) },
        'fault',
      );
    },
    info: (message) => lines.info(oneLine(message)),
    warn: (message) => lines.warn(oneLine(message)),
    error: (message) => lines.error(oneLine(message)),
    flush,
  };
}

/** Without what any reader of lines could take for the end of one (spec, Security, N18); JSON alone leaves some of these as they are. */
function oneLine(message: string): string {
  return message.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}

/** Where a foreign error comes from. Its message may quote what the caller sent, or a secret: it stays out. */
function placeOf(cause: unknown): { readonly name: string; readonly at: readonly string[] } | undefined {
  if (!(cause instanceof Error)) return undefined;
  const frames = (cause.stack ?? '').split('\n').filter((line) => /^ +at /.test(line));
  return { name: cause.constructor.name, at: frames.slice(0, 8).map((line) => line.trim()) };
}
