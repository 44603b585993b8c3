/** Time as an argument: rings 0 to 2 never look at a clock of their own. */
export interface Clock {
  /** Wall clock, in milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that only rise; the origin means nothing. */
  monotonic(): number;
  /** Calls `then` once after `ms`; the answer cancels it. MUST NOT keep the process alive by itself. */
  after(ms: number, then: () => void): () => void;
  /** Calls `then` once, after what is at hand in this turn of the event loop: whoever gathers work lets the turn end first. */
  soon(then: () => void): void;
}
