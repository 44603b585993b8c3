import { canonicalJson } from '#libs/kernel/canonical-json.js';
import { isJsonObject, type JsonObject } from '#libs/kernel/json.js';
import { parseStrictJson, StrictJsonError } from '#libs/kernel/strict-json.js';

import { hashOf, WRITER_ID } from './chain.js';
import { RECORD_VERSION, type AuditRecord } from './record.js';

/** One line of a trail, and where it stands. */
export interface SourceLine {
  /** A file's name, or a partition's. */
  readonly source: string;
  /** From 1. */
  readonly line: number;
  readonly bytes: Uint8Array;
  /** Whether a line end follows: the last line of a writer that died may be torn. */
  readonly ended: boolean;
  /** The only writer that this source may hold, when its name says one. */
  readonly w?: string;
}

/** What a line turned out to be. `torn`: the beginning of a record that was never finished. */
export type Reading =
  | { readonly kind: 'record'; readonly record: AuditRecord; readonly hash: string }
  | { readonly kind: 'torn' }
  | { readonly kind: 'bad'; readonly why: string };

/**
 * Reads one line as the writer wrote it, byte for byte: strict UTF-8 and JSON, and the same bytes when written again, since two
 * spellings of one record would be two records with one meaning (spec, "Security", I38).
 */
export function readRecord({ bytes, ended, w }: SourceLine): Reading {
  const parsed = parse(bytes);
  if (typeof parsed === 'string') return unfinished(bytes, ended) ? { kind: 'torn' } : bad(parsed);
  const text = canonicalJson(parsed);
  if (text !== Buffer.from(bytes).toString('utf8'))
    return bad('it is JSON, but not in canonical form: rewritten by another hand');
  if (!isRecord(parsed)) return bad('it is no audit record: v, type, ts, w, seq or prev is missing or misshapen');
  if (parsed.v !== RECORD_VERSION)
    return bad(`it is of version ${parsed.v}, and this verifier knows ${RECORD_VERSION}`);
  if (w !== undefined && parsed.w !== w) return bad(`it names the writer ${parsed.w}, and this file belongs to ${w}`);
  return { kind: 'record', record: parsed, hash: hashOf(text) };
}

/** @returns why not, when it does not parse */
function parse(bytes: Uint8Array): JsonObject | string {
  try {
    const json = parseStrictJson(bytes);
    return isJsonObject(json) ? json : 'it is JSON, but no object';
  } catch (error) {
    if (error instanceof StrictJsonError) return `it is no JSON that the gateway writes (${error.message})`;
    throw error;
  }
}

/**
 * A line without its end that does not parse is what a crash leaves; unless a whole record stands in it and one byte more, which
 * is a line end that was changed.
 */
function unfinished(bytes: Uint8Array, ended: boolean): boolean {
  return !ended && typeof parse(bytes.subarray(0, -1)) === 'string';
}

function bad(why: string): Reading {
  return { kind: 'bad', why };
}

function isRecord(value: JsonObject): value is AuditRecord {
  const { v, type, ts, w, seq, prev } = value;
  return (
    typeof v === 'number' &&
    typeof type === 'string' &&
    typeof ts === 'string' &&
    typeof w === 'string' &&
    WRITER_ID.test(w) &&
    typeof seq === 'number' &&
    Number.isSafeInteger(seq) &&
    seq >= 0 &&
    typeof prev === 'string' &&
    /^[A-Za-z0-9_-]{43}$/.test(prev)
  );
}
