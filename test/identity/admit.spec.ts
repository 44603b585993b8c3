import { describe, expect, it } from '@jest/globals';

import { admit, type AdmissionRules } from '#libs/identity/admit.js';
import { Refusal } from '#libs/kernel/refusal.js';
import { Buckets } from '#libs/limits/buckets.js';
import { Cidrs, parseCidr } from '#src/http/cidrs.js';

import { ManualClock } from '../support/clock.js';
import { presented } from './world.js';

const set = (...texts: string[]): Cidrs => new Cidrs(texts.map(parseCidr));

function outcome(address: string, rules: Partial<AdmissionRules>): string {
  try {
    admit({ presented: presented(), about: { address } }, { bucketOf: (same) => same, ...rules });
    return 'admitted';
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [error.code, error.check, error.hints.retryAfterSeconds].join(' ');
  }
}

const NOT_ALLOWED = 'ADDRESS_NOT_ALLOWED address allowlist ';

describe('admit', () => {
  it('N27: lets everybody in without a list, and nobody with an empty one', () => {
    expect(outcome('192.0.2.1', {})).toBe('admitted');
    expect(outcome('192.0.2.1', { allowed: set() })).toBe(NOT_ALLOWED);
    expect(outcome('', { allowed: set('0.0.0.0/0', '::/0') })).toBe(NOT_ALLOWED);
  });

  it('N27: lets in whoever calls from a network of the list', () => {
    const allowed = set('192.0.2.0/24', '2001:db8::/32');
    const inside = ['192.0.2.0', '192.0.2.255', '2001:db8::', '2001:db8:ffff::1'];
    const outside = ['192.0.1.255', '192.0.3.0', '2001:db7::1', '2001:db9::', '::1', '127.0.0.1'];
    expect(inside.map((address) => outcome(address, { allowed }))).toEqual(inside.map(() => 'admitted'));
    expect(outside.map((address) => outcome(address, { allowed }))).toEqual(outside.map(() => NOT_ALLOWED));
  });

  it('N27: counts an address in its bucket, and refuses when that is empty', () => {
    const buckets = new Buckets({ perMs: 500, burst: 1 }, new ManualClock());
    expect(outcome('192.0.2.1', { buckets })).toBe('admitted');
    expect(outcome('192.0.2.1', { buckets })).toBe('RATE_LIMITED rate address 2');
    expect(outcome('192.0.2.2', { buckets })).toBe('admitted');
  });

  it('N27: has no bucket for an address that is not allowed', () => {
    const buckets = new Buckets({ perMs: 1, burst: 1 }, new ManualClock());
    expect(outcome('192.0.2.1', { buckets, allowed: set() })).toBe(NOT_ALLOWED);
    expect(buckets.size).toBe(0);
  });
});
