import type { ProofToSpend } from '#libs/grants/grant-store.js';
import { PROOF_WINDOW } from '#libs/identity/replay-guard.js';

import { DigestTable, type Digest } from './digest-table.js';

/** Proofs of so many seconds of `iat` are kept, and forgotten, together. */
const SPAN = 8;
const DIGEST_BYTES = 12;

/**
 * The proofs that were spent, each for as long as it could be accepted again (RFC 9449 section 11.1). They are most of what a busy
 * gateway keeps: at 3,000 a second 210,000, hence one table for each span of `iat`, which is dropped when its last proof has ended.
 *
 * Of a proof's key, itself an HMAC, 96 bits are kept: that two of 300,000 proofs share them has a chance of 1 in 10^18, and would
 * refuse one of the two.
 */
export class ReplayWindow {
  /** Span → second of `iat` within it, from 1, of each proof spent. */
  readonly #spans = new Map<number, DigestTable>();
  readonly #bytes = Buffer.alloc(DIGEST_BYTES);
  readonly #digest: Digest = new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset, DIGEST_BYTES / 4);

  /**
   * Spends a proof that is fresh.
   *
   * @param scope keeps partitions apart
   * @throws RangeError for a key that is not base64url of 12 bytes or more: nothing is spent then
   */
  spend(proof: ProofToSpend, scope: number, nowMs: number): 'fresh' | 'stale_proof' | 'replayed' {
    const answer = this.check(proof, scope, nowMs);
    if (answer === 'fresh') this.#note(proof);
    return answer;
  }

  /** What `spend` would answer. */
  check({ key, iat }: ProofToSpend, scope: number, nowMs: number): 'fresh' | 'stale_proof' | 'replayed' {
    const firstMs = (iat - PROOF_WINDOW.future) * 1000;
    // Put this way round, an iat that is no number is stale too.
    if (!(nowMs >= firstMs && nowMs < endOf(iat))) return 'stale_proof';
    const digest = this.#digestOf(key, scope);
    for (const [span, table] of this.#spans) {
      const second = table.mark(digest);
      if (second > 0 && nowMs < endOf(span * SPAN + second - 1)) return 'replayed';
    }
    return 'fresh';
  }

  sweep(nowMs: number): void {
    for (const span of this.#spans.keys()) {
      if (nowMs >= endOf((span + 1) * SPAN - 1)) this.#spans.delete(span);
    }
  }

  /** Proofs held, ended ones of a span that has not ended included. */
  get size(): number {
    return [...this.#spans.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Of the proof that was looked for last. */
  #note({ iat }: ProofToSpend): void {
    const span = Math.floor(iat / SPAN);
    this.#tableOf(span).set(this.#digest, Math.floor(iat) - span * SPAN + 1);
  }

  /** Overwritten by the next call. */
  #digestOf(key: string, scope: number): Digest {
    if (this.#bytes.write(key, 'base64url') < DIGEST_BYTES) throw new RangeError('a proof key has 12 bytes or more');
    this.#bytes.writeUInt32LE((this.#bytes.readUInt32LE(DIGEST_BYTES - 4) ^ scope) >>> 0, DIGEST_BYTES - 4);
    return this.#digest;
  }

  #tableOf(span: number): DigestTable {
    let table = this.#spans.get(span);
    if (table === undefined) {
      table = new DigestTable(this.#spans.get(span - 1)?.size);
      this.#spans.set(span, table);
    }
    return table;
  }
}

/** The last millisecond of the window, `iat` + 60 s, still accepts: the entry outlives it by one. */
function endOf(iat: number): number {
  return (iat + PROOF_WINDOW.past) * 1000 + 1;
}
