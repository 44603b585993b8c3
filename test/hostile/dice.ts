/** A small generator with a seed (mulberry32): the same seed throws the same, on every machine. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** The dice of one request of a run: a request can be made again without those before it. */
  static of(seed: number, index: number): Dice {
    return new Dice(Math.imul(seed ^ Math.imul(index + 1, 0x9e3779b1), 0x85ebca6b));
  }

  /** A whole number from 0 to `limit` − 1. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  of<T>(choices: readonly T[]): T {
    const chosen = choices[this.below(choices.length)];
    if (chosen === undefined && choices.length === 0) throw new Error('nothing to choose from');
    return chosen as T;
  }

  /** One time in so many. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  /** Characters below `alphabet`, at most so many of them. */
  text(most: number, alphabet = 256): string {
    return Array.from({ length: this.below(most + 1) }, () => String.fromCharCode(this.below(alphabet))).join('');
  }

  /** One bit of one byte turned over. */
  flipped(text: string): string {
    const bytes = Buffer.from(text, 'latin1');
    const at = this.below(bytes.length || 1);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << this.below(8));
    return bytes.toString('latin1');
  }

  /** Cut, shortened, lengthened, one bit flipped, turned round, doubled in part, or a piece of it moved. */
  spoiled(text: string): string {
    const at = this.below(text.length || 1);
    const to = at + this.below(8);
    switch (this.below(8)) {
      case 0:
        return text.slice(0, at);
      case 1:
        return text.slice(0, at) + text.slice(at + 1);
      case 2:
        return text.slice(0, at) + this.text(4) + text.slice(at);
      case 3:
      case 4:
        return this.flipped(text);
      case 5:
        return text.slice(at) + text.slice(0, at);
      case 6:
        return text.slice(0, to) + text.slice(at);
      default:
        return text.slice(0, at) + this.of(STRANGE) + text.slice(at);
    }
  }
}

/** What some reader somewhere takes for an end, a separator or a name of its own. */
const STRANGE: readonly string[] = [
  '\0',
  '\r\n',
  '\n',
  '\t',
  ' ',
  '"',
  "'",
  '\\',
  '%00',
  '%2e%2e/',
  '%0d%0a',
  '../',
  '*',
  '#',
  '?',
  ';',
  ',',
  '=',
  '{}',
  '[]',
  '__proto__',
  '\u001b[2J',
  '\u00e2\u0080\u00ae',
  '\u00c0\u00ae',
  '${1}',
  '{{1}}',
  '<a>',
];
