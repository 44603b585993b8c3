import { createHash } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { type Attack, type Expected, expectNothingTold, Target } from '../support/attack.js';
import { APP, type Gateway, type ProveOptions, valuePath } from '../support/gateway.js';
import { base64url, json, makeKey } from '../support/tokens.js';

let target: Target;
beforeAll(async () => {
  target = await Target.start();
});
afterAll(async () => await target.close());

type Changes = Omit<ProveOptions, 'token'>;
type Fault = readonly [
  title: string,
  change: Changes | ((gateway: Gateway, token: string) => Changes | string),
  check: string,
];

const rsa = makeKey('RS256');
const stranger = makeKey();
const edwards = makeKey('Ed25519');
/** The time of the test's clock, in whole seconds. */
const now = (): number => Math.floor(target.clock.now() / 1000);

const HEADERS: readonly Fault[] = [
  ['D4: typ JWT', { header: { typ: 'JWT' } }, 'D4 typ'],
  ['D4, J11: typ at+jwt, as a token has', { header: { typ: 'at+jwt' } }, 'D4 typ'],
  ['D4: typ in other letters', { header: { typ: 'DPoP+JWT' } }, 'D4 typ'],
  ['D4: typ application/dpop+jwt', { header: { typ: 'application/dpop+jwt' } }, 'D4 typ'],
  ['D3: typ left out', { header: { typ: undefined } }, 'D4 typ'],
  ['D3: typ null', { header: { typ: null } }, 'D4 typ'],
  ['D3: typ in an array', { header: { typ: ['dpop+jwt'] } }, 'D4 typ'],
  ['D5: alg none', { header: { alg: 'none' } }, 'D5 alg'],
  ['D5: alg HS256', { header: { alg: 'HS256' } }, 'D5 alg'],
  ['D5: alg RS256 with an RSA key', { key: rsa }, 'D5 alg'],
  ['D5: alg PS256', { header: { alg: 'PS256' } }, 'D5 alg'],
  ['D5: alg ES384', { header: { alg: 'ES384' } }, 'D5 alg'],
  ['D5: alg es256, in other letters', { header: { alg: 'es256' } }, 'D5 alg'],
  ['D5: alg left out', { header: { alg: undefined } }, 'D5 alg'],
  ['D5: alg in an array', { header: { alg: ['ES256'] } }, 'D5 alg'],
  ['D5: alg with the name of a property of every object', { header: { alg: 'constructor' } }, 'D5 alg'],
  ['D3: jwk left out', { header: { jwk: undefined } }, 'D3 jwk'],
  ['D3: jwk null', { header: { jwk: null } }, 'D3 jwk'],
  ['D3: jwk in an array', ({ keys }) => ({ header: { jwk: [keys.caller.jwk] } }), 'D3 jwk'],
  ['D3: jwk as text', ({ keys }) => ({ header: { jwk: json(keys.caller.jwk) } }), 'D3 jwk'],
  ...['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].flatMap((name): Fault[] => [
    [
      `D7, T8: a private member ${name}`,
      ({ keys }) => ({ header: { jwk: { ...keys.caller.jwk, [name]: 'AQAB' } } }),
      'D7 private',
    ],
    [
      `D7, T8: an empty private member ${name}`,
      ({ keys }) => ({ header: { jwk: { ...keys.caller.jwk, [name]: '' } } }),
      'D7 private',
    ],
  ]),
  ['D7: a key for encryption', withJwk({ use: 'enc' }), 'D7 use'],
  ['D7: a key that only signs', withJwk({ key_ops: ['sign'] }), 'D7 key_ops'],
  ['D7, T5: a key that encrypts', withJwk({ key_ops: ['encrypt'] }), 'D7 key_ops'],
  ['D7: key_ops as text', withJwk({ key_ops: 'verify' }), 'D7 key_ops'],
  ['D7: a key for another algorithm', withJwk({ alg: 'RS256' }), 'D7 alg'],
  ['D6, T5: another curve', withJwk({ crv: 'P-384' }), 'D6 kty'],
  ['D6, T5: a curve that there is not', withJwk({ crv: 'secp256k1' }), 'D6 kty'],
  ['D6, T5: another key type', withJwk({ kty: 'RSA', n: 'AQAB', e: 'AQAB' }), 'D6 kty'],
  ['D6, T6: an RSA key with the exponent 1 under ES256', withJwk({ kty: 'RSA', n: 'AQAB', e: 'AQ' }), 'D6 kty'],
  ['D6: a symmetric key', withJwk({ kty: 'oct' }), 'D6 kty'],
  ['D6: an Edwards key under ES256', { header: { jwk: edwards.jwk } }, 'D6 kty'],
  ['D6: kty left out', withJwk({ kty: undefined }), 'D6 kty'],
  [
    'T9: x with padding',
    ({ keys }) => ({ header: { jwk: { ...keys.caller.jwk, x: `${keys.caller.jwk['x']}=` } } }),
    'T9 coordinate',
  ],
  [
    'T9: x with a zero byte before',
    ({ keys }) => ({
      header: {
        jwk: {
          ...keys.caller.jwk,
          x: base64url(Buffer.concat([Buffer.alloc(1), Buffer.from(keys.caller.jwk['x']!, 'base64url')])),
        },
      },
    }),
    'T9 coordinate',
  ],
  ['T9: x a byte short', withJwk({ x: base64url(new Uint8Array(31)) }), 'T9 coordinate'],
  ['T9: x a number', withJwk({ x: 1 }), 'T9 coordinate'],
  ['T9: y left out', withJwk({ y: undefined }), 'T9 coordinate'],
  ['D6: a signature of 63 bytes', { signature: new Uint8Array(63) }, 'D6 signature'],
  ['D6: a signature of 96 bytes', { signature: new Uint8Array(96) }, 'D6 signature'],
  ['D6: a signature of zeros', { signature: new Uint8Array(64) }, 'D6 signature'],
  ['D6: a signature of ones', { signature: new Uint8Array(64).fill(255) }, 'D6 signature'],
  [
    'D6: a signature over something else',
    (gateway, token) => ({ signature: Buffer.from(gateway.prove({ token }).split('.')[2]!, 'base64url') }),
    'D6 signature',
  ],
  [
    'D6: a key that is not the one that signed',
    ({ keys }) => ({ key: stranger, header: { jwk: keys.caller.jwk } }),
    'D6 signature',
  ],
  ['D8 crit', { header: { crit: ['x'], x: 1 } }, 'D8 crit'],
  ['D8: an empty crit', { header: { crit: [] } }, 'D8 crit'],
  ['D8, T22: b64 false', { header: { b64: false } }, 'D8 crit'],
  [
    'T4: alg twice',
    ({ keys }) => ({ headerText: `{"alg":"none","typ":"dpop+jwt","alg":"ES256","jwk":${json(keys.caller.jwk)}}` }),
    'D3 header',
  ],
  [
    'T4: jwk twice',
    ({ keys }) => ({
      headerText: `{"typ":"dpop+jwt","alg":"ES256","jwk":${json(stranger.jwk)},"jwk":${json(keys.caller.jwk)}}`,
    }),
    'D3 header',
  ],
  [
    'T4: x twice in the jwk',
    ({ keys }) => ({
      headerText: `{"typ":"dpop+jwt","alg":"ES256","jwk":${json(keys.caller.jwk).replace('{', '{"x":"",')}}`,
    }),
    'D3 header',
  ],
  ['D3: a header that is an array', { headerText: '[]' }, 'D3 header'],
  [
    'D3: a header with a byte order mark',
    ({ keys }) => ({ headerText: `\ufeff{"typ":"dpop+jwt","alg":"ES256","jwk":${json(keys.caller.jwk)}}` }),
    'D3 header',
  ],
  ['D3: a payload that is no JSON', { payloadText: 'htm=GET' }, 'D3 claims'],
  ['D3: a payload nested 1,000 levels', { payloadText: `{"a":${'['.repeat(1_000)}${']'.repeat(1_000)}}` }, 'D3 claims'],
];

