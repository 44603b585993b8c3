import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { type Attack, expectNothingTold, Target } from '../support/attack.js';
import { APP, type Gateway, valuePath } from '../support/gateway.js';
import { makeKey } from '../support/tokens.js';

let target: Target;
let gateway: Gateway;
beforeAll(async () => {
  // Plain bearer tokens are taken here: the weakest setting that there is.
  target = await Target.start({ settings: { ALLOW_UNBOUND_TOKENS: true } });
  ({ gateway } = target);
});
afterAll(async () => await target.close());

const thief = makeKey();
const THUMBPRINT = 'A'.repeat(43);

const DOWNGRADES: readonly Attack[] = [
  {
    title: 'D18, I20: a stolen token with a proof by the thief',
    sends: async ({ mint, prove, read }) => {
      const token = mint();
      return await read(APP, { token, proof: prove({ token, key: thief }) });
    },
    refused: '401 INVALID_TOKEN',
    check: 'D18 jkt',
  },
  {
    title: "D18, I20: a stolen token with the owner's public key over the thief's signature",
    sends: async ({ keys, mint, prove, read }) => {
      const token = mint();
      return await read(APP, { token, proof: prove({ token, key: thief, header: { jwk: keys.caller.jwk } }) });
    },
    refused: '401 INVALID_DPOP_PROOF',
    check: 'D6 signature',
  },
  {
    title: 'D20, I20: a bound token under Bearer, with its proof',
    sends: async ({ read }) => await read(APP, { scheme: 'Bearer' }),
    refused: '401 INVALID_TOKEN',
    check: 'D20 scheme',
  },
  {
    title: 'D20, I20: a bound token under Bearer, without proof',
    sends: async ({ read }) => await read(APP, { scheme: 'Bearer', proof: null }),
    refused: '401 INVALID_TOKEN',
    check: 'D20 scheme',
  },
  {
    title: 'D20, I20: a bound token under bearer in other letters',
    sends: async ({ read }) => await read(APP, { scheme: 'bEaReR', proof: null }),
    refused: '401 INVALID_TOKEN',
    check: 'D20 scheme',
  },
  {
    title: 'D19, I20: a bound token without proof',
    sends: async ({ read }) => await read(APP, { proof: null }),
    refused: '401 INVALID_DPOP_PROOF',
    check: 'D1 missing',
  },
  {
    title: 'D19: a plain token under DPoP with a proof',
    sends: async ({ mint, prove, read }) => {
      const token = mint({ boundTo: null });
      return await read(APP, { token, proof: prove({ token }) });
    },
    refused: '401 INVALID_TOKEN',
    check: 'D19 scheme',
  },
  {
    title: 'D20: a plain token under Bearer with a proof beside it',
    sends: async ({ mint, prove, read }) => {
      const token = mint({ boundTo: null });
      return await read(APP, { token, scheme: 'Bearer', proof: prove({ token }) });
    },
    refused: '400 INVALID_REQUEST',
    check: 'D20 proof',
  },
  ...(['Basic', 'Token', 'MAC', 'Negotiate', 'DPoPX', 'DPo', 'Bearer2', 'JWT'] as const).map((scheme): Attack => ({
    title: `D19, I20: a bound token under ${scheme}`,
    sends: async ({ read }) => await read(APP, { scheme, proof: null }),
    refused: '401 CREDENTIALS_REQUIRED',
    check: 'B4 nothing sent',
  })),
  {
    title: 'B4: no token at all',
    sends: async ({ read }) => await read(APP, { token: null }),
    refused: '401 CREDENTIALS_REQUIRED',
    check: 'B4 nothing sent',
  },
  {
    title: 'B4: a proof without a token',
    sends: async ({ mint, prove, read }) => await read(APP, { token: null, proof: prove({ token: mint() }) }),
    refused: '401 CREDENTIALS_REQUIRED',
    check: 'B4 nothing sent',
  },
  {
    title: 'D19: a tab between scheme and token',
    sends: async ({ mint, read }) => await read(APP, { token: null, fields: [`Authorization: DPoP\t${mint()}`] }),
    refused: '401 CREDENTIALS_REQUIRED',
    check: 'B4 nothing sent',
  },
];

