import type { ProviderNames } from './provider-names.js';
import { quoted } from './quoted.js';
import { Refusal } from './refusal.js';

export const MAX_URI_CHARACTERS = 1_024;
const MAX_SEGMENTS = 16;
const MAX_SEGMENT_CHARACTERS = 128;
const MAX_VERSION = 2 ** 31 - 1;

/** What stands in a secret URI or in a prefix; `path` is empty only where the caller of `readUri` allows it. */
export interface UriParts {
  readonly provider: string;
  readonly engine: string | undefined;
  readonly mount: string;
  readonly path: readonly string[];
  readonly key: string | undefined;
  readonly version: number | undefined;
}

/**
 * Text to parts, or a refusal (spec, "Secret URIs"). One pass from left to right over at most 1,024 characters, after three looks at
 * the whole: length, `*`, `%`. The provider is folded (case, alias) and a left-out engine filled in; nothing else is normalised.
 *
 * @throws Refusal with one of the codes of the page's table
 */
export function readUri(text: string, providers: ProviderNames): UriParts {
  if (text.length > MAX_URI_CHARACTERS) throw tooLong('uri length');
  if (text.includes('*')) {
    throw new Refusal('INVALID_WILDCARD', {
      check: 'uri wildcard',
      detail: 'A request names one secret; patterns with * belong in policies.',
    });
  }
  if (text.includes('%')) {
    throw illegal(
      'uri percent',
      'A secret URI has no percent-escapes. If you encoded it for HTTP, encode it only once.',
    );
  }
  const { place, query, fragment } = cut(text);
  const colon = place.indexOf('://');
  if (colon === -1) throw illegal('uri scheme', 'A secret URI is written provider://mount/path#key; "://" is missing.');
  const scheme = place.slice(0, colon);
  const { provider, engine } = readScheme(scheme, providers);
  const [mount = '', ...path] = readSegments(place.slice(colon + 3));
  if (engine === 'kv2') checkApiPath(`${scheme}://${mount}`, path);
  const version = query === undefined ? undefined : readVersion(query);
  if (fragment !== undefined) checkKey(fragment);
  return { provider, engine, mount, path, key: fragment, version };
}

export function tooLong(check: string): Refusal {
  return new Refusal('URI_TOO_LONG', {
    check,
    detail: `A secret URI has at most ${MAX_URI_CHARACTERS} characters and ${MAX_SEGMENTS} segments, the mount included.`,
  });
}

export function illegal(check: string, detail: string): Refusal {
  return new Refusal('ILLEGAL_SEGMENT', { check, detail });
}

/** Query before fragment (RFC 3986 section 3), or the older order `#key?version=N`. */
function cut(text: string): { place: string; query: string | undefined; fragment: string | undefined } {
  const hash = text.indexOf('#');
  const mark = text.indexOf('?');
  // without any, -1 + 1 looks from the start and finds none either
  if (text.includes('#', hash + 1)) throw illegal('uri two #', 'A secret URI has one # at most.');
  if (text.includes('?', mark + 1)) {
    throw new Refusal('AMBIGUOUS_QUERY', { check: 'uri two ?', detail: 'A secret URI has one ? at most.' });
  }
  return {
    place: text.slice(0, firstOf(hash, mark, text.length)),
    query: mark === -1 ? undefined : text.slice(mark + 1, hash > mark ? hash : text.length),
    fragment: hash === -1 ? undefined : text.slice(hash + 1, mark > hash ? mark : text.length),
  };
}

function firstOf(hash: number, mark: number, end: number): number {
  return Math.min(hash === -1 ? end : hash, mark === -1 ? end : mark);
}

function readScheme(scheme: string, providers: ProviderNames): { provider: string; engine: string | undefined } {
  const plus = scheme.indexOf('+');
  const name = plus === -1 ? scheme : scheme.slice(0, plus);
  const engine = plus === -1 ? undefined : scheme.slice(plus + 1);
  // Before case is folded: some letters beyond ASCII have an ASCII lower case (U+212A, the Kelvin sign, becomes k).
  if (name === '' || !only(name, IN_NAME) || (engine !== undefined && !only(engine, IN_NAME))) {
    throw illegal(
      'uri scheme',
      `${quoted(scheme)} is no provider name: letters, digits and -, with +engine or without.`,
    );
  }
  const row = providers.get(name.toLowerCase());
  if (row === undefined) {
    throw new Refusal('UNSUPPORTED_PROVIDER', {
      check: 'uri provider',
      detail: `There is no provider ${quoted(name)} here.`,
    });
  }
  if (engine !== undefined && engine !== row.engine) {
    throw new Refusal('UNSUPPORTED_ENGINE', {
      check: 'uri engine',
      detail: `Provider ${quoted(name)} has no engine ${quoted(engine)}; leave +engine out to take the provider's own.`,
    });
  }
  return { provider: row.name, engine: row.engine };
}

