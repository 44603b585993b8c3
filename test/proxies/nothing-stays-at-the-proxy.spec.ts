import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { APP, valuePath } from '../support/gateway.js';
import { expectOfProxy } from './answers.js';
import { Front } from './front.js';
import { throughProxies } from './proxy.js';

await throughProxies('what a proxy writes', (available) => {
  let front: Front;
  beforeAll(async () => {
    front = await Front.start(available);
  });
  afterAll(async () => await front.close());

  it('B5, N19, N20: no path, no token, no proof and no value stands in what a proxy writes, whatever happened', async () => {
    const { gateway } = front;
    const read = await front.read();
    expect(read.status).toBe(200);
    const refused = await front.read(valuePath('yaml://kv/plans/next#token'));
    expect(refused.status).toBe(403);
    await front.read(APP, { token: 'Unreadable-Token', fields: ['X-Access-Reason: a-reason-to-read'] });
    await front.ask(gateway.request({ target: `${APP}?${'a'.repeat(5_000)}` }));
    await front.ask(`GET ${APP} HTTP/1.1\r\nHost: evil.example\r\n\r\n`);
    await front.ask(`GET ${APP} HTTP/1.1\r\nHost : evil.example\r\nX: kv%2Fapp\r\n\r\n`);
    await front.ask(
      `GET ${APP} HTTP/1.1\r\nHost: secrets.example\r\nAuthorization: DPoP ${'a'.repeat(40_000)}\r\n\r\n`,
    );
    await front.ask(`GET${APP} HTTP/1.1\r\nHost: secrets.example\r\n\r\n`);
    // The gateway is away: the proxy has an error of its own to tell.
    await gateway.close();
    const away = await front.read();
    expectOfProxy(away, available.proxy.service.name === 'nginx' ? 502 : 503);

    const said = front.proxy.said();
    expect(said).toContain(read.headers['x-request-id']?.[0]);
    expect(said).toContain(refused.headers['x-request-id']?.[0]);
    const secret = ['kv%2F', 'kv/', 'yaml', '/api/', 'evil.example', 'Unreadable', 'a-reason', 'aaaa', gateway.canary];
    const parts = gateway.made.flatMap((jws) => jws.split('.').map((part) => part.slice(0, 24)));
    expect([...secret, ...parts].filter((text) => said.includes(text))).toEqual([]);
  });
});