const WRONG: readonly unknown[] = [null, 1, ['x'], {}, true];
const CLAIMS: readonly Fault[] = [
  ...(['jti', 'htm', 'htu', 'ath'] as const).flatMap((name): Fault[] =>
    [undefined, ...WRONG].map((value) => [
      `D3: ${name} ${value === undefined ? 'left out' : `as ${json({ value }).slice(9, -1)}`}`,
      { claims: { [name]: value } },
      `${name === 'jti' ? 'D15' : 'D3'} ${name}`,
    ]),
  ),
  ...[undefined, null, '1', [1], {}, true].map((value): Fault => [
    `D3: iat ${value === undefined ? 'left out' : `as ${json({ value }).slice(9, -1)}`}`,
    { claims: { iat: value } },
    'D3 iat',
  ]),
  [
    'T3: iat 1e400',
    (gateway, token) => ({ payloadText: claimsOf(gateway, token).replace(/"iat":\d+/, '"iat":1e400') }),
    'D3 claims',
  ],
  [
    'T4: htm twice',
    (gateway, token) => ({ payloadText: claimsOf(gateway, token).replace('{', '{"htm":"POST",') }),
    'D3 claims',
  ],
  ['D15: an empty jti', { claims: { jti: '' } }, 'D15 jti'],
  ['D15: a jti of 129 characters', { claims: { jti: 'j'.repeat(129) } }, 'D15 jti'],
  ['D9: htm of another method', { method: 'POST' }, 'D9 htm'],
  ['D9: htm in other letters', { method: 'get' }, 'D9 htm'],
  ['D9: htm HEAD', { method: 'HEAD' }, 'D9 htm'],
  ['D9: htm with a space behind', { method: 'GET ' }, 'D9 htm'],
  ['D9: an empty htm', { method: '' }, 'D9 htm'],
  ['D10: htu of another path', { path: valuePath('yaml://kv/app/db#password') }, 'D10 htu'],
  ['D10: htu of another route', { path: APP.replace('/value/', '/read/') }, 'D10 htu'],
  ['D10: htu with a slash behind', { path: `${APP}/` }, 'D10 htu'],
  ['D10: htu without the last segment', { path: '/api/secrets/value' }, 'D10 htu'],
  [
    'D10: htu whose %2F is a slash',
    ({ origin }) => ({ htu: `${origin}/api/secrets/value/yaml%3A//kv/app/api%23token` }),
    'D10 htu',
  ],
  ['D10: htu in other letters', ({ origin }) => ({ htu: `${origin}${APP.replace('/api', '/API')}` }), 'D10 htu'],
  ['D10: htu with dot segments', ({ origin }) => ({ htu: `${origin}/x/..${APP}` }), 'D10 htu'],
  ['D10: htu with escaped dot segments', ({ origin }) => ({ htu: `${origin}/x/%2e%2e${APP}` }), 'D10 htu'],
  ['D10: htu with two slashes', ({ origin }) => ({ htu: `${origin}/${APP}` }), 'D10 htu'],
  ['D10: htu of the path alone', { htu: APP }, 'T13 htu'],
  ['D10: htu without a scheme', ({ host }) => ({ htu: `//${host}${APP}` }), 'T13 htu'],
  ['D10: htu of another scheme', ({ host }) => ({ htu: `https://${host}${APP}` }), 'D10 htu'],
  ['D10: htu of ftp', ({ host }) => ({ htu: `ftp://${host}${APP}` }), 'T13 htu'],
  ['D11: htu of another host', { htu: `https://evil.example${APP}` }, 'D10 htu'],
  ['D11: htu of another port', { htu: `http://127.0.0.1:1${APP}` }, 'D10 htu'],
  ['D11: htu of a host that ours begins', ({ origin }) => ({ htu: `${origin}.evil.example${APP}` }), 'T13 htu'],
  ['D10: htu with userinfo', ({ host }) => ({ htu: `http://a@${host}${APP}` }), 'T13 htu'],
  ['D10: htu with our host as userinfo', ({ host }) => ({ htu: `http://${host}@evil.example${APP}` }), 'T13 htu'],
  ['T13: htu with a tab', ({ origin }) => ({ htu: `${origin}/a\tpi${APP.slice(4)}` }), 'T13 htu'],
  ['T13: htu with a line break', ({ origin }) => ({ htu: `${origin}\n${APP}` }), 'T13 htu'],
  ['T13: htu with spaces around', ({ origin }) => ({ htu: ` ${origin}${APP} ` }), 'T13 htu'],
  ['T13: htu with backslashes', ({ origin }) => ({ htu: `${origin}${APP.replaceAll('/', '\\')}` }), 'T13 htu'],
  ['T13: htu in an array', ({ origin }) => ({ claims: { htu: [`${origin}${APP}`] } }), 'D3 htu'],
  ['T13: htu beyond ASCII', ({ origin }) => ({ htu: `${origin}/\u00e4${APP}` }), 'T13 htu'],
  ['T13: an empty htu', { htu: '' }, 'T13 htu'],
  ['D12: iat 61 s ago', () => ({ claims: { iat: now() - 61 } }), 'D12 iat'],
  ['D12: iat 12 s ahead', () => ({ claims: { iat: now() + 12 } }), 'D12 iat'],
  ['D12: iat 0', { claims: { iat: 0 } }, 'D12 iat'],
  ['D12: a negative iat', { claims: { iat: -1 } }, 'D12 iat'],
  ['D12: iat in milliseconds', () => ({ claims: { iat: target.clock.now() } }), 'D12 iat'],
  [
    'D17: ath of another token',
    ({ mint }) => ({ claims: { ath: createHash('sha256').update(mint()).digest('base64url') } }),
    'D17 ath',
  ],
  ['D17: an empty ath', { claims: { ath: '' } }, 'D17 ath'],
  ['D17: ath with padding', (gateway, token) => ({ claims: { ath: `${athOf(gateway, token)}=` } }), 'D17 ath'],
  [
    'D17: ath in hex',
    (gateway, token) => ({ claims: { ath: Buffer.from(athOf(gateway, token), 'base64url').toString('hex') } }),
    'D17 ath',
  ],
  ['D23: an exp that is over', () => ({ claims: { exp: now() - 1 } }), 'D23 exp'],
  ['D23: an nbf ahead', () => ({ claims: { nbf: now() + 60 } }), 'D23 nbf'],
  ['D23: exp as text', { claims: { exp: '9999999999' } }, 'D23 exp'],
];

