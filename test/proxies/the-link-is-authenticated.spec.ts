import { afterEach, describe, expect, it } from '@jest/globals';

import { APP } from '../support/gateway.js';
import { expectOfProxy } from './answers.js';
import { Authority } from './certificates.js';
import { Front, type LinkFaults } from './front.js';
import { throughProxies } from './proxy.js';

await throughProxies('TLS between a proxy and the gateway', (available) => {
  const unreachable = available.proxy.service.name === 'nginx' ? 502 : 503;
  let front: Front | undefined;
  afterEach(async () => await front?.close());

  const start = async (faults: LinkFaults = {}): Promise<Front> => (front = await Front.startLinked(available, faults));

  /** With a token that is bound to the certificate that is shown. */
  const readByCertificate = async (through: Front) => {
    const identity = await through.clients.client('mine');
    const token = through.gateway.mint({ boundTo: null, claims: { cnf: { 'x5t#S256': identity.thumbprint } } });
    return await through.read(APP, { token, scheme: 'Bearer', identity });
  };

  it('M8: a proxy that the gateway knows by its certificate hands certificates over', async () => {
    const through = await start();
    expect((await through.read()).problem).toMatchObject({ value: through.gateway.canary });
    expect(await readByCertificate(through)).toMatchObject({ status: 200, problem: { value: through.gateway.canary } });
  });

  it('M8: one that it does not know hands nothing over', async () => {
    const other = await (await Authority.make('proxies')).client('other');
    expect(await readByCertificate(await start({ knownProxy: other }))).toMatchObject({
      status: 401,
      problem: { code: 'INVALID_TOKEN' },
    });
  });

  describe('and nobody else is taken for the gateway', () => {
    it('M8: not with a certificate by another authority', async () => {
      const through = await start({ gatewayAuthority: await Authority.make('strangers') });
      expectOfProxy(await through.read(), unreachable);
    });

    it('M8: not under another name', async () => {
      expectOfProxy(await (await start({ gatewayName: 'other.internal' })).read(), unreachable);
    });
  });
});
