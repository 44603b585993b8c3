import { Refusal } from '#libs/kernel/refusal.js';
import type { Buckets } from '#libs/limits/buckets.js';
import { limited } from '#libs/limits/limited.js';

import type { Presented } from './presented.js';

/** Networks, as ADDRESS_ALLOWLIST names them. */
export interface AddressSet {
  /** Whether an address lies in it; a text that is no address lies in none. */
  has(address: string): boolean;
}

/** From where a request may come, and how often. */
export interface AdmissionRules {
  /** ADDRESS_ALLOWLIST. Absent: everywhere. An empty set: nowhere. */
  readonly allowed?: AddressSet;
  /** RATE_LIMIT_ADDRESS. Absent: off. */
  readonly buckets?: Buckets;
  /** The bucket that an address is counted in: for IPv6 one for each /64, since one machine has all of it. */
  readonly bucketOf: (address: string) => string;
}

/** What `admit` reads of a request. */
export interface Arrived {
  readonly presented: Presented;
  /** `address` is the client's: the socket's, or what a trusted proxy says of it. */
  readonly about: { readonly address: string };
}

/** A request that came from where requests may come from, and not too often. Nothing of it is believed yet. */
export class Admitted {
  readonly #made = true;

  private constructor(readonly presented: Presented) {}

  /**
   * Right after sizes and shapes, before anything is verified (spec, "Rate limits and addresses"): a stranger from elsewhere is told
   * nothing about tokens. An address that is not allowed has no bucket.
   *
   * @throws Refusal ADDRESS_NOT_ALLOWED, RATE_LIMITED
   */
  static admit(this: void, { presented, about }: Arrived, rules: AdmissionRules): Admitted {
    const { allowed, buckets, bucketOf } = rules;
    if (allowed !== undefined && !allowed.has(about.address)) {
      throw new Refusal('ADDRESS_NOT_ALLOWED', { check: 'address allowlist' });
    }
    const retryAfterMs = buckets?.take(bucketOf(about.address));
    if (retryAfterMs !== undefined) throw limited('rate address', retryAfterMs);
    return new Admitted(presented);
  }

  static is(value: unknown): value is Admitted {
    return typeof value === 'object' && value !== null && #made in value;
  }
}

export const admit: typeof Admitted.admit = Admitted.admit;
