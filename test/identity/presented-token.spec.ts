import { describe, expect, it } from '@jest/globals';

import { authenticate } from '#libs/identity/access-token.js';
import { admitted } from '../support/admitted.js';
import { NOW_MS } from '../support/tokens.js';

import { aToken, presented, refusalFrom, saysOf, tokenRules } from './world.js';

const rules = tokenRules();
const token = aToken();

async function refused(...authorization: readonly string[]) {
  return saysOf(await refusalFrom(authenticate(admitted(presented({ authorization })), rules, NOW_MS)));
}

describe('the token of a request', () => {
  it('B4: without an Authorization header, credentials are required', async () => {
    expect(await refused()).toEqual({ code: 'CREDENTIALS_REQUIRED', check: 'B4 nothing sent' });
    const { detail } = await refusalFrom(authenticate(admitted(presented()), rules, NOW_MS));
    expect(detail).toBe('Send an access token in the Authorization header.');
  });

  it.each(['Basic dXNlcjpwYXNz', 'Negotiate abc', 'BearerX abc', '', 'DPoP\tabc', token])(
    'B4: a scheme that is not ours counts as nothing sent (%#)',
    async (line) => {
      expect(await refused(line)).toEqual({ code: 'CREDENTIALS_REQUIRED', check: 'B4 nothing sent' });
    },
  );

  it.each([
    [`Bearer ${token}`, `Bearer ${token}`],
    [`Bearer ${token}`, `DPoP ${token}`],
    [`DPoP ${token}`, 'Basic dXNlcjpwYXNz'],
  ])('D21: two Authorization lines are a malformed request (%#)', async (first, second) => {
    expect(await refused(first, second)).toEqual({ code: 'INVALID_REQUEST', check: 'D21 repeated' });
  });

  it.each(['Bearer', 'DPoP', 'dpop '])('D19: a scheme without a token is refused: %s', async (line) => {
    expect(await refused(line)).toEqual({ code: 'INVALID_TOKEN', check: 'D19 token' });
  });

  it.each([`DPoP ${token} ${token}`, `DPoP ${token},`, `DPoP ${token},DPoP ${token}`, `Bearer token="${token}"`])(
    'D19: the scheme is followed by one token and nothing else (%#)',
    async (line) => {
      const { code } = await refused(line);
      expect(code).toBe('INVALID_TOKEN');
    },
  );

  it.each(['DPoP', 'dpop', 'DPOP', 'dPoP'])('D19: the scheme %s is DPoP, in any case', async (scheme) => {
    const caller = await authenticate(admitted(presented({ authorization: [`${scheme} ${token}`] })), rules, NOW_MS);
    expect(caller.scheme).toBe('DPoP');
  });

  it.each(['Bearer', 'bearer', 'BEARER'])('reads the scheme %s as Bearer', async (scheme) => {
    const caller = await authenticate(admitted(presented({ authorization: [`${scheme} ${token}`] })), rules, NOW_MS);
    expect(caller.scheme).toBe('Bearer');
  });

  it('T1: a token has at most 8192 characters', async () => {
    expect((await refused(`Bearer ${'a'.repeat(8192)}`)).check).toBe('T1 spelling');
    expect(await refused(`Bearer ${'a'.repeat(8193)}`)).toEqual({ code: 'INVALID_TOKEN', check: 'T1 length' });
  });
});
