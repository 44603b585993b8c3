import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { CODES } from '#libs/kernel/codes.js';
import { type Credential, credentialOf } from '#src/http/challenge.js';
import { type Answered, problemOf, type Told } from '#src/http/problem.js';
import { PROBLEMS } from '#src/http/problems.js';

const IDS = { requestId: 'r-1', correlationId: 'c-1' };

function told(options: Partial<Told> = {}): Told {
  return { ids: IDS, credential: 'DPoP', bearer: false, ...options };
}

function field({ headers }: Answered, name: string): string[] {
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === name);
}

function json({ body }: Answered): Record<string, unknown> {
  return JSON.parse(body) as Record<string, unknown>;
}

describe('problem+json', () => {
  it.each([...CODES])('%s: status, title and type as in the record, ids, no-store', (code) => {
    const answer = problemOf(code, told());
    expect(json(answer)).toMatchObject({
      type: `urn:postern:problem:${code.toLowerCase().replaceAll('_', '-')}`,
      title: PROBLEMS[code].title,
      status: answer.status,
      code,
      request_id: 'r-1',
      correlation_id: 'c-1',
    });
    expect(field(answer, 'Cache-Control')).toEqual(['no-store']);
    expect(field(answer, 'Content-Length')).toEqual([String(Buffer.byteLength(answer.body))]);
  });

  it('tells the detail, and when a quota starts anew', () => {
    const answer = problemOf('QUOTA_EXHAUSTED', told({ detail: 'Wait.', hints: { resetsAt: '2026-11-25T00:00:00Z' } }));
    expect(json(answer)).toMatchObject({ detail: 'Wait.', resets_at: '2026-11-25T00:00:00Z' });
  });

  it('INTERNAL has one body for all, whatever the reason', () => {
    const plain = problemOf('INTERNAL', told());
    const reasoned = problemOf('INTERNAL', told({ detail: 'no file', hints: { resetsAt: 'x', retryAfterSeconds: 9 } }));
    expect(reasoned).toEqual(plain);
  });

  it('DENIED tells the one sentence that a policy may tell a refused caller, and nothing without one', () => {
    expect(json(problemOf('DENIED', told({ detail: 'Ask the operator on call.' })))).toMatchObject({
      detail: 'Ask the operator on call.',
    });
    expect(json(problemOf('DENIED', told()))).not.toHaveProperty('detail');
  });

  it('carries the receipt of the refusal, and the nonce for the next proof', () => {
    const answer = problemOf('DENIED', told({ receipt: 'w.1.h', hints: { dpopNonce: 'n-1' } }));
    expect(field(answer, 'Postern-Receipt')).toEqual(['w.1.h']);
    expect(field(answer, 'DPoP-Nonce')).toEqual(['n-1']);
  });

  it('tells what is allowed, and when to come again', () => {
    expect(field(problemOf('METHOD_NOT_ALLOWED', told({ hints: { allow: ['GET', 'POST'] } })), 'Allow')).toEqual([
      'GET, POST',
    ]);
    expect(field(problemOf('UNAVAILABLE', told()), 'Retry-After')).toEqual(['1']);
    expect(field(problemOf('RATE_LIMITED', told({ hints: { retryAfterSeconds: 2.2 } })), 'Retry-After')).toEqual(['3']);
    expect(field(problemOf('RESULT_UNRECORDED', told()), 'Retry-After')).toEqual([]);
  });
});

