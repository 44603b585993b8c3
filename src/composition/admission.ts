import type { AdmissionRules } from '#libs/identity/admit.js';
import type { Clock } from '#libs/kernel/clock.js';
import { Buckets } from '#libs/limits/buckets.js';
import type { Config } from '#src/config/config.js';
import { addressBucket } from '#src/http/address.js';
import { Cidrs } from '#src/http/cidrs.js';

/** From where requests may come, and how often from one place. */
export function admissionOf({ addresses, rates }: Config, clock: Clock): AdmissionRules {
  return {
    ...(addresses.allowed !== undefined && { allowed: new Cidrs(addresses.allowed) }),
    ...(rates.address !== undefined && { buckets: new Buckets(rates.address, clock) }),
    bucketOf: addressBucket,
  };
}
