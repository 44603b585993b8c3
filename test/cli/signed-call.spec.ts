import { describe, expect, it } from '@jest/globals';

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { type CallAnswer, describeAnswer, send } from '#src/cli/signed-call.js';
import { freshKeyPair } from '#src/dev/kept-key-pair.js';

/** What a gateway's challenge comes to, over a real connection. */
async function answering(challenges: readonly string[]): Promise<CallAnswer> {
  const body = '{"code":"STEP_UP_REQUIRED","title":"T","request_id":"r-1"}';
  const server = createServer((_, response) =>
    response.writeHead(401, { 'WWW-Authenticate': [...challenges] }).end(body),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return await send({ origin, method: 'GET', path: '/x', token: 'a.b.c', key: await freshKeyPair() });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('an answer that asks for a step-up', () => {
  const error = 'error="insufficient_user_authentication"';

  it('S2: is told with what the sign-in must be', async () => {
    const answer = await answering([
      `DPoP ${error}, acr_values="a b", max_age="300", algs="ES256"`,
      'Bearer realm="x"',
    ]);
    expect(describeAnswer(answer)).toBe('401 STEP_UP_REQUIRED: T [acr_values="a b", max_age="300"] (request r-1)');
  });

  it('S2: is told with as much as the challenge holds', async () => {
    expect((await answering([`DPoP ${error}, max_age="0"`])).stepUp).toBe('max_age="0"');
    expect((await answering([`DPoP ${error}`])).stepUp).toBeUndefined();
    expect((await answering(['DPoP error="invalid_token", max_age="9"'])).stepUp).toBeUndefined();
    expect((await answering([])).stepUp).toBeUndefined();
  });
});
