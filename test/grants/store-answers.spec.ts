import { describe, expect, it } from '@jest/globals';

import { refusalOf, type Refused } from '#libs/grants/store-answers.js';

const at = Date.UTC(2026, 10, 25);
const ROWS: readonly (readonly [Refused, code: string, check: string, hints: object])[] = [
  [{ kind: 'stale_proof' }, 'INVALID_DPOP_PROOF', 'D12 iat', {}],
  [{ kind: 'replayed' }, 'PROOF_REPLAYED', 'D15 jti', {}],
  [{ kind: 'token_spent' }, 'TOKEN_REPLAYED', 'unbound token', {}],
  [{ kind: 'limited', retryAfterMs: 1_200 }, 'RATE_LIMITED', 'rate subject', { retryAfterSeconds: 2 }],
  [{ kind: 'limited', retryAfterMs: 0 }, 'RATE_LIMITED', 'rate subject', { retryAfterSeconds: 1 }],
  [{ kind: 'blocked' }, 'REVOKED', 'block', {}],
  [{ kind: 'other_holder' }, 'BINDING_CHANGED', 'one holder', {}],
  [{ kind: 'quota_exhausted', resetsAtMs: at }, 'QUOTA_EXHAUSTED', 'quota', { resetsAt: '2026-11-25T00:00:00.000Z' }],
  [
    { kind: 'quota_unknown', resetsAtMs: at },
    'QUOTA_UNKNOWN',
    'quota window',
    { resetsAt: '2026-11-25T00:00:00.000Z' },
  ],
];

describe('what a store answers', () => {
  it.each(ROWS)('as %j is the refusal %s', (answer, code, check, hints) => {
    const refusal = refusalOf(answer);
    expect([refusal.code, refusal.check]).toEqual([code, check]);
    expect(refusal.hints).toEqual(hints);
  });

  it.each<Refused['kind']>(['stale_proof', 'replayed', 'token_spent', 'other_holder'])(
    'says what to do about %s',
    (kind) => {
      expect(refusalOf({ kind } as Refused).detail).toMatch(/^[A-Z][\x20-\x7e]{20,}\.$/);
    },
  );
});
