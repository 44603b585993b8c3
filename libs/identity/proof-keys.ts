import type { KeyObject } from 'node:crypto';

import { LRUCache } from 'lru-cache';

import type { KnownHeader } from './proof-shape.js';

/** The header of a proof that was verified, and the key in it. */
export interface KnownKey extends KnownHeader {
  readonly key: KeyObject;
}

/**
 * Keys of verified proofs by their thumbprint. Importing one costs as much as verifying, reading the header a tenth of that, and a
 * caller sends the same header with many requests. Only a key that a verified token is bound to is asked for or kept, so that
 * strangers cannot push the callers' keys out.
 */
export class ProofKeys {
  readonly #keys: LRUCache<string, KnownKey>;

  /** @param max how many keys are kept; the least recently used goes first */
  constructor(max = 10_000) {
    this.#keys = new LRUCache({ max });
  }

  recall(jkt: string): KnownKey | undefined {
    return this.#keys.get(jkt);
  }

  /** @param known of a proof whose signature is valid and whose key has this thumbprint */
  remember(jkt: string, known: KnownKey): void {
    this.#keys.set(jkt, known);
  }
}
