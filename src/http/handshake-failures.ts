/** Different reasons that are counted apart; there are few that peers can cause. */
const MOST_REASONS = 8;

const REASON = /^ERR_[A-Z0-9_]{1,60}$/;

/**
 * Handshakes that failed, told once a minute in one line: scanners must not write the log, and an operator whose proxy cannot connect
 * must not be left in the dark. Reasons are names that OpenSSL and Node have; nothing that a peer sent is repeated.
 */
export class HandshakeFailures {
  readonly #counts = new Map<string, number>();
  readonly #tell: (line: string) => void;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (line: string) => void, everyMs = 60_000) {
    this.#tell = tell;
    this.#everyMs = everyMs;
  }

  /** Peers that only went away are not counted: that is how load balancers see whether a port is open. */
  add({ code = '' }: NodeJS.ErrnoException): void {
    if (code === 'ECONNRESET') return;
    const counted = this.#counts.has(code) || (REASON.test(code) && this.#counts.size < MOST_REASONS);
    const reason = counted ? code : 'other';
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    this.#timer ??= setTimeout(() => this.#flush(), this.#everyMs).unref();
  }

  #flush(): void {
    const counts = [...this.#counts].map(([reason, count]) => `${count} ${reason}`);
    this.#counts.clear();
    this.#timer = undefined;
    this.#tell(`TLS handshakes failed in the last minute: ${counts.join(', ')}`);
  }
}
