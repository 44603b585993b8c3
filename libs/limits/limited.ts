import { Refusal } from '#libs/kernel/refusal.js';

/**
 * Too many requests. Which of the limits it was stands in the audit alone: an address's says nothing of a tenant's.
 *
 * @param check such as `rate address`
 */
export function limited(check: string, retryAfterMs: number): Refusal {
  return new Refusal('RATE_LIMITED', { check, retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1000)) });
}