function attacks(faults: readonly Fault[], refused: Expected = '401 INVALID_DPOP_PROOF'): Attack[] {
  return faults.map(([title, change, check]) => ({
    title,
    sends: async (gateway) => {
      const token = gateway.mint();
      const changed = typeof change === 'function' ? change(gateway, token) : change;
      return await gateway.read(APP, {
        token,
        proof: typeof changed === 'string' ? changed : gateway.prove({ token, ...changed }),
      });
    },
    refused,
    check,
  }));
}

describe('a proof whose shape or key is wrong', () => {
  it.each(attacks(HEADERS))('$title', async (attack) => await target.refuses(attack));
});

describe('a proof that is about something else', () => {
  it.each(attacks(CLAIMS))('$title', async (attack) => await target.refuses(attack));
});

describe('J4: a key that proves nothing', () => {
  const P256_OFF_CURVE = {
    kty: 'EC',
    crv: 'P-256',
    x: base64url(new Uint8Array(32).fill(1)),
    y: base64url(new Uint8Array(32).fill(2)),
  };
  const LOW_ORDER: readonly (readonly [string, number, number])[] = [
    ['of order 1 (the identity)', 1, 0],
    ['of order 4', 0, 0],
    ['of order 4, the other sign', 0, 0x80],
    ['that is the identity in a second spelling', 1, 0x80],
  ];

  it('T5, D6: a token may be bound to a point off the curve: its proof is still a bad proof, never a 5xx', async () => {
    const jkt = thumbprintOf(P256_OFF_CURVE);
    await target.refuses({
      title: '',
      sends: async (gateway) => {
        const token = gateway.mint({ claims: { cnf: { jkt } } });
        return await gateway.read(APP, { token, proof: gateway.prove({ token, header: { jwk: P256_OFF_CURVE } }) });
      },
      refused: '401 INVALID_DPOP_PROOF',
      check: 'T5 jwk',
    });
  });

  it.each(LOW_ORDER)(
    'T7: an Ed25519 key %s, with the signature that verifies everything',
    async (_title, first, last) => {
      const x = new Uint8Array(32);
      x[0] = first;
      x[31] = last;
      const jwk = { kty: 'OKP', crv: 'Ed25519', x: base64url(x) };
      const signature = new Uint8Array(64);
      signature[0] = 1;
      await target.refuses({
        title: '',
        sends: async (gateway) => {
          const token = gateway.mint({ claims: { cnf: { jkt: thumbprintOf(jwk) } } });
          return await gateway.read(APP, {
            token,
            proof: gateway.prove({ token, header: { alg: 'Ed25519', jwk }, signature }),
          });
        },
        refused: '401 INVALID_DPOP_PROOF',
        check: 'T7 low order',
      });
    },
  );
});

