import { createHmac, hash } from 'node:crypto';

/** base64url(SHA-256). Pure, hence allowed in every ring. */
export function sha256(data: string | Uint8Array): string {
  return hash('sha256', data, 'base64url');
}

/** base64url(HMAC-SHA-256). */
export function hmacSha256(key: Uint8Array, data: string | Uint8Array): string {
  return createHmac('sha256', key).update(data).digest('base64url');
}
