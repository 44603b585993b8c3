import type { Json, JsonObject } from './json.js';

export type StrictJsonReason =
  | 'syntax'
  | 'byte order mark'
  | 'encoding'
  | 'lone surrogate'
  | 'depth'
  | 'duplicate name'
  | 'reserved name'
  | 'number out of range';

/** Why a text is no strict JSON, and where. The text itself is not repeated: it may be a token. */
export class StrictJsonError extends Error {
  override readonly name = 'StrictJsonError';

  constructor(
    readonly reason: StrictJsonReason,
    /** In UTF-16 code units from the start; 0 for what concerns the whole text. */
    readonly at: number,
  ) {
    super(`${reason} at character ${at}`);
  }
}

export interface StrictJsonLimits {
  /** How many arrays and objects may stand in each other; recursion goes as deep and no deeper. */
  readonly maxDepth?: number;
}

/**
 * RFC 8259 read as I-JSON (RFC 7493 section 2) and stricter: two readers of an accepted text cannot disagree about it. JSON.parse
 * keeps the last of two members with one name, rounds integers and reads 1e400 as Infinity; here all three are refused.
 *
 * - Names: unique after unescaping; `__proto__` is refused.
 * - Numbers: from -(2^53-1) to 2^53-1, whatever the spelling (1e300 is refused). A fraction is allowed and becomes the nearest
 *   double, as with JSON.parse; what is too small becomes 0.
 * - Text: UTF-8 without byte order mark; no lone surrogate, raw or escaped.
 * - Objects have no prototype, so that a name which was not sent (`constructor`) is `undefined`.
 *
 * Not checked: the size of the text, which the caller limits beforehand.
 *
 * @throws StrictJsonError
 */
export function parseStrictJson(text: string | Uint8Array, { maxDepth = 32 }: StrictJsonLimits = {}): Json {
  const decoded = typeof text === 'string' ? text : decode(text);
  if (decoded.charCodeAt(0) === 0xfeff) throw new StrictJsonError('byte order mark', 0);
  if (!decoded.isWellFormed()) throw new StrictJsonError('lone surrogate', 0);
  return new Reader(decoded, maxDepth).whole();
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new StrictJsonError('encoding', 0);
  }
}

class Reader {
  readonly #text: string;
  readonly #maxDepth: number;
  #at = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  whole(): Json {
    const value = this.#value(0);
    this.#peek();
    if (this.#at !== this.#text.length) throw this.#refuse('syntax');
    return value;
  }