function readSegments(text: string): string[] {
  if (text === '') throw illegal('uri mount', 'A secret URI names a mount and a path after "://".');
  const segments = text.split('/');
  if (segments.length > MAX_SEGMENTS) throw tooLong('uri segments');
  for (const segment of segments) checkSegment(segment);
  return segments;
}

function checkSegment(segment: string): void {
  if (segment === '') {
    throw illegal('uri empty segment', 'A segment is empty: write no "//" after the mount and no "/" at the end.');
  }
  if (segment.length > MAX_SEGMENT_CHARACTERS) {
    throw illegal('uri segment length', `A segment has at most ${MAX_SEGMENT_CHARACTERS} characters.`);
  }
  if (!only(segment, IN_SEGMENT)) {
    throw illegal('uri segment', `Segment ${quoted(segment)} has a character other than A-Z a-z 0-9 . _ -`);
  }
  if (segment === '.' || segment === '..' || RESERVED.has(segment)) {
    throw illegal('uri reserved segment', `${quoted(segment)} cannot be a segment.`);
  }
}

/** `data/` and `metadata/` stand in the HTTP API of KV v2, never in the name of a secret. */
function checkApiPath(mountAsSent: string, path: readonly string[]): void {
  if (!startsWithApiPath(path)) return;
  let named = path;
  while (startsWithApiPath(named)) named = named.slice(1);
  throw new Refusal('API_PATH_IN_URI', {
    check: 'uri api path',
    detail: `"${path[0]}/" belongs to the API of KV v2; this secret is named ${mountAsSent}/${named.join('/')}`,
  });
}

function startsWithApiPath(path: readonly string[]): boolean {
  return path.length > 1 && (path[0] === 'data' || path[0] === 'metadata');
}

/** Names are judged before values, so that `version=x&version=1` is ambiguous rather than merely wrong. */
function readVersion(query: string): number {
  const [first = '', ...rest] = query.split('&');
  for (const [at, parameter] of [first, ...rest].entries()) {
    const name = parameter.split('=', 1)[0] ?? '';
    if (name === 'version' && at === 0) continue;
    if (name === 'version') {
      throw new Refusal('AMBIGUOUS_QUERY', { check: 'uri version twice', detail: 'Give version once.' });
    }
    if (name === 'mount') {
      throw new Refusal('DOUBLE_MOUNT_SOURCE', {
        check: 'uri mount parameter',
        detail: 'The mount is the first segment after "://"; leave mount= out.',
      });
    }
    throw new Refusal('UNKNOWN_PARAMETER', {
      check: 'uri parameter',
      detail: `A secret URI takes no parameter ${quoted(name)}; version is the only one.`,
    });
  }
  const value = first.slice('version='.length);
  if (!isVersion(value)) {
    throw new Refusal('INVALID_VERSION', {
      check: 'uri version',
      detail: `Version ${quoted(value)} is not a whole number from 1 to ${MAX_VERSION} without sign or leading zero.`,
    });
  }
  return Number(value);
}

function isVersion(text: string): boolean {
  if (text.length < 1 || text.startsWith('0') || !only(text, IN_VERSION)) return false;
  return Number(text) <= MAX_VERSION;
}

/** The words that are refused as segments are refused as keys too: no map of values is ever asked for its prototype. */
function checkKey(key: string): void {
  const wellFormed = key !== '' && key.length <= MAX_SEGMENT_CHARACTERS && only(key, IN_SEGMENT) && !RESERVED.has(key);
  if (wellFormed) return;
  throw new Refusal('INVALID_KEY', {
    check: 'uri key',
    detail: `Key ${quoted(key)} is not 1 to ${MAX_SEGMENT_CHARACTERS} of A-Z a-z 0-9 . _ - (leave # out for the whole map).`,
  });
}

const RESERVED: ReadonlySet<string> = new Set(['__proto__', 'prototype', 'constructor']);

const DIGITS = '0123456789';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const IN_VERSION = characters(DIGITS);
const IN_NAME = characters(`${LETTERS}${DIGITS}-`);
const IN_SEGMENT = characters(`${LETTERS}${DIGITS}._-`);

function characters(allowed: string): Uint8Array {
  const table = new Uint8Array(128);
  for (let at = 0; at < allowed.length; at += 1) table[allowed.charCodeAt(at)] = 1;
  return table;
}

/** Past the table's end a read is `undefined`, hence everything beyond ASCII is refused by UTF-16 code unit. */
function only(text: string, allowed: Uint8Array): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (allowed[text.charCodeAt(at)] !== 1) return false;
  }
  return true;
}
