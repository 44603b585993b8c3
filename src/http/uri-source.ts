import { IsString, validateSync } from 'class-validator';

import { isJsonObject } from '#libs/kernel/json.js';
import { Refusal } from '#libs/kernel/refusal.js';
import { parseStrictJson, StrictJsonError } from '#libs/kernel/strict-json.js';

import { MAX_ENCODED_URI_CHARACTERS, splitTarget } from './target.js';

/**
 * Where a route finds the secret URI's text. Nothing is parsed here: the one grammar is the kernel's. The text is decoded exactly
 * once, so that `%2525` never becomes `%`.
 */
export type UriSource = (target: string, body: Buffer | undefined) => string;

export interface UriPlace {
  /** The fixed part of the path, spelled as it is served. */
  readonly path: string;
  /** What a caller of the query form is told when REQUIRE_URI_IN_PATH is on. */
  readonly instead: string;
}

/** GET `…/{uri}`: the last segment. A proof covers the path, hence this form. */
export function inPath(prefix: string): UriSource {
  return (target) => {
    const { path, query } = splitTarget(target);
    refuseParameters(query);
    if (!path.startsWith(prefix)) throw misspelled();
    return decoded(path.slice(prefix.length));
  };
}

/** GET `…?uri=`: the one parameter. */
export function inQuery({ path: served, instead }: UriPlace, pathOnly: boolean): UriSource {
  return (target) => {
    const { path, query } = splitTarget(target);
    if (path !== served) throw misspelled();
    const text = uriParameter(query);
    if (pathOnly) throw new Refusal('INVALID_REQUEST', { check: 'uri in query', detail: `Use ${instead}.` });
    if (text.includes('+')) {
      // A literal plus to some readers, a space to others: neither is guessed.
      throw new Refusal('INVALID_REQUEST', { check: 'plus in query', detail: 'In a query, spell + as %2B.' });
    }
    return decoded(text);
  };
}

/** POST `{uri}`. */
export function inBody(served: string): UriSource {
  return (target, body) => {
    const { path, query } = splitTarget(target);
    refuseParameters(query);
    if (path !== served) throw misspelled();
    return readBodyUri(body);
  };
}

/** Names are compared as they were sent: an escaped name is another name. */
function uriParameter(query: string): string {
  const pairs = query === '' ? [] : query.split('&').map(pairOf);
  const foreign = pairs.find(({ name }) => name !== 'uri');
  if (foreign !== undefined) throw unknownParameter(foreign.name);
  const [first, second] = pairs;
  if (first === undefined)
    throw new Refusal('INVALID_REQUEST', { check: 'no uri', detail: 'Send ?uri=, percent-encoded.' });
  if (second !== undefined) throw new Refusal('INVALID_REQUEST', { check: 'uri twice', detail: 'Send uri once.' });
  return first.text;
}

function pairOf(pair: string): { readonly name: string; readonly text: string } {
  const equals = pair.indexOf('=');
  return equals === -1 ? { name: pair, text: '' } : { name: pair.slice(0, equals), text: pair.slice(equals + 1) };
}

function refuseParameters(query: string): void {
  if (query !== '') throw unknownParameter(pairOf(query.split('&', 1)[0] ?? '').name);
}

/** RFC 6750 section 2.3 is not taken: a token in a URL ends in logs. */
function unknownParameter(name: string): Refusal {
  if (name === 'access_token') {
    const detail = 'Send the access token in Authorization, never in the query; count the one you sent as leaked.';
    return new Refusal('INVALID_REQUEST', { check: 'B1 token in query', detail });
  }
  return new Refusal('INVALID_REQUEST', {
    check: 'query parameter',
    detail: 'The query takes uri and nothing else, if at all.',
  });
}

function decoded(text: string): string {
  if (text.length > MAX_ENCODED_URI_CHARACTERS) {
    const detail = `An encoded secret URI has at most ${MAX_ENCODED_URI_CHARACTERS} characters.`;
    throw new Refusal('TARGET_TOO_LONG', { check: 'uri length', detail });
  }
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new Refusal('INVALID_REQUEST', { check: 'uri encoding', detail: 'Percent-encode the URI as UTF-8.', cause });
  }
}

/** The router also finds a path whose letters are escaped; here an address has one spelling. */
function misspelled(): Refusal {
  return new Refusal('NOT_FOUND', {
    check: 'escaped path',
    detail: 'Spell the fixed part of the path without escapes.',
  });
}

/** The body of POST `/value`. Unknown members are refused, nothing is coerced. */
class UriBody {
  @IsString() readonly uri: unknown;
}

function readBodyUri(body: Buffer | undefined): string {
  const json = bodyJson(body);
  if (!isJsonObject(json)) throw badBody('body no object');
  const { uri } = json;
  const options = { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true };
  if (validateSync(Object.assign(new UriBody(), json), options).length > 0 || typeof uri !== 'string') {
    throw badBody('body members');
  }
  return uri;
}

function bodyJson(body: Buffer | undefined): unknown {
  try {
    return parseStrictJson(body ?? Buffer.alloc(0));
  } catch (error) {
    if (error instanceof StrictJsonError) throw badBody(`body ${error.reason}`, error);
    throw error;
  }
}

function badBody(check: string, cause?: unknown): Refusal {
  return new Refusal('INVALID_REQUEST', {
    check,
    detail: 'Send {"uri": "…"} as strict JSON, and nothing else in it.',
    cause,
  });
}
