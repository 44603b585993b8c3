import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { Target } from '../support/attack.js';
import { APP } from '../support/gateway.js';

let target: Target;
let sockets = 0;
const onSocket = (): void => void (sockets += 1);
beforeAll(async () => {
  target = await Target.start();
  subscribe('net.client.socket', onSocket);
});
afterAll(async () => {
  unsubscribe('net.client.socket', onSocket);
  await target.close();
});

/** Shapes of opaque tokens that servers give out (RFC 6749 section 1.4), which only their issuer could explain. */
const OPAQUE: readonly (readonly [string, string])[] = [
  ['random bytes', randomBytes(32).toString('base64url')],
  ['a UUID', '6f3c2a52-7d7e-4f7e-9b8a-2f5f3f8f8f10'],
  ['a handle with a prefix', `at_${randomBytes(18).toString('hex')}`],
  ['a vault token', `hvs.${randomBytes(18).toString('base64url')}`],
  ['two parts', `${randomBytes(16).toString('base64url')}.${randomBytes(16).toString('base64url')}`],
];

describe('D26: a token that would have to be introspected', () => {
  it.each(OPAQUE)('D26: is refused, and nobody is asked about it: %s', async (_title, token) => {
    for (const scheme of ['DPoP', 'Bearer']) {
      const before = sockets;
      await target.refuses({
        title: '',
        sends: async (gateway) =>
          await gateway.read(APP, { token, scheme, proof: scheme === 'DPoP' ? gateway.prove({ token }) : null }),
        refused: '401 INVALID_TOKEN',
        check: 'T1 spelling',
      });
      // One socket: the test's own.
      expect(sockets - before).toBe(1);
    }
  });
});
