import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { WireAnswer } from '../http/wire.js';
import { type Attack, expectNothingTold, expectProblem, Target } from '../support/attack.js';
import { APP, type Gateway, startGateway, valuePath } from '../support/gateway.js';
import { ManualClock } from '../support/clock.js';

let target: Target;
let gateway: Gateway;
beforeAll(async () => {
  target = await Target.start({ settings: { DPOP_NONCE: 'required', ALLOW_UNBOUND_TOKENS: false } });
  ({ gateway } = target);
});
afterAll(async () => await target.close());

async function asksWith(nonce: unknown, changes: { method?: string } = {}): Promise<WireAnswer> {
  const token = gateway.mint();
  return await gateway.read(APP, { token, proof: gateway.prove({ token, claims: { nonce }, ...changes }) });
}

async function freshNonce(): Promise<string> {
  return (await asksWith(undefined)).headers['dpop-nonce']?.[0] ?? '';
}

const STRANGE: readonly (readonly [string, unknown])[] = [
  ['left out', undefined],
  ['null', null],
  ['empty', ''],
  ['a number', 1],
  ['an array', ['a']],
  ['of a stranger', 'A'.repeat(43)],
  ['of another length', 'A'.repeat(42)],
  ['beyond ASCII of the same length', '\u00e9'.repeat(43)],
  ['very long', 'A'.repeat(1_000)],
];

describe('a nonce that is not ours', () => {
  it.each(STRANGE)('D13: %s', async (_title, nonce) => {
    const answer = await target.refuses({
      title: '',
      sends: async () => await asksWith(nonce),
      refused: '401 USE_DPOP_NONCE',
      check: nonce === undefined ? 'D13 nonce missing' : 'D13 nonce old',
    });
    expect(answer.headers['dpop-nonce']).toEqual([expect.stringMatching(/^[!#-[\]-~]{20,}$/)]);
  });

  it.each([
    ['respelled with padding', (nonce: string) => `${nonce}=`],
    ['with another last character', (nonce: string) => nonce.slice(0, -1) + (nonce.endsWith('A') ? 'B' : 'A')],
    ['in other letters', (nonce: string) => nonce.toLowerCase()],
    ['as a list of one', (nonce: string) => [nonce]],
  ])('D13: ours, but %s', async (_title, change) => {
    const nonce = await freshNonce();
    await target.refuses({
      title: '',
      sends: async () => await asksWith(change(nonce)),
      refused: '401 USE_DPOP_NONCE',
      check: 'D13 nonce old',
    });
  });

  it('D13: of another gateway with another key', async () => {
    const other = await startGateway({
      clock: new ManualClock(target.clock.now()),
      settings: { DPOP_NONCE: 'required' },
    });
    try {
      const [nonce] = (await other.read(APP)).headers['dpop-nonce'] ?? [];
      await target.refuses({
        title: '',
        sends: async () => await asksWith(nonce),
        refused: '401 USE_DPOP_NONCE',
        check: 'D13 nonce old',
      });
    } finally {
      await other.close();
    }
  });

  it('D13: ours, three minutes old', async () => {
    const nonce = await freshNonce();
    await target.passes(180_000);
    await target.refuses({
      title: '',
      sends: async () => await asksWith(nonce),
      refused: '401 USE_DPOP_NONCE',
      check: 'D13 nonce old',
    });
  });
});

describe('a nonce that is ours', () => {
  it('D13, D14: opens, may be used again while it is valid, and a next one rides on the answer', async () => {
    const nonce = await freshNonce();
    for (const path of [APP, APP, valuePath('yaml://kv/app/api#url')]) {
      const token = gateway.mint();
      const answer = await gateway.read(path, { token, proof: gateway.prove({ token, nonce, path }) });
      expect(answer.status).toBe(200);
      expect(answer.headers['dpop-nonce']).toHaveLength(1);
      expect(answer.headers['cache-control']).toEqual(['no-store']);
    }
  });

  it('D14: cannot be foretold: none of two windows is like the other', async () => {
    const first = await freshNonce();
    await target.passes(60_000);
    expect(await freshNonce()).not.toBe(first);
  });

  it('D15: does not make a proof good twice', async () => {
    const nonce = await freshNonce();
    const token = gateway.mint();
    const proof = gateway.prove({ token, nonce });
    expect((await gateway.read(APP, { token, proof })).status).toBe(200);
    expectProblem(await gateway.read(APP, { token, proof }), '401 PROOF_REPLAYED');
  });
});

const NOT_TOLD: readonly Attack[] = [
  {
    title: 'D13: a proof for another method',
    sends: async () => await asksWith(undefined, { method: 'POST' }),
    refused: '401 INVALID_DPOP_PROOF',
    check: 'D9 htm',
  },
  {
    title: 'D13: a request without proof',
    sends: async ({ read }) => await read(APP, { proof: null }),
    refused: '401 INVALID_DPOP_PROOF',
    check: 'D1 missing',
  },
  {
    title: 'D13: a request without token',
    sends: async ({ read }) => await read(APP, { token: null }),
    refused: '401 CREDENTIALS_REQUIRED',
    check: 'B4 nothing sent',
  },
  {
    title: 'D19, D20: a plain bearer token, where none is taken',
    sends: async ({ mint, read }) => await read(APP, { token: mint({ boundTo: null }), scheme: 'Bearer', proof: null }),
    refused: '401 BINDING_REQUIRED',
    check: 'binding',
  },
];

describe('a nonce is told only for a proof that is otherwise good', () => {
  it.each(NOT_TOLD)('$title', async (attack) => {
    expect((await target.refuses(attack)).headers).not.toHaveProperty('dpop-nonce');
  });
});

it('N20: none of all this stands in a log, a record or an error', async () => await expectNothingTold(gateway));