const BINDINGS: readonly Attack[] = [
  ...(
    [
      ['D18: jkt null', { jkt: null }, 'D18 jkt'],
      ['D18: jkt empty', { jkt: '' }, 'D18 jkt'],
      ['D18: jkt a number', { jkt: 1 }, 'D18 jkt'],
      ['D18: jkt in an array', { jkt: [THUMBPRINT] }, 'D18 jkt'],
      ['D18: jkt with padding', { jkt: `${THUMBPRINT}=` }, 'D18 jkt'],
      ['D18: jkt a character short', { jkt: THUMBPRINT.slice(1) }, 'D18 jkt'],
      ['D18: jkt with trailing bits', { jkt: `${THUMBPRINT.slice(1)}B` }, 'D18 jkt'],
      ['D18: an empty cnf', {}, 'D18 cnf'],
      ['D18: a cnf of a kind that is not known', { kid: 'a' }, 'D18 cnf'],
      ['D18: a cnf with the key itself', { jwk: thief.jwk }, 'D18 cnf'],
      ['M2: a certificate hash of another length', { 'x5t#S256': 'AA' }, 'M2 x5t#S256'],
      ['M1: a certificate, which nobody can show here yet', { 'x5t#S256': THUMBPRINT }, 'M1 certificate'],
    ] as const
  ).map(([title, cnf, check]): Attack => ({
    title,
    sends: async ({ mint, read }) =>
      await read(APP, { token: mint({ claims: { cnf } }), scheme: 'Bearer', proof: null }),
    refused: '401 INVALID_TOKEN',
    check,
  })),
  ...[null, 'a', 1, [], [{ jkt: THUMBPRINT }], true].map((cnf): Attack => ({
    title: `D18: cnf as ${JSON.stringify(cnf)} does not pass for unbound`,
    sends: async ({ mint, read }) =>
      await read(APP, { token: mint({ boundTo: null, claims: { cnf } }), scheme: 'Bearer', proof: null }),
    refused: '401 INVALID_TOKEN',
    check: 'D18 cnf',
  })),
  {
    title: 'M3: both bindings: the proof alone is not enough',
    sends: async ({ keys, mint, read }) =>
      await read(APP, { token: mint({ claims: { cnf: { jkt: keys.caller.jkt, 'x5t#S256': THUMBPRINT } } }) }),
    refused: '401 INVALID_TOKEN',
    check: 'M1 certificate',
  },
  {
    title: 'M1, M10: a certificate in a header is no certificate',
    sends: async ({ mint, read }) =>
      await read(APP, {
        token: mint({ claims: { cnf: { 'x5t#S256': THUMBPRINT } } }),
        scheme: 'Bearer',
        proof: null,
        fields: ['Client-Cert: :TUlJ:', 'X-Client-Cert: MIIB', 'X-Forwarded-Client-Cert: Hash=00'],
      }),
    refused: '401 INVALID_TOKEN',
    check: 'M1 certificate',
  },
];

