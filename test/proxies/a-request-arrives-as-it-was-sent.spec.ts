import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { APP, valuePath } from '../support/gateway.js';
import { Front } from './front.js';
import { askHttp2 } from './http2.js';
import { throughProxies } from './proxy.js';

/** As sent, and what the gateway makes of it. */
const TARGETS: readonly (readonly [target: string, status: number, code: string | undefined])[] = [
  [APP, 200, undefined],
  [APP.replace(/%3A/g, '%3a').replace(/%2F/g, '%2f'), 200, undefined],
  [valuePath('yaml://kv/app/api'), 200, undefined],
  ['/api/secrets/value/yaml%3A%2F%2Fkv%2Fapp%2F..%2Fapp%2Fapi', 400, 'ILLEGAL_SEGMENT'],
  ['/api/secrets/value/yaml%3A%2F%2Fkv%2Fapp%2F%2Fapi', 400, 'ILLEGAL_SEGMENT'],
  ['/api/secrets/value/yaml%3A%2F%2Fkv%2Fapp%252Fapi', 400, 'ILLEGAL_SEGMENT'],
  [`/${APP}`, 404, 'NOT_FOUND'],
  [APP.replace('/value', '//value'), 404, 'NOT_FOUND'],
  [APP.replace('/value', '/x/../value'), 404, 'NOT_FOUND'],
  [APP.replace('/value', '/./value'), 404, 'NOT_FOUND'],
  [APP.replace('/value', '/%76alue'), 404, 'NOT_FOUND'],
  [`${APP}/`, 404, 'NOT_FOUND'],
  [`${APP};a=b`, 400, 'INVALID_KEY'],
];

const LONG = 'made-up '.repeat(7_500);

function secrets(canary: string): unknown {
  return { kv: { app: { api: { token: canary }, long: { token: LONG } } } };
}

await throughProxies('requests through a proxy', (available) => {
  let front: Front;
  beforeAll(async () => {
    front = await Front.start(available, { secrets });
  });
  afterAll(async () => await front.close());

  it.each(TARGETS)('D10, D11: the path %s is proven and read as it was sent', async (target, status, code) => {
    const answer = await front.read(target);
    expect({ status: answer.status, code: answer.problem['code'] }).toEqual({ status, code });
    expect(answer.headers['x-request-id']).toHaveLength(1);
  });

  it('D11: the URI in a query and in a body is read too', async () => {
    const uri = 'yaml://kv/app/api#token';
    const asked = await front.read(`/api/secrets/value?uri=${encodeURIComponent(uri)}`);
    expect(asked.problem).toMatchObject({ value: front.gateway.canary });

    const { gateway } = front;
    const token = gateway.mint();
    const proof = gateway.prove({ token, path: '/api/secrets/value', method: 'POST' });
    const fields = [`Authorization: DPoP ${token}`, `DPoP: ${proof}`];
    const body = JSON.stringify({ uri });
    const posted = { method: 'POST', target: '/api/secrets/value', body };
    expect((await front.ask(gateway.request({ ...posted, fields }))).problem).toMatchObject({
      value: gateway.canary,
    });
  });

  it('N13: a client that waits to be told to go on is told so, and its body is read', async () => {
    const { gateway } = front;
    const token = gateway.mint();
    const proof = gateway.prove({ token, path: '/api/secrets/value', method: 'POST' });
    const body = JSON.stringify({ uri: 'yaml://kv/app/api#token' });
    const fields = [`Authorization: DPoP ${token}`, `DPoP: ${proof}`, 'Expect: 100-continue'];
    const bytes = gateway.request({ method: 'POST', target: '/api/secrets/value', fields, body });
    const wire = await front.open();
    wire.send(bytes.subarray(0, bytes.length - body.length));
    await wire.until('HTTP/1.1 100 Continue\r\n\r\n');
    expect((await wire.send(body).answer()).problem).toMatchObject({ value: gateway.canary });
    wire.end();
  });

  it('P1: a value of 60 kB comes back whole', async () => {
    const { problem } = await front.read(valuePath('yaml://kv/app/long#token'));
    expect(problem['value']).toBe(LONG);
  });

  it('T24: a client that speaks HTTP/2 is served, and the gateway hears HTTP/1.1', async () => {
    const { gateway } = front;
    const token = gateway.mint();
    const fields = { authorization: `DPoP ${token}`, dpop: gateway.prove({ token }), ':path': APP };
    const answer = await askHttp2(await front.connect('h2'), gateway.origin, fields);
    expect(answer).toMatchObject({ status: 200, problem: { value: gateway.canary } });

    const posting = { method: 'POST', path: '/api/secrets/value' };
    const body = JSON.stringify({ uri: 'yaml://kv/app/api#token' });
    const post = await askHttp2(
      await front.connect('h2'),
      gateway.origin,
      {
        ':method': posting.method,
        ':path': posting.path,
        'content-type': 'application/json',
        authorization: `DPoP ${token}`,
        dpop: gateway.prove({ token, ...posting }),
      },
      body,
    );
    expect(post).toMatchObject({ status: 200, problem: { value: gateway.canary } });
  });

  it('D1: two proofs are still two when they arrive', async () => {
    const { gateway } = front;
    const token = gateway.mint();
    const lines = [`DPoP: ${gateway.prove({ token })}`, `DPoP: ${gateway.prove({ token })}`];
    const answer = await front.ask(
      gateway.request({ target: APP, fields: [`Authorization: DPoP ${token}`, ...lines] }),
    );
    expect(answer).toMatchObject({ status: 401, problem: { code: 'INVALID_DPOP_PROOF' } });
  });

  it('D21: two tokens are still two when they arrive', async () => {
    const { gateway } = front;
    const lines = [`Authorization: DPoP ${gateway.mint()}`, `Authorization: DPoP ${gateway.mint()}`];
    const answer = await front.ask(gateway.request({ target: APP, fields: lines }));
    expect(answer.status).toBe(400);
  });

  it('D15: a proof is good for one request, whichever connection brings the second', async () => {
    const { gateway } = front;
    const token = gateway.mint();
    const fields = [`Authorization: DPoP ${token}`, `DPoP: ${gateway.prove({ token })}`];
    const bytes = gateway.request({ target: APP, fields });
    expect((await front.ask(bytes)).status).toBe(200);
    expect(await front.ask(bytes)).toMatchObject({ status: 401, problem: { code: 'PROOF_REPLAYED' } });
  });
});
