import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import request from 'supertest';

import { startGateway, valuePath, type Gateway } from '../support/gateway.js';

const URI = 'yaml://kv/app/db#user';

/** The five ways to read one secret, as a client with an HTTP library sees them. */
describe('one secret', () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(async () => {
    await gateway.close();
  });

  const fields = (path: string, method = 'GET'): Record<string, string> => {
    const token = gateway.mint();
    return { Authorization: `DPoP ${token}`, DPoP: gateway.prove({ token, path, method }) };
  };

  it.each([
    ['the path', 'GET', valuePath(URI)],
    ['the query', 'GET', `/api/secrets/value?uri=${encodeURIComponent(URI)}`],
    ['a body', 'POST', '/api/secrets/value'],
    ['the path, to read', 'GET', `/api/secrets/read/${encodeURIComponent(URI)}`],
    ['the query, to read', 'GET', `/api/secrets?uri=${encodeURIComponent(URI)}`],
  ])('is given when %s names it', async (_where, method, target) => {
    const call = request(gateway.origin);
    const sent = method === 'POST' ? call.post(target).send({ uri: URI }) : call.get(target);
    const answer = await sent.set(fields(target, method)).expect(200).expect('Content-Type', 'application/json');
    const headers = answer.headers as Record<string, string>;
    expect(answer.body).toEqual({
      uri: URI,
      key: 'user',
      value: 'app',
      grant: {
        id: expect.stringMatching(/^\d+\.[\w-]{43}\.[\w-]{22}$/),
        expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        uses_left: expect.any(Number),
      },
      receipt: headers['postern-receipt'],
    });
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-request-id': expect.any(String) });
  });

  it('is the whole map when the URI names no key', async () => {
    const path = valuePath('yaml://kv/app/db');
    const answer = await request(gateway.origin).get(path).set(fields(path)).expect(200);
    expect(answer.body).toMatchObject({ uri: 'yaml://kv/app/db', value: { user: 'app', password: 'made-up' } });
    expect(answer.body).not.toHaveProperty('key');
  });
});
