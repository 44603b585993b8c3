import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

/** base64url(SHA-256). Pure, hence allowed in every ring. */
export function sha256(data: string | Uint8Array): string {
  return hash('sha256', data, 'base64url');
}

/** base64url(HMAC-SHA-256). @param key its bytes must not change afterwards: what was imported of it once is used on */
export function hmacSha256(key: Uint8Array, data: string | Uint8Array): string {
  return createHmac('sha256', keyObjectOf(key)).update(data).digest('base64url');
}

/** An imported key costs a seventh of raw bytes at each use; entries go with the keys they belong to. */
const imported = new WeakMap<Uint8Array, KeyObject>();

function keyObjectOf(key: Uint8Array): KeyObject {
  let object = imported.get(key);
  if (object === undefined) {
    object = createSecretKey(key);
    imported.set(key, object);
  }
  return object;
}