describe('challenges', () => {
  const challenge = (code: (typeof CODES)[number], options: Partial<Told> = {}): string[] =>
    field(problemOf(code, told(options)), 'WWW-Authenticate');

  it('every 401 has one, with the algorithms', () => {
    for (const code of CODES.filter((each) => PROBLEMS[each].status === 401)) {
      expect(challenge(code)[0]).toMatch(/^DPoP .*algs="ES256 Ed25519"$/);
    }
  });

  it('has no error word when nothing was sent', () => {
    expect(challenge('CREDENTIALS_REQUIRED', { credential: 'none' })).toEqual(['DPoP algs="ES256 Ed25519"']);
    expect(challenge('INVALID_TOKEN', { credential: 'none' })).toEqual(['DPoP algs="ES256 Ed25519"']);
  });

  it.each([
    ['INVALID_TOKEN', 'invalid_token'],
    ['BINDING_REQUIRED', 'invalid_token'],
    ['INVALID_DPOP_PROOF', 'invalid_dpop_proof'],
    ['PROOF_REPLAYED', 'invalid_dpop_proof'],
    ['USE_DPOP_NONCE', 'use_dpop_nonce'],
    ['INVALID_REQUEST', 'invalid_request'],
  ] as const)('%s says error="%s"', (code, word) => {
    expect(challenge(code)).toEqual([`DPoP error="${word}", algs="ES256 Ed25519"`]);
  });

  it('names the scope that was lacking', () => {
    expect(challenge('INSUFFICIENT_SCOPE', { hints: { scope: 'secrets.read' } })).toEqual([
      'DPoP error="insufficient_scope", scope="secrets.read", algs="ES256 Ed25519"',
    ]);
  });

  it('names what a step-up needs', () => {
    expect(challenge('STEP_UP_REQUIRED', { hints: { acrValues: ['gold', 'silver'], maxAge: 300 } })).toEqual([
      'DPoP error="insufficient_user_authentication", acr_values="gold silver", max_age="300", algs="ES256 Ed25519"',
    ]);
  });

  it('offers Bearer where unbound tokens are taken, the error on the scheme that was used', () => {
    expect(challenge('CREDENTIALS_REQUIRED', { credential: 'none', bearer: true })).toEqual([
      'DPoP algs="ES256 Ed25519"',
      'Bearer realm="postern"',
    ]);
    expect(challenge('INVALID_TOKEN', { credential: 'Bearer', bearer: true })).toEqual([
      'DPoP algs="ES256 Ed25519"',
      'Bearer error="invalid_token"',
    ]);
    expect(challenge('INVALID_TOKEN', { credential: 'DPoP', bearer: true })).toEqual([
      'DPoP error="invalid_token", algs="ES256 Ed25519"',
      'Bearer realm="postern"',
    ]);
  });

  it('tells a Bearer where it is not taken on the scheme that is', () => {
    expect(challenge('BINDING_REQUIRED', { credential: 'Bearer' })).toEqual([
      'DPoP error="invalid_token", algs="ES256 Ed25519"',
    ]);
  });

  it('stands on no other refusal', () => {
    for (const code of ['DENIED', 'NOT_FOUND', 'UNAVAILABLE', 'MISDIRECTED', 'ILLEGAL_SEGMENT'] as const) {
      expect(challenge(code)).toEqual([]);
    }
    expect(challenge('INVALID_REQUEST', { credential: 'none' })).toEqual([]);
  });

  it('no hint can break a header', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.string({ unit: 'binary' })), (scope, acrValues) => {
        for (const code of ['INSUFFICIENT_SCOPE', 'STEP_UP_REQUIRED'] as const) {
          const [value] = challenge(code, { hints: { scope, acrValues } });
          expect(value).toMatch(/^DPoP (?:[a-z_]+="[\x20\x21\x23-\x5B\x5D-\x7E]*"(?:, )?)+$/);
        }
      }),
    );
  });

  it.each<[string, Credential]>([
    ['DPoP abc', 'DPoP'],
    ['dpop abc', 'DPoP'],
    ['BEARER abc', 'Bearer'],
    ['Basic abc', 'other'],
    ['', 'other'],
  ])('reads the scheme of %j', (line, scheme) => {
    expect(credentialOf([line])).toBe(scheme);
  });

  it('no line is no credential', () => {
    expect(credentialOf([])).toBe('none');
  });
});
