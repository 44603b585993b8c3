import { describe, expect, it } from '@jest/globals';

import { CODES } from '#libs/kernel/codes.js';
import { SCOPE_OF } from '#libs/kernel/purposes.js';
import { Refusal } from '#libs/kernel/refusal.js';

describe('a refusal', () => {
  it('is an error whose message is its code and nothing else', () => {
    const refusal = new Refusal('DENIED', { detail: 'told', check: 'kept', evidence: { policy: 'p1' } });
    expect(refusal).toBeInstanceOf(Error);
    expect([refusal.name, refusal.message, refusal.code]).toEqual(['Refusal', 'DENIED', 'DENIED']);
    expect([refusal.detail, refusal.check, refusal.evidence]).toEqual(['told', 'kept', { policy: 'p1' }]);
  });

  it('keeps the hints apart from what is only for the audit', () => {
    const cause = new Error('upstream');
    const refusal = new Refusal('RATE_LIMITED', {
      check: 'c',
      detail: 'd',
      evidence: {},
      cause,
      retryAfterSeconds: 3,
      scope: 's',
    });
    expect(refusal.hints).toEqual({ retryAfterSeconds: 3, scope: 's' });
    expect(refusal.cause).toBe(cause);
  });

  it('needs nothing but a code', () => {
    const refusal = new Refusal('INTERNAL');
    expect([refusal.detail, refusal.check, refusal.evidence, refusal.hints]).toEqual([undefined, undefined, {}, {}]);
    expect('cause' in refusal).toBe(false);
  });
});

describe('the codes', () => {
  it('are each listed once, in UPPER_SNAKE', () => {
    expect(new Set(CODES).size).toBe(CODES.length);
    for (const code of CODES) expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
  });

  it('stay apart in kebab-case, which the problem types are written in', () => {
    expect(new Set(CODES.map((code) => code.toLowerCase().replaceAll('_', '-'))).size).toBe(CODES.length);
  });
});

describe('the purposes', () => {
  it('need the scopes of the specification', () => {
    expect(SCOPE_OF).toEqual({
      execute: 'secrets.read',
      read: 'secrets.read',
      write: 'secrets.write',
      delete: 'secrets.delete',
      undelete: 'secrets.delete',
      destroy_versions: 'secrets.destroy',
      rotate: 'secrets.rotate',
      read_metadata: 'secrets.read_metadata',
      owner_update: 'secrets.set_owner',
      revoke_grant: 'secrets.admin',
    });
  });
});