describe('how many proofs', () => {
  const two = (name: string): Attack => ({
    title: `D1, T10: a second ${name} line`,
    sends: async (gateway) => {
      const token = gateway.mint();
      return await gateway.read(APP, { token, fields: [`${name}: ${gateway.prove({ token })}`] });
    },
    refused: '401 INVALID_DPOP_PROOF',
    check: 'D1 repeated',
  });
  it.each<Attack>([
    two('DPoP'),
    two('dpop'),
    {
      title: 'D1: no proof',
      sends: async (gateway) => await gateway.read(APP, { proof: null }),
      refused: '401 INVALID_DPOP_PROOF',
      check: 'D1 missing',
    },
    {
      title: 'D1, T10: the same line twice',
      sends: async (gateway) => {
        const token = gateway.mint();
        const proof = gateway.prove({ token });
        return await gateway.read(APP, { token, proof, fields: [`DPoP: ${proof}`] });
      },
      refused: '401 INVALID_DPOP_PROOF',
      check: 'D1 repeated',
    },
    {
      title: 'D1, T10: an empty line behind a good one',
      sends: async (gateway) => await gateway.read(APP, { fields: ['DPoP:'] }),
      refused: '401 INVALID_DPOP_PROOF',
      check: 'D1 repeated',
    },
    {
      title: 'D1: the proof in a cookie is no proof',
      sends: async (gateway) => {
        const token = gateway.mint();
        return await gateway.read(APP, { token, proof: null, fields: [`Cookie: DPoP=${gateway.prove({ token })}`] });
      },
      refused: '401 INVALID_DPOP_PROOF',
      check: 'D1 missing',
    },
    {
      title: 'J11: a token as its own proof',
      sends: async (gateway) => {
        const token = gateway.mint();
        return await gateway.read(APP, { token, proof: token });
      },
      refused: '401 INVALID_DPOP_PROOF',
      check: 'D4 typ',
    },
    {
      title: 'J11: a proof as its own token',
      sends: async (gateway) => {
        const proof = gateway.prove({ token: gateway.mint() });
        return await gateway.read(APP, { token: proof, proof });
      },
      refused: '401 INVALID_TOKEN',
      check: 'A1 typ',
    },
  ])('$title', async (attack) => await target.refuses(attack));
});

