/** 96 bits of a digest, and the mark that stands with it: four words to a slot. */
const WORDS = 4;
const MARK = 3;
const FIRST_SLOTS = 256;
/** Of the slots, how many may be taken before the table is doubled: beyond it, looking grows long. */
const FULLEST = 0.7;

/** Three words of a digest, uniformly random to whoever does not know its key. */
export type Digest = Uint32Array;

/**
 * Digests and a mark for each, in one block of memory outside the heap: 16 bytes to a slot, where a map of strings takes 150 to an entry
 * and every collection looks at each. Open addressing, linear; nothing is ever taken out, a whole table is dropped instead.
 *
 * Digests MUST be keyed: their first word is the place that is looked at first, and whoever chose it could make looking slow.
 */
export class DigestTable {
  #words: Uint32Array;
  #size = 0;

  /** @param expected how many digests will come, as far as one can tell: doubling leaves the smaller tables for a collection to find */
  constructor(expected = 0) {
    let slots = FIRST_SLOTS;
    while (expected > slots * FULLEST) slots *= 2;
    this.#words = new Uint32Array(slots * WORDS);
  }

  get size(): number {
    return this.#size;
  }

  /** 0 when the digest is not there. */
  mark(digest: Digest): number {
    return this.#words[this.#slotOf(digest) + MARK] ?? 0;
  }

  /** @param mark above zero */
  set(digest: Digest, mark: number): void {
    let slot = this.#slotOf(digest);
    if (this.#words[slot + MARK] === 0) {
      if (this.#size + 1 > (this.#words.length / WORDS) * FULLEST) {
        this.#double();
        slot = this.#slotOf(digest);
      }
      this.#words.set(digest, slot);
      this.#size += 1;
    }
    this.#words[slot + MARK] = mark;
  }

  /** Where the digest's slot begins, or the free one that it would take. There always is one: the table is never full. */
  #slotOf(digest: Digest): number {
    const words = this.#words;
    const slots = words.length / WORDS;
    let at = (digest[0] ?? 0) & (slots - 1);
    for (;;) {
      const slot = at * WORDS;
      if (words[slot + MARK] === 0 || isAt(words, slot, digest)) return slot;
      at = (at + 1) & (slots - 1);
    }
  }

  #double(): void {
    const old = this.#words;
    this.#words = new Uint32Array(old.length * 2);
    for (let slot = 0; slot < old.length; slot += WORDS) {
      if (old[slot + MARK] === 0) continue;
      const entry = old.subarray(slot, slot + WORDS);
      this.#words.set(entry, this.#slotOf(entry));
    }
  }
}

function isAt(words: Uint32Array, slot: number, digest: Digest): boolean {
  for (let word = 0; word < MARK; word += 1) {
    if (words[slot + word] !== digest[word]) return false;
  }
  return true;
}
