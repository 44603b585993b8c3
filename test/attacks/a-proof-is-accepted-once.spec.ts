import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { type Attack, expectNothingTold, expectProblem, Target } from '../support/attack.js';
import { APP, type Gateway, valuePath } from '../support/gateway.js';
import { makeKey } from '../support/tokens.js';

let target: Target;
let gateway: Gateway;
beforeAll(async () => {
  target = await Target.start();
  ({ gateway } = target);
});
afterAll(async () => await target.close());

const FEW = valuePath('yaml://kv/few#token');
const PLANS = valuePath('yaml://kv/plans/next#token');
const READ = APP.replace('/value/', '/read/');

const REPLAYS: readonly Attack[] = [
  {
    title: 'D15, I7: the same request again',
    sends: async ({ mint, prove, read }) => {
      const token = mint();
      const proof = prove({ token });
      expect((await read(APP, { token, proof })).status).toBe(200);
      return await read(APP, { token, proof });
    },
    refused: '401 PROOF_REPLAYED',
    check: '*',
    keys: null,
  },
  {
    title: 'D15: another proof with the same jti',
    sends: async ({ mint, prove, read }) => {
      const token = mint();
      const claims = { jti: 'once' };
      expect((await read(APP, { token, proof: prove({ token, claims }) })).status).toBe(200);
      await target.passes(1_000);
      return await read(APP, { token, proof: prove({ token, claims }) });
    },
    refused: '401 PROOF_REPLAYED',
    check: '*',
    keys: null,
  },
  {
    title: 'D16: the same jti for another method and path',
    sends: async ({ mint, prove, read }) => {
      const token = mint();
      const claims = { jti: 'everywhere' };
      expect((await read(APP, { token, proof: prove({ token, claims }) })).status).toBe(200);
      const proof = prove({ token, claims, method: 'POST', path: '/api/secrets/value' });
      return await read('/api/secrets/value', {
        token,
        proof,
        method: 'POST',
        body: '{"uri":"yaml://kv/app/api#token"}',
      });
    },
    refused: '401 PROOF_REPLAYED',
    check: '*',
    keys: null,
  },
  {
    title: 'D16: the same jti under another token of the same caller',
    sends: async ({ mint, prove, read }) => {
      const claims = { jti: 'two-tokens' };
      const [one, two] = [mint(), mint()];
      expect((await read(APP, { token: one, proof: prove({ token: one, claims }) })).status).toBe(200);
      return await read(APP, { token: two, proof: prove({ token: two, claims }) });
    },
    refused: '401 PROOF_REPLAYED',
    check: '*',
    keys: null,
  },
  {
    title: 'D15: a proof that was spent on a request which policy denied',
    sends: async ({ mint, prove, read }) => {
      const token = mint();
      const proof = prove({ token, path: PLANS });
      expectProblem(await read(PLANS, { token, proof }), '403 DENIED');
      return await read(PLANS, { token, proof });
    },
    refused: '401 PROOF_REPLAYED',
    check: '*',
    keys: null,
  },
  {
    title: 'D15: in the last moment in which its time would be good',
    sends: async ({ mint, prove, read }) => {
      const token = mint();
      const iat = Math.floor(target.clock.now() / 1000);
      const proof = prove({ token });
      expect((await read(APP, { token, proof })).status).toBe(200);
      await target.passes((iat + 60) * 1000 - target.clock.now());
      return await read(APP, { token, proof });
    },
    refused: '401 PROOF_REPLAYED',
    check: '*',
    keys: null,
  },
  {
    title: 'D12: a moment later its time is over',
    sends: async ({ mint, prove, read }) => {
      const token = mint();
      const iat = Math.floor(target.clock.now() / 1000);
      const proof = prove({ token });
      await target.passes((iat + 60) * 1000 + 1 - target.clock.now());
      return await read(APP, { token, proof });
    },
    refused: '401 INVALID_DPOP_PROOF',
    check: 'D12 iat',
  },
  {
    title: 'D10: on another route, unused',
    sends: async ({ mint, prove, read }) => {
      const token = mint();
      return await read(READ, { token, proof: prove({ token, path: APP }) });
    },
    refused: '401 INVALID_DPOP_PROOF',
    check: 'D10 htu',
  },
  {
    title: 'D10: for another secret, unused',
    sends: async ({ mint, prove, read }) => {
      const token = mint();
      return await read(FEW, { token, proof: prove({ token, path: APP }) });
    },
    refused: '401 INVALID_DPOP_PROOF',
    check: 'D10 htu',
  },
  {
    title: 'D9: by another method, unused',
    sends: async ({ mint, prove, read }) => {
      const token = mint();
      const proof = prove({ token, path: '/api/secrets/value' });
      return await read('/api/secrets/value', {
        token,
        proof,
        method: 'POST',
        body: '{"uri":"yaml://kv/app/api#token"}',
      });
    },
    refused: '401 INVALID_DPOP_PROOF',
    check: 'D9 htm',
  },
  {
    title: 'D17: with another token of the same caller, unused',
    sends: async ({ mint, prove, read }) => await read(APP, { token: mint(), proof: prove({ token: mint() }) }),
    refused: '401 INVALID_DPOP_PROOF',
    check: 'D17 ath',
  },
];

