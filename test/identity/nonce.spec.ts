import { describe, expect, it } from '@jest/globals';

import { currentNonce, isCurrentNonce } from '#libs/identity/nonce.js';
import type { Epoch } from '#libs/identity/replay-guard.js';
import { base64url, NOW_MS } from '../support/tokens.js';

import { EPOCH, NONCE_KEY, refusalOf, saysOf, tryProof } from './world.js';

const MINUTE = 60_000;
/** The first millisecond of a window. */
const START = Math.floor(NOW_MS / MINUTE) * MINUTE;
const OTHER_KEY = new Uint8Array(32).fill(8);
const LATER: Epoch = { id: 'epoch-2', since: NOW_MS };

const required = { nonces: 'required' } as const;

function withNonce(nonce: unknown, nonces: 'required' | 'off' = 'required', nowMs = NOW_MS) {
  return tryProof({ proof: { nowMs, claims: { nonce } }, rules: { nonces }, nowMs });
}

describe('nonces', () => {
  it('D14: a nonce is 43 characters of base64url, and needs the key to foretell', () => {
    const nonce = currentNonce(NONCE_KEY, EPOCH, NOW_MS);
    expect(nonce).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(currentNonce(OTHER_KEY, EPOCH, NOW_MS)).not.toBe(nonce);
  });

  it('D14: instances with one key and one store give and take the same nonces', () => {
    const nonce = currentNonce(Uint8Array.from(NONCE_KEY), { ...EPOCH }, NOW_MS);
    expect(isCurrentNonce(nonce, NONCE_KEY, EPOCH, NOW_MS)).toBe(true);
  });

  it('D14: a nonce lives to the end of the next window', () => {
    const nonce = currentNonce(NONCE_KEY, EPOCH, START);
    expect(isCurrentNonce(nonce, NONCE_KEY, EPOCH, START + 2 * MINUTE - 1)).toBe(true);
    expect(isCurrentNonce(nonce, NONCE_KEY, EPOCH, START + 2 * MINUTE)).toBe(false);
  });

  it('D14: a nonce of an instance whose clock is a little ahead is good', () => {
    const nonce = currentNonce(NONCE_KEY, EPOCH, START);
    expect(isCurrentNonce(nonce, NONCE_KEY, EPOCH, START - 1)).toBe(true);
    expect(isCurrentNonce(nonce, NONCE_KEY, EPOCH, START - MINUTE - 1)).toBe(false);
  });

  it("D13: a nonce of another key or of the store's old epoch is none of ours", () => {
    expect(isCurrentNonce(currentNonce(OTHER_KEY, EPOCH, NOW_MS), NONCE_KEY, EPOCH, NOW_MS)).toBe(false);
    expect(isCurrentNonce(currentNonce(NONCE_KEY, EPOCH, NOW_MS), NONCE_KEY, LATER, NOW_MS)).toBe(false);
  });

  it('D14: no epoch runs into a window', () => {
    const [a, b] = [
      { id: '1', since: 0 },
      { id: '', since: 0 },
    ];
    expect(currentNonce(NONCE_KEY, a, MINUTE)).not.toBe(currentNonce(NONCE_KEY, b, 11 * MINUTE));
  });
});

describe('a proof where nonces are required', () => {
  it('D13: is good with a nonce of ours, and says so to the store', () => {
    const nonce = currentNonce(NONCE_KEY, EPOCH, NOW_MS);
    const bound = withNonce(nonce);
    expect(bound.proof?.nonce).toBe(true);
    expect(bound.nextNonce).toBe(nonce);
  });

  it('D14: may use the same nonce again', () => {
    const nonce = currentNonce(NONCE_KEY, EPOCH, NOW_MS);
    for (let i = 0; i < 2; i += 1) expect(withNonce(nonce).proof?.nonce).toBe(true);
  });

  it('D14: with the nonce of the last window gets the one of this window', () => {
    const bound = withNonce(currentNonce(NONCE_KEY, EPOCH, START - 1), 'required', START);
    expect(bound.nextNonce).toBe(currentNonce(NONCE_KEY, EPOCH, START));
  });

  it('D13: without a nonce is asked for one, and given it', () => {
    const refusal = refusalOf(() => withNonce(undefined));
    expect(saysOf(refusal)).toEqual({ code: 'USE_DPOP_NONCE', check: 'D13 nonce missing' });
    expect(withNonce(refusal.hints.dpopNonce).proof?.nonce).toBe(true);
  });

  it.each([
    null,
    '',
    1,
    {},
    [currentNonce(NONCE_KEY, EPOCH, NOW_MS)],
    'x'.repeat(43),
    'é'.repeat(43),
    'eyJ-an-as-nonce',
  ])('D13: with the nonce %j is asked for one of ours', (nonce) => {
    const refusal = refusalOf(() => withNonce(nonce));
    expect(saysOf(refusal)).toEqual({ code: 'USE_DPOP_NONCE', check: 'D13 nonce old' });
    expect(refusal.hints.dpopNonce).toBe(currentNonce(NONCE_KEY, EPOCH, NOW_MS));
  });

  it('D13: is asked for a nonce of the epoch that the store is in', () => {
    const nonce = currentNonce(NONCE_KEY, EPOCH, NOW_MS);
    const refusal = refusalOf(() => tryProof({ proof: { nonce }, rules: required, epoch: LATER }));
    expect(saysOf(refusal)).toEqual({ code: 'USE_DPOP_NONCE', check: 'D13 nonce old' });
    expect(refusal.hints.dpopNonce).toBe(currentNonce(NONCE_KEY, LATER, NOW_MS));
  });

  it.each([
    ['D6 signature', { signature: new Uint8Array(64) }],
    ['D9 htm', { method: 'PUT' }],
    ['D10 htu', { htu: 'https://evil.example/' }],
    ['D17 ath', { claims: { ath: base64url('x') } }],
    ['D12 iat', { claims: { iat: 1 } }],
  ])('D13: that fails %s is told no nonce', (check, proof) => {
    const refusal = refusalOf(() => tryProof({ proof, rules: required }));
    expect(saysOf(refusal)).toEqual({ code: 'INVALID_DPOP_PROOF', check });
    expect(refusal.hints).toEqual({});
  });
});

describe('a proof where nonces are off', () => {
  it.each([undefined, null, 'x', 1])('D23: is good whatever its nonce: %j', (nonce) => {
    const bound = withNonce(nonce, 'off');
    expect([bound.proof?.nonce, bound.nextNonce]).toEqual([false, undefined]);
  });

  it('says to the store when it carries a nonce of ours, which survives a loss of data', () => {
    expect(withNonce(currentNonce(NONCE_KEY, EPOCH, NOW_MS), 'off').proof?.nonce).toBe(true);
  });
});
