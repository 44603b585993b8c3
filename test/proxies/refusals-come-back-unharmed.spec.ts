import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { APP, POLICIES, valuePath } from '../support/gateway.js';
import { expectSame } from './answers.js';
import { Front } from './front.js';
import { throughProxies } from './proxy.js';

type Case = readonly [title: string, request: (front: Front) => Buffer];

/** Each is sent to the proxy and to the gateway itself. */
const REFUSED: readonly Case[] = [
  ['D22, B4: no credentials', ({ gateway }) => gateway.request({ target: APP })],
  [
    'D22: a token that is not one',
    ({ gateway }) => gateway.request({ target: APP, fields: ['Authorization: DPoP a.b.c', 'DPoP: a.b.c'] }),
  ],
  [
    'D13: no nonce',
    ({ gateway }) => {
      const token = gateway.mint();
      const fields = [`Authorization: DPoP ${token}`, `DPoP: ${gateway.prove({ token })}`];
      return gateway.request({ target: APP, fields });
    },
  ],
  ['P1: no such address', ({ gateway }) => gateway.request({ target: '/nowhere' })],
  ['P1: a method that is not taken', ({ gateway }) => gateway.request({ method: 'DELETE', target: APP })],
  [
    'P1: a body of another type',
    ({ gateway }) =>
      gateway.request({
        method: 'POST',
        target: '/api/secrets/value',
        fields: ['Content-Type: text/plain'],
        body: 'x',
      }),
  ],
  ['P1: a path that is too long', ({ gateway }) => gateway.request({ target: `/${'a'.repeat(5_000)}` })],
  [
    'T11: 101 header lines',
    ({ gateway }) =>
      gateway.request({ target: APP, fields: Array.from({ length: 110 }, (_, index) => `X-Field-${index}: a`) }),
  ],
];

await throughProxies('refusals through a proxy', (available) => {
  let front: Front;
  beforeAll(async () => {
    front = await Front.start(available, { policies: { acme: POLICIES }, settings: { DPOP_NONCE: 'required' } });
  });
  afterAll(async () => await front.close());

  it.each(REFUSED)('%s comes back as the gateway said it', async (_, request) => {
    const proxied = await front.ask(request(front));
    const direct = await front.gateway.send(request(front));
    expect(direct.status).toBeGreaterThanOrEqual(400);
    expect(direct.status).toBeLessThan(500);
    expectSame(proxied, direct);
  });

  it('P5: a denial looks the same as that of a secret that is not there', async () => {
    const { gateway } = front;
    const answers = [];
    for (const uri of ['yaml://kv/plans/next#token', 'yaml://kv/nowhere/next#token']) {
      const target = valuePath(uri);
      const token = gateway.mint();
      const first = await front.ask(
        gateway.request({
          target,
          fields: [`Authorization: DPoP ${token}`, `DPoP: ${gateway.prove({ token, path: target })}`],
        }),
      );
      const nonce = first.headers['dpop-nonce']?.[0] ?? '';
      const proof = gateway.prove({ token, path: target, nonce });
      answers.push(
        await front.ask(gateway.request({ target, fields: [`Authorization: DPoP ${token}`, `DPoP: ${proof}`] })),
      );
    }
    const [there, nowhere] = answers;
    expect(there).toMatchObject({ status: 403, problem: { code: 'DENIED' } });
    expectSame(there!, nowhere!);
  });

  it('D13, D14: a caller gets its nonce, and reads with it', async () => {
    const { gateway } = front;
    const token = gateway.mint();
    const asked = await front.read(APP, { token });
    expect(asked).toMatchObject({ status: 401, problem: { code: 'USE_DPOP_NONCE' } });
    const [nonce = ''] = asked.headers['dpop-nonce'] ?? [];
    const fields = [`Authorization: DPoP ${token}`, `DPoP: ${gateway.prove({ token, nonce })}`];
    const read = await front.ask(gateway.request({ target: APP, fields }));
    expect(read).toMatchObject({ status: 200, problem: { value: gateway.canary } });
    expect(read.headers['dpop-nonce']).toHaveLength(1);
  });
});
