import type { KeyObject } from 'node:crypto';

import { LRUCache } from 'lru-cache';

/**
 * Imported proof keys by their thumbprint. Importing costs as much as verifying, and a caller keeps its key for many requests.
 * Only a key that a verified token is bound to is asked for, so that strangers cannot push the callers' keys out.
 */
export class ProofKeys {
  readonly #keys: LRUCache<string, KeyObject>;

  /** @param max how many keys are kept; the least recently used goes first */
  constructor(max = 10_000) {
    this.#keys = new LRUCache({ max });
  }

  /** @throws whatever `importKey` throws; nothing is kept then */
  find(jkt: string, importKey: () => KeyObject): KeyObject {
    const known = this.#keys.get(jkt);
    if (known !== undefined) return known;
    const key = importKey();
    this.#keys.set(jkt, key);
    return key;
  }
}
