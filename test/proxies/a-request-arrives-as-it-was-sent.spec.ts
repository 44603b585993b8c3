import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { APP, POLICIES } from '../support/gateway.js';
import { Front } from './front.js';
import { availableProxies } from './proxy.js';

for (const { proxy, found } of await availableProxies('requests through a proxy')) {
  describe(`through ${proxy.service.name}`, () => {
    let front: Front;
    beforeAll(async () => {
      front = await Front.start(proxy, found, { policies: { acme: POLICIES } });
    });
    afterAll(async () => await front.close());

    it('D10: a URI with escapes in the path', async () => {
      const { gateway } = front;
      const token = gateway.mint();
      const proof = gateway.prove({ token });
      const wire = await front.open();
      wire.send(gateway.request({ target: APP, fields: [`Authorization: DPoP ${token}`, `DPoP: ${proof}`] }));
      const answer = await wire.answer();
      expect(answer).toMatchObject({ status: 200, problem: { value: gateway.canary } });
      wire.end();
    });
  });
}
