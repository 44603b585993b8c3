import { describe, expect, it } from '@jest/globals';

import { bind } from '#libs/identity/bind.js';
import { checkScope } from '#libs/identity/scopes.js';
import { NOW_MS } from '../support/tokens.js';

import { aToken, authenticated, bindingRules, EPOCH, presented, refusalOf, saysOf } from './world.js';

async function withScope(scope: string) {
  const caller = await authenticated(aToken({ claims: { scope } }));
  return bind(caller, presented(), bindingRules({ allowUnbound: true }), EPOCH, NOW_MS);
}

describe('the scope that a purpose needs', () => {
  it('A8: lets the purpose pass when the token has its scope', async () => {
    const bound = await withScope('openid secrets.read');
    expect(checkScope(bound, 'execute')).toBeUndefined();
    expect(checkScope(bound, 'read')).toBeUndefined();
  });

  it.each(['', 'secrets', 'secrets.read_metadata', 'SECRETS.READ', 'secrets.write'])(
    'A11: a token with the scope %p is refused by name of the missing one',
    async (scope) => {
      const bound = await withScope(scope);
      const refusal = refusalOf(() => {
        checkScope(bound, 'execute');
      });
      expect(saysOf(refusal)).toEqual({ code: 'INSUFFICIENT_SCOPE', check: 'A11 scope' });
      expect(refusal.hints.scope).toBe('secrets.read');
    },
  );
});
