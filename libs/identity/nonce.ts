import { timingSafeEqual } from 'node:crypto';

import { hmacSha256 } from '#libs/kernel/digest.js';
import type { Json } from '#libs/kernel/json.js';

import type { Epoch } from './replay-guard.js';

/**
 * Nonces for DPoP proofs (RFC 9449 sections 8 and 9): a MAC over the store's epoch and a window of time, under a key that all
 * instances share. So none needs to be stored, every instance can check one, nobody can foretell one, and a loss of the store's
 * data makes all that were given before it worthless (spec, Grants: "Redis is a fast counter").
 */

/** A nonce is given in one window and taken in that and the next: it lives for one to two minutes. */
const WINDOW_MS = 60_000;

/** The nonce of this moment: 43 characters, all of them NQCHAR (RFC 9449 section 8.1). */
export function currentNonce(key: Uint8Array, epoch: Epoch, nowMs: number): string {
  return nonceOf(key, epoch, windowAt(nowMs));
}

/**
 * Whether this server, or another one under the same key and store, gave that nonce, and not too long ago. The window ahead is
 * taken as well: another instance whose clock is a little ahead may have given it.
 */
export function isCurrentNonce(nonce: Json | undefined, key: Uint8Array, epoch: Epoch, nowMs: number): boolean {
  if (typeof nonce !== 'string') return false;
  const now = windowAt(nowMs);
  return [now, now - 1, now + 1].some((window) => equal(nonce, nonceOf(key, epoch, window)));
}

/** The window is a number and comes first, so that no epoch can be read as part of it. */
function nonceOf(key: Uint8Array, epoch: Epoch, window: number): string {
  return hmacSha256(key, `dpop-nonce\0${window}\0${epoch.id}`);
}

function windowAt(nowMs: number): number {
  return Math.floor(nowMs / WINDOW_MS);
}

function equal(given: string, ours: string): boolean {
  const bytes = Buffer.from(given);
  return bytes.length === ours.length && timingSafeEqual(bytes, Buffer.from(ours));
}
