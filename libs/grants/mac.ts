import { timingSafeEqual } from 'node:crypto';

import { canonicalJson } from '#libs/kernel/canonical-json.js';
import { hmacSha256 } from '#libs/kernel/digest.js';
import { Refusal } from '#libs/kernel/refusal.js';

import type { GrantRecord } from './grant.js';
import type { SealedGrant } from './grant-store.js';

/** The gateways' MAC over all that never changes in a grant: whoever can write the store cannot mint a permit. */
export function sealGrant(record: GrantRecord, key: Uint8Array): SealedGrant {
  return { record, mac: hmacSha256(key, canonicalJson(record)) };
}

/** What the store was asked: a grant of another key, version or epoch was moved there by someone who can write it. */
export interface Expected {
  /** `<partition>.<key hash>`: what a grant's id begins with. */
  readonly address: string;
  readonly policyVersion: string;
  readonly epoch: string;
}

/**
 * Checked on every grant that a store hands out. What it cannot show: that `left` is as it was, since that must change.
 *
 * @throws Refusal UNAVAILABLE, check `grant mac`; the evidence is only what this gateway knows, not what the forger wrote
 */
export function checkGrant(grant: SealedGrant, expected: Expected, key: Uint8Array): void {
  if (isGenuine(grant, key) && isInPlace(grant.record, expected)) return;
  throw new Refusal('UNAVAILABLE', {
    check: 'grant mac',
    evidence: { grant_id: expected.address },
    retryAfterSeconds: 1,
  });
}

/** Grants whose MAC was found right, and the key that it was checked with. */
const genuine = new WeakMap<SealedGrant, Uint8Array>();

/**
 * What has no canonical form, such as half a surrogate pair, was never sealed. A store in this process hands out the very objects
 * that were sealed: those were checked once, and are readonly.
 */
function isGenuine(grant: SealedGrant, key: Uint8Array): boolean {
  if (genuine.get(grant) === key) return true;
  try {
    if (!equal(grant.mac, hmacSha256(key, canonicalJson(grant.record)))) return false;
    genuine.set(grant, key);
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

function isInPlace({ id, policyVersion, epoch }: GrantRecord, expected: Expected): boolean {
  return id.startsWith(`${expected.address}.`) && policyVersion === expected.policyVersion && epoch === expected.epoch;
}

function equal(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
