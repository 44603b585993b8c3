/** More decisions in flight than this are simply asked twice: the table stays bounded whatever comes. */
const MOST_FLIGHTS = 10_000;

/**
 * The decisions that are in flight in this process, by grant key (spec, "Grants: single flight"). The first request that needs one
 * leads; those that come meanwhile wait until it has landed, well or badly, and then look for themselves: what a leader was told is
 * not a follower's answer.
 */
export class Flights {
  readonly #flying = new Map<string, Promise<void>>();

  /** Resolves, never rejects, when the leader has landed; undefined when nobody leads. */
  under(key: string): Promise<void> | undefined {
    return this.#flying.get(key);
  }

  /** Runs `work` as the leader under a key. Whoever leads already goes on leading: `work` is then run beside it. */
  async lead<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (this.#flying.has(key) || this.#flying.size >= MOST_FLIGHTS) return await work();
    const landing = Promise.withResolvers<void>();
    this.#flying.set(key, landing.promise);
    try {
      return await work();
    } finally {
      this.#flying.delete(key);
      landing.resolve();
    }
  }

  /** How many are in flight. */
  get size(): number {
    return this.#flying.size;
  }
}
