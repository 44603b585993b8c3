import { LineCounter, parseDocument } from 'yaml';

import { isList, type Raw, Wrong } from './kinds.js';

/** A file as the loader needs it. */
export interface FileRead {
  readonly text: string;
  /** Permission bits, as of `stat`. */
  readonly mode: number;
}

/** Reads one file whole. @throws Error when it cannot */
export type ReadFile = (path: string) => FileRead;

const MAX_CHARACTERS = 256 * 1024;

/**
 * The members of a configuration file. Aliases, tags, merge keys and repeated names are refused: each can make a reader believe in
 * another value than the gateway uses. No sentence quotes the file, which may hold secrets.
 * @throws Wrong
 */
export function parseConfigFile(text: string): ReadonlyMap<string, Raw> {
  if (text.length > MAX_CHARACTERS) throw new Wrong('is larger than 256 KiB');
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    version: '1.2',
    schema: 'core',
    logLevel: 'error',
  });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined) {
    const { line, col } = lineCounter.linePos(fault.pos[0]);
    throw new Wrong(`is not plain YAML: ${fault.code} at line ${line}, column ${col}`);
  }
  const content: unknown = unaliased(document);
  if (content === null || content === undefined) return new Map();
  if (!isRaw(content) || !isMembers(content)) throw new Wrong('must be a map of plain values, lists and maps');
  return new Map(Object.entries(content));
}

/** Aliases count as exhausted at once. */
function unaliased(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw new Wrong('uses aliases (*name): write the value out');
  }
}

export function isMembers(raw: Raw): raw is { readonly [name: string]: Raw } {
  return typeof raw === 'object' && raw !== null && !isList(raw);
}

function isRaw(value: unknown): value is Raw {
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return true;
  if (Array.isArray(value)) return value.every(isRaw);
  if (typeof value !== 'object') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype && Object.values(value).every(isRaw);
}