  #value(depth: number): Json {
    switch (this.#peek()) {
      case QUOTE:
        return this.#string();
      case OPEN_OBJECT:
        return this.#object(depth + 1);
      case OPEN_ARRAY:
        return this.#array(depth + 1);
      case LETTER_T:
        return this.#word('true', true);
      case LETTER_F:
        return this.#word('false', false);
      case LETTER_N:
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonObject {
    if (depth > this.#maxDepth) throw this.#refuse('depth');
    const members: Record<string, Json> = { __proto__: null };
    this.#at += 1;
    if (this.#peek() === CLOSE_OBJECT) return this.#closed(members);
    for (;;) {
      if (this.#peek() !== QUOTE) throw this.#refuse('syntax');
      const start = this.#at;
      const name = this.#string();
      if (name === '__proto__') throw new StrictJsonError('reserved name', start);
      if (name in members) throw new StrictJsonError('duplicate name', start);
      this.#expect(COLON);
      members[name] = this.#value(depth);
      if (this.#peek() === CLOSE_OBJECT) return this.#closed(members);
      this.#expect(COMMA);
    }
  }

  #array(depth: number): readonly Json[] {
    if (depth > this.#maxDepth) throw this.#refuse('depth');
    const elements: Json[] = [];
    this.#at += 1;
    if (this.#peek() === CLOSE_ARRAY) return this.#closed(elements);
    for (;;) {
      elements.push(this.#value(depth));
      if (this.#peek() === CLOSE_ARRAY) return this.#closed(elements);
      this.#expect(COMMA);
    }
  }

  #closed<T>(value: T): T {
    this.#at += 1;
    return value;
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#refuse('syntax');
    this.#at += word.length;
    return value;
  }

  /** Most strings have no escape and are one slice; the others are put together from slices and unescaped characters. */
  #string(): string {
    const text = this.#text;
    const start = this.#at;
    let value = '';
    let from = start + 1;
    let escaped = false;
    for (let at = from; ; at += 1) {
      const unit = text.charCodeAt(at);
      if (unit === QUOTE) {
        this.#at = at + 1;
        value = from === start + 1 ? text.slice(from, at) : value + text.slice(from, at);
        if (escaped && !value.isWellFormed()) throw new StrictJsonError('lone surrogate', start);
        return value;
      }
      if (unit === BACKSLASH) {
        this.#at = at + 1;
        value += text.slice(from, at) + this.#unescaped();
        escaped = true;
        from = this.#at;
        at = from - 1;
      } else if (!(unit >= 0x20)) {
        // a control character, or NaN past the end
        this.#at = at;
        throw this.#refuse('syntax');
      }
    }
  }

  /** What stands after a backslash; a pair of surrogates comes as two of these. */
  #unescaped(): string {
    const letter = this.#text.charCodeAt(this.#at);
    if (letter === LETTER_U) {
      let unit = 0;
      for (let at = this.#at + 1; at < this.#at + 5; at += 1) {
        const digit = hexOf(this.#text.charCodeAt(at));
        if (digit === undefined) throw this.#refuse('syntax');
        unit = unit * 16 + digit;
      }
      this.#at += 5;
      return String.fromCharCode(unit);
    }
    const plain = ESCAPES.get(letter);
    if (plain === undefined) throw this.#refuse('syntax');
    this.#at += 1;
    return plain;
  }

  #number(): number {
    const text = this.#text;
    const start = this.#at;
    const first = text.charCodeAt(start) === MINUS ? start + 1 : start;
    const end = text.charCodeAt(first) === ZERO ? first + 1 : this.#digits(first);
    let at = end;
    if (text.charCodeAt(at) === POINT) at = this.#digits(at + 1);
    if ((text.charCodeAt(at) | 0x20) === LETTER_E) {
      const sign = text.charCodeAt(at + 1);
      at = this.#digits(sign === PLUS || sign === MINUS ? at + 2 : at + 1);
    }
    this.#at = at;
    const value = Number(text.slice(start, at));
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw new StrictJsonError('number out of range', start);
    return value;
  }

  /** One digit or more; answers where they end. */
  #digits(from: number): number {
    let at = from;
    while (isDigit(this.#text.charCodeAt(at))) at += 1;
    this.#at = at;
    if (at === from) throw this.#refuse('syntax');
    return at;
  }

  /** Skips white space; NaN at the end. */
  #peek(): number {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== SPACE && unit !== LINE_FEED && unit !== RETURN && unit !== TAB) return unit;
      this.#at += 1;
    }
  }

  #expect(unit: number): void {
    if (this.#peek() !== unit) throw this.#refuse('syntax');
    this.#at += 1;
  }

  #refuse(reason: StrictJsonReason): StrictJsonError {
    return new StrictJsonError(reason, this.#at);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LETTER_E = 0x65;
const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_T = 0x74;
const LETTER_U = 0x75;
const SPACE = 0x20;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const TAB = 0x09;

/** RFC 8259 section 7, by the letter after the backslash. */
const ESCAPES: ReadonlyMap<number, string> = new Map(
  Object.entries({ '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }).map(
    ([letter, meant]): [number, string] => [letter.charCodeAt(0), meant],
  ),
);

function isDigit(unit: number): boolean {
  return unit >= ZERO && unit <= NINE;
}

function hexOf(unit: number): number | undefined {
  if (isDigit(unit)) return unit - ZERO;
  const lower = unit | 0x20;
  return lower >= 0x61 && lower <= LETTER_F ? lower - 0x57 : undefined;
}
