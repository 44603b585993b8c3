/** Entries looked at for each one written: more than one, so that a table can only shrink towards what is live. */
const LOOK_AT = 2;

interface Entry<V> {
  readonly value: V;
  readonly untilMs: number;
}

/**
 * A map whose entries end. An entry is gone in the millisecond in which its time ends, whether or not it was swept; each write looks
 * at two entries in turn and drops those that have ended, so that the table never holds more than about twice what is live and no
 * call pays for a whole sweep.
 */
export class ExpiringTable<V> {
  readonly #entries = new Map<string, Entry<V>>();
  #next = this.#entries.entries();

  get(key: string, nowMs: number): V | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && nowMs < entry.untilMs ? entry.value : undefined;
  }

  set(key: string, value: V, untilMs: number, nowMs: number): void {
    this.sweep(nowMs);
    this.#entries.set(key, { value, untilMs });
  }

  /** When the entry ends; undefined when there is none. */
  untilOf(key: string, nowMs: number): number | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && nowMs < entry.untilMs ? entry.untilMs : undefined;
  }

  sweep(nowMs: number): void {
    for (let looked = 0; looked < LOOK_AT; looked += 1) {
      const { value: next, done } = this.#next.next();
      if (done === true) {
        // A map's iterator that has ended stays ended.
        this.#next = this.#entries.entries();
        return;
      }
      const [key, { untilMs }] = next;
      if (nowMs >= untilMs) this.#entries.delete(key);
    }
  }

  /** Entries held, ended ones that were not swept yet included. */
  get size(): number {
    return this.#entries.size;
  }
}