describe('what a good proof may look like', () => {
  const GOOD: readonly (readonly [string, (gateway: Gateway) => Changes])[] = [
    ['D12: iat 59 s ago', () => ({ claims: { iat: now() - 59 } })],
    ['D12: iat 10 s ahead', () => ({ claims: { iat: now() + 10 } })],
    ['D10: a query and a fragment in htu', ({ origin }) => ({ htu: `${origin}${APP}?a=b#c` })],
    [
      'D10: scheme and host in other letters',
      ({ origin }) => ({ htu: `${origin.toUpperCase().replace('HTTP', 'Http')}${APP}` }),
    ],
    [
      'D10: escapes in small letters',
      ({ origin }) => ({ htu: `${origin}${APP.replaceAll(/%../g, (hex) => hex.toLowerCase())}` }),
    ],
    ['D10: an escaped letter', ({ origin }) => ({ htu: `${origin}/%61pi${APP.slice(4)}` })],
    ['D23: claims and parameters that nobody knows', () => ({ claims: { foo: 'bar' }, header: { foo: 'bar' } })],
    [
      'D8: jku and x5u, which are not read',
      () => ({ header: { jku: 'http://127.0.0.1:1/', x5u: 'http://127.0.0.1:1/' } }),
    ],
  ];
  it.each(GOOD)('%s', async (_title, changes) => {
    const { gateway } = target;
    const token = gateway.mint();
    expect((await gateway.read(APP, { token, proof: gateway.prove({ token, ...changes(gateway) }) })).status).toBe(200);
  });

  it('D5: an Ed25519 key', async () => {
    const { gateway } = target;
    const token = gateway.mint({ boundTo: edwards });
    expect((await gateway.read(APP, { token, proof: gateway.prove({ token, key: edwards }) })).status).toBe(200);
  });
});

it('N20: none of all this stands in a log, a record or an error', async () => await expectNothingTold(target.gateway));

function withJwk(members: Record<string, unknown>): (gateway: Gateway) => Changes {
  return ({ keys }) => ({ header: { jwk: { ...keys.caller.jwk, ...members } } });
}

function claimsOf(gateway: Gateway, token: string): string {
  return Buffer.from(gateway.prove({ token }).split('.')[1]!, 'base64url').toString();
}

function athOf(gateway: Gateway, token: string): string {
  return (JSON.parse(claimsOf(gateway, token)) as { ath: string }).ath;
}

/** RFC 7638: the required members in the order of their names. */
function thumbprintOf({ crv, kty, x, y }: Record<string, string>): string {
  const members = y === undefined ? { crv, kty, x } : { crv, kty, x, y };
  return createHash('sha256').update(json(members)).digest('base64url');
}
