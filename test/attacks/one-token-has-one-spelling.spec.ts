import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { WireAnswer } from '../http/wire.js';
import { type Attack, expectNothingTold, Target } from '../support/attack.js';
import { APP, type Gateway } from '../support/gateway.js';
import { respell, withTrailingBits } from '../support/tokens.js';

let target: Target;
beforeAll(async () => {
  target = await Target.start();
});
afterAll(async () => await target.close());

/** Spellings that lenient decoders read as the same bytes, or that other readers take for one token. */
const RESPELLINGS: readonly (readonly [string, (jws: string) => string])[] = [
  ...([0, 1, 2] as const).flatMap((segment): (readonly [string, (jws: string) => string])[] => [
    [`padding after segment ${segment}`, (jws) => respell(jws, segment, (text) => `${text}=`)],
    [`two characters of padding after segment ${segment}`, (jws) => respell(jws, segment, (text) => `${text}==`)],
    [`a space in segment ${segment}`, (jws) => respell(jws, segment, (text) => `${text.slice(0, 4)} ${text.slice(4)}`)],
    [`a tab in segment ${segment}`, (jws) => respell(jws, segment, (text) => `${text.slice(0, 4)}\t${text.slice(4)}`)],
    [
      `a dollar in segment ${segment}`,
      (jws) => respell(jws, segment, (text) => `${text.slice(0, 4)}$${text.slice(4)}`),
    ],
    [
      `a byte beyond ASCII in segment ${segment}`,
      (jws) => respell(jws, segment, (text) => `${text.slice(0, 4)}\u00e9${text.slice(4)}`),
    ],
    [
      `a percent-escape in segment ${segment}`,
      (jws) => respell(jws, segment, (text) => `%${text.charCodeAt(0).toString(16)}${text.slice(1)}`),
    ],
    [`segment ${segment} left empty`, (jws) => respell(jws, segment, () => '')],
  ]),
  ['trailing bits in the signature', (jws) => respell(jws, 2, withTrailingBits)],
  [
    'the alphabet of plain base64',
    (jws) => respell(jws, 2, (text) => `${text.replaceAll('-', '+').replaceAll('_', '/')}+`),
  ],
  ['two segments', (jws) => jws.split('.').slice(0, 2).join('.')],
  ['a fourth segment', (jws) => `${jws}.AA`],
  ['a dot behind', (jws) => `${jws}.`],
  ['a dot before', (jws) => `.${jws}`],
  ['quotes around', (jws) => `"${jws}"`],
  ['a comma and the same again', (jws) => `${jws},${jws}`],
  ['a comma, a space and the same again', (jws) => `${jws}, ${jws}`],
  ['a parameter behind', (jws) => `${jws};q=1`],
  [
    'general JSON serialization',
    (jws) =>
      JSON.stringify({
        payload: jws.split('.')[1],
        signatures: [{ protected: jws.split('.')[0], signature: jws.split('.')[2] }],
      }),
  ],
  [
    'flattened JSON serialization',
    (jws) => JSON.stringify({ payload: jws.split('.')[1], protected: jws.split('.')[0], signature: jws.split('.')[2] }),
  ],
];

describe('T1, J13, I17: a token that anybody can respell', () => {
  it.each(RESPELLINGS)('T1: token with %s', async (_title, change) => {
    const sends = async (gateway: Gateway): Promise<WireAnswer> => {
      const token = change(gateway.mint());
      return await gateway.read(APP, { token });
    };
    // Two tokens in one have the five parts of an encrypted one.
    const check = change('a.b.c').split('.').length === 5 ? 'A9 encrypted' : 'T1 spelling';
    await target.refuses({ title: '', sends, refused: '401 INVALID_TOKEN', check });
  });

  it('T1, A9, J3, J12, J14: token of five segments, which is an encrypted one', async () => {
    const sends = async (gateway: Gateway): Promise<WireAnswer> =>
      await gateway.read(APP, { token: 'e30.YQ.YQ.YQ.YQ' });
    await target.refuses({ title: '', sends, refused: '401 INVALID_TOKEN', check: 'A9 encrypted' });
  });

  it('I17: is refused also after the canonical spelling was accepted and remembered', async () => {
    const { gateway } = target;
    const token = gateway.mint();
    expect((await gateway.read(APP, { token })).status).toBe(200);
    for (const respelled of [
      `${token}=`,
      respell(token, 2, withTrailingBits),
      respell(token, 0, (text) => `${text}=`),
    ]) {
      const proof = gateway.prove({ token: respelled });
      const sends = async (): Promise<WireAnswer> => await gateway.read(APP, { token: respelled, proof });
      await target.refuses({ title: '', sends, refused: '401 INVALID_TOKEN', check: 'T1 spelling' });
    }
    expect((await gateway.read(APP, { token })).status).toBe(200);
  });
});

describe('D2: a proof that anybody can respell', () => {
  it.each(RESPELLINGS)('D2: proof with %s', async (_title, change) => {
    const sends = async (gateway: Gateway): Promise<WireAnswer> => {
      const token = gateway.mint();
      return await gateway.read(APP, { token, proof: change(gateway.prove({ token })) });
    };
    await target.refuses({ title: '', sends, refused: '401 INVALID_DPOP_PROOF', check: 'D2 spelling' });
  });
});

const SIZES: readonly Attack[] = [
  {
    title: 'T1: a token of more than 8,192 characters',
    sends: async (gateway) =>
      await gateway.read(APP, { token: gateway.mint({ claims: { pad: 'x'.repeat(6_200) } }), proof: 'a.b.c' }),
    refused: '401 INVALID_TOKEN',
    check: 'T1 length',
  },
  {
    title: 'D2: a proof of more than 4,096 characters',
    sends: async (gateway) => {
      const token = gateway.mint();
      return await gateway.read(APP, { token, proof: gateway.prove({ token, claims: { pad: 'x'.repeat(3_200) } }) });
    },
    refused: '401 INVALID_DPOP_PROOF',
    check: 'D2 length',
  },
  {
    title: 'D2: an empty proof',
    sends: async (gateway) => await gateway.read(APP, { proof: '' }),
    refused: '401 INVALID_DPOP_PROOF',
    check: 'D2 spelling',
  },
  {
    title: 'D19: a scheme without a token',
    sends: async (gateway) => await gateway.read(APP, { token: '' }),
    refused: '401 INVALID_TOKEN',
    check: 'D19 token',
  },
];

describe('sizes of tokens and proofs', () => {
  it.each(SIZES)('$title', async (attack) => await target.refuses(attack));

  it('N20: none of all this stands in a log, a record or an error', async () =>
    await expectNothingTold(target.gateway));
});
