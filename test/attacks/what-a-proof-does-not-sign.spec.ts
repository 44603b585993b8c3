import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { expectNothingTold, Target } from '../support/attack.js';
import { valuePath } from '../support/gateway.js';

const VALUE = '/api/secrets/value';
const API = 'yaml://kv/app/api#url';
const DB = 'yaml://kv/app/db#password';
const inQuery = (uri: string): string => `${VALUE}?uri=${encodeURIComponent(uri)}`;

let open: Target;
let strict: Target;
beforeAll(async () => {
  open = await Target.start();
  strict = await Target.start({ settings: { REQUIRE_URI_IN_PATH: true } });
});
afterAll(async () => {
  await open.close();
  await strict.close();
});

describe('D25: what RFC 9449 leaves unsigned, as SECURITY.md says it', () => {
  it('SECURITY.md says it', () => {
    const text = readFileSync(new URL('../../SECURITY.md', import.meta.url), 'utf8');
    expect(text).toMatch(/proof signs neither query nor body \(RFC 9449 section 11\.7\)/);
    expect(text).toContain('REQUIRE_URI_IN_PATH');
  });

  it('a query can be swapped under a proof: it names the path alone', async () => {
    const { gateway } = open;
    const token = gateway.mint();
    const proof = gateway.prove({ token, path: inQuery(API) });
    const answer = await gateway.read(inQuery(DB), { token, proof });
    expect({ status: answer.status, uri: answer.problem['uri'] }).toEqual({ status: 200, uri: DB });
  });

  it('so can a body', async () => {
    const { gateway } = open;
    const token = gateway.mint();
    const proof = gateway.prove({ token, path: VALUE, method: 'POST' });
    const answer = await gateway.read(VALUE, { method: 'POST', token, proof, body: JSON.stringify({ uri: DB }) });
    expect({ status: answer.status, uri: answer.problem['uri'] }).toEqual({ status: 200, uri: DB });
  });

  it('but neither opens what policy does not permit to this caller', async () => {
    const { gateway } = open;
    const token = gateway.mint();
    const proof = gateway.prove({ token, path: inQuery(API) });
    await open.refuses({
      title: '',
      sends: async ({ read }) => await read(inQuery('yaml://kv/plans/next#token'), { token, proof }),
      refused: '403 DENIED',
      check: '*',
      keys: 1,
    });
  });

  it('and the path cannot be swapped', async () => {
    await open.refuses({
      title: '',
      sends: async ({ mint, prove, read }) => {
        const token = mint();
        return await read(valuePath(DB), { token, proof: prove({ token, path: valuePath(API) }) });
      },
      refused: '401 INVALID_DPOP_PROOF',
      check: 'D10 htu',
    });
  });
});

describe('D25: with REQUIRE_URI_IN_PATH', () => {
  it.each([inQuery(API), `/api/secrets?uri=${encodeURIComponent(API)}`, `${VALUE}?uri=`, inQuery('yaml://kv/nowhere')])(
    '%s is refused, and told what to do instead',
    async (path) => {
      const answer = await strict.refuses({
        title: '',
        sends: async ({ read }) => await read(path),
        refused: '400 INVALID_REQUEST',
        check: 'uri in query',
      });
      expect(answer.problem['detail']).toContain('{uri}');
    },
  );

  it('the path form is served', async () => {
    expect((await strict.gateway.read(valuePath(API))).status).toBe(200);
    expect((await strict.gateway.read(valuePath(API).replace('/value/', '/read/'))).status).toBe(200);
  });
});

it('N20: none of all this stands in a log or a record', async () => {
  await expectNothingTold(open.gateway);
  await expectNothingTold(strict.gateway);
});