describe('a proof a second time', () => {
  it.each(REPLAYS)('$title', async (attack) => await target.refuses(attack));
});

describe('many at once', () => {
  it('D15, I7: thirty requests with one proof release one value', async () => {
    const token = gateway.mint();
    const proof = gateway.prove({ token });
    const answers = await Promise.all(
      Array.from({ length: 30 }, async () => await gateway.read(APP, { token, proof })),
    );
    const [released, refused] = [
      answers.filter(({ status }) => status === 200),
      answers.filter(({ status }) => status !== 200),
    ];
    expect(released).toHaveLength(1);
    for (const answer of refused) expectProblem(answer, '401 PROOF_REPLAYED');
    const intents = (await gateway.records()).filter(
      ({ type, request_id: id }) =>
        type === 'intent' && answers.some(({ headers }) => headers['x-request-id']?.[0] === id),
    );
    expect(intents).toHaveLength(1);
  });

  it('D16: two keys may use one jti: it belongs to the key', async () => {
    const claims = { jti: 'shared' };
    for (const key of [makeKey(), makeKey()]) {
      const token = gateway.mint({ boundTo: key });
      expect((await gateway.read(APP, { token, proof: gateway.prove({ token, key, claims }) })).status).toBe(200);
    }
  });
});

describe('I22: a request that is not verified leaves no key', () => {
  it('N10: whatever its jti is', async () => {
    const before = gateway.storedKeys();
    const jtis = [
      'a:b',
      '{p1}',
      '*',
      '{p1}:*',
      'a\r\nDEL x',
      '"]) redis.call("FLUSHALL") --',
      '\u0000',
      'x'.repeat(128),
    ];
    for (const jti of jtis) {
      const token = gateway.mint();
      const answer = await gateway.read(APP, {
        token,
        proof: gateway.prove({ token, claims: { jti }, method: 'POST' }),
      });
      expectProblem(answer, '401 INVALID_DPOP_PROOF');
    }
    expect(gateway.storedKeys()).toBe(before);
  });

  it('N10: and a verified one leaves one, of fixed shape, whatever its jti is', async () => {
    const token = gateway.mint();
    await gateway.read(APP, { token });
    for (const jti of ['a:b', '{p1}', '*', 'a\r\nb', '\u2028', 'x'.repeat(128), '__proto__']) {
      const before = gateway.storedKeys();
      expect((await gateway.read(APP, { token, proof: gateway.prove({ token, claims: { jti } }) })).status).toBe(200);
      expect(gateway.storedKeys()).toBe(before + 1);
      expectProblem(
        await gateway.read(APP, { token, proof: gateway.prove({ token, claims: { jti } }) }),
        '401 PROOF_REPLAYED',
      );
    }
  });
});

it('N20: none of all this stands in a log, a record or an error', async () =>
  await expectNothingTold(gateway, ['FLUSHALL']));