/** Two ways at once, or a way that is none (RFC 6750 section 2). */
const WAYS: readonly Attack[] = [
  ...(['Authorization', 'authorization', 'AUTHORIZATION'] as const).map((name): Attack => ({
    title: `D21, B2, T10: a second ${name} line`,
    sends: async ({ mint, read }) => await read(APP, { fields: [`${name}: DPoP ${mint()}`] }),
    refused: '400 INVALID_REQUEST',
    check: null,
  })),
  {
    title: 'D21, T10: a second Authorization line before the good one',
    sends: async ({ mint, prove, read }) => {
      const token = mint();
      return await read(APP, {
        token: null,
        fields: ['Authorization: Basic YTpi', `Authorization: DPoP ${token}`, `DPoP: ${prove({ token })}`],
      });
    },
    refused: '400 INVALID_REQUEST',
    check: null,
  },
  {
    title: 'T10: two Proxy-Authorization lines',
    sends: async ({ read }) => await read(APP, { fields: ['Proxy-Authorization: a', 'Proxy-Authorization: b'] }),
    refused: '400 INVALID_REQUEST',
    check: null,
  },
  {
    title: 'B1: a token in the query',
    sends: async ({ mint, read }) => await read(`${APP}?access_token=${mint()}`, { token: null }),
    refused: '400 INVALID_REQUEST',
    check: 'B1 token in query',
  },
  {
    title: 'B2, D21: a token in the query beside the header',
    sends: async ({ mint, read }) => await read(`${APP}?access_token=${mint()}`),
    refused: '400 INVALID_REQUEST',
    check: 'B1 token in query',
  },
  {
    title: 'B1: a token in the body as JSON',
    sends: async ({ mint, read }) =>
      await read('/api/secrets/value', {
        method: 'POST',
        body: JSON.stringify({ uri: 'yaml://kv/app/api#token', access_token: mint() }),
      }),
    refused: '400 INVALID_REQUEST',
    check: 'body members',
  },
  {
    title: 'B1: a token in a form',
    sends: async ({ mint, read }) =>
      await read('/api/secrets/value', {
        method: 'POST',
        fields: ['Content-Type: application/x-www-form-urlencoded'],
        body: `access_token=${mint()}`,
      }),
    refused: '415 UNSUPPORTED_MEDIA_TYPE',
    check: null,
  },
  {
    title: 'B1: a token in a cookie',
    sends: async ({ mint, read }) => await read(APP, { token: null, fields: [`Cookie: access_token=${mint()}`] }),
    refused: '401 CREDENTIALS_REQUIRED',
    check: 'B4 nothing sent',
  },
];

describe('a token in other hands, or under another scheme', () => {
  it.each(DOWNGRADES)('$title', async (attack) => await target.refuses(attack));
});

describe('a token with a strange binding', () => {
  it.each(BINDINGS)('$title', async (attack) => await target.refuses(attack));
});

describe('a token on another way', () => {
  it.each(WAYS)('$title', async (attack) => await target.refuses(attack));
});

describe('what is not stolen', () => {
  it('D19: a bound token with its proof opens, the scheme in any letters', async () => {
    for (const scheme of ['DPoP', 'dpop', 'DPOP']) expect((await gateway.read(APP, { scheme })).status).toBe(200);
  });

  it('I10, N6: a grant is never used under another key, another client, another subject or without a key', async () => {
    const few = valuePath('yaml://kv/few#token');
    const other = makeKey();
    const ids: unknown[] = [];
    const grantOf = async (read: ReturnType<Gateway['read']>): Promise<void> => {
      const answer = await read;
      expect(answer.status).toBe(200);
      ids.push((answer.problem['grant'] as { id: string }).id.split('.', 2).join('.'));
    };
    await grantOf(gateway.read(few));
    const token = gateway.mint({ boundTo: other });
    await grantOf(gateway.read(few, { token, proof: gateway.prove({ token, key: other, path: few }) }));
    await grantOf(gateway.read(few, { token: gateway.mint({ claims: { client_id: 'another' } }) }));
    await grantOf(gateway.read(few, { token: gateway.mint({ claims: { sub: 'svc-another' } }) }));
    await grantOf(gateway.read(few, { token: gateway.mint({ boundTo: null }), scheme: 'Bearer', proof: null }));
    await grantOf(gateway.read(few, { token: gateway.mint({ boundTo: null }), scheme: 'Bearer', proof: null }));
    await grantOf(gateway.read(few.replace('/value/', '/read/')));
    expect(new Set(ids).size).toBe(ids.length);
  });
});

it('N20, B5: none of all this stands in a log, a record or an error', async () => await expectNothingTold(gateway));
