import { LRUCache } from 'lru-cache';

import type { KeySource } from './issuers.js';
import type { VerifiedClaims } from './token-claims.js';

/** A token's claims, and the keys by which it was verified. */
export interface Verified {
  readonly claims: VerifiedClaims;
  readonly keys: KeySource;
  /** The keys' generation from before the key was found. */
  readonly generation: number;
}

interface Remembered extends Verified {
  readonly fromMs: number;
  /** Excluded. */
  readonly untilMs: number;
}

const MAX_AGE_MS = 60_000;

/**
 * Tokens that were verified a moment ago, by the SHA-256 of their only spelling (spec, "Access tokens"): never by the token, which
 * a heap dump would show. An entry is good until the token's exp or for 60 s, whichever is first, by the time that is given and not
 * by a clock of its own; when that time runs backwards, the token is verified anew. A removed key is so believed for 60 s at most.
 *
 * One memory belongs to one set of rules: what one audience accepted is nothing to another.
 */
export class RememberedTokens {
  readonly #tokens: LRUCache<string, Remembered>;

  /** @param max how many tokens are kept; the least recently used goes first */
  constructor(max = 10_000) {
    this.#tokens = new LRUCache({ max });
  }

  recall(tokenHash: string, nowMs: number): VerifiedClaims | undefined {
    const known = this.#tokens.get(tokenHash);
    if (known === undefined || nowMs < known.fromMs || known.untilMs <= nowMs) return undefined;
    return known.keys.generation === known.generation ? known.claims : undefined;
  }

  remember(tokenHash: string, verified: Verified, nowMs: number): void {
    const untilMs = Math.min(verified.claims.exp * 1000, nowMs + MAX_AGE_MS);
    this.#tokens.set(tokenHash, { ...verified, fromMs: nowMs, untilMs });
  }
}
