import { describe, expect, it } from '@jest/globals';

import { refusalOf, type Refused } from '#libs/grants/store-answers.js';

const at = Date.UTC(2026, 10, 25);
const ROWS: readonly (readonly [Refused, string, object])[] = [
  [{ kind: 'stale_proof' }, 'INVALID_DPOP_PROOF', {}],
  [{ kind: 'replayed' }, 'PROOF_REPLAYED', {}],
  [{ kind: 'token_spent' }, 'TOKEN_REPLAYED', {}],
  [{ kind: 'limited', retryAfterMs: 1_200 }, 'RATE_LIMITED', { retryAfterSeconds: 2 }],
  [{ kind: 'limited', retryAfterMs: 0 }, 'RATE_LIMITED', { retryAfterSeconds: 1 }],
  [{ kind: 'blocked' }, 'REVOKED', {}],
  [{ kind: 'other_holder' }, 'BINDING_CHANGED', {}],
  [{ kind: 'quota_exhausted', resetsAtMs: at }, 'QUOTA_EXHAUSTED', { resetsAt: '2026-11-25T00:00:00.000Z' }],
  [{ kind: 'quota_unknown', resetsAtMs: at }, 'QUOTA_UNKNOWN', { resetsAt: '2026-11-25T00:00:00.000Z' }],
];

describe('what a store answers', () => {
  it.each(ROWS)('as %j is the refusal %s', (answer, code, hints) => {
    const refusal = refusalOf(answer);
    expect(refusal.code).toBe(code);
    expect(refusal.hints).toEqual(hints);
    expect(refusal.check).toBeDefined();
  });
});
