import { createHmac } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { type Attack, expectNothingTold, Target } from '../support/attack.js';
import { APP, type Gateway, type MintOptions } from '../support/gateway.js';
import { base64url, ISSUER, json, makeKey } from '../support/tokens.js';
import { OTHER_ISSUER } from '../support/world.js';

let target: Target;
beforeAll(async () => {
  target = await Target.start();
});
afterAll(async () => await target.close());

type Fault = readonly [
  title: string,
  change: MintOptions | ((gateway: Gateway) => MintOptions | string),
  check: string,
];

/** The time of the test's clock, in whole seconds. */
const now = (): number => Math.floor(target.clock.now() / 1000);
const stranger = makeKey('ES256', 'issuer-1');
const rsa = makeKey('RS256', 'issuer-1');
const edwards = makeKey('EdDSA', 'issuer-1');
const LONG = 'x'.repeat(300);

const HEADERS: readonly Fault[] = [
  ['A1, A10, J10, J11: typ JWT, as an ID token has', { header: { typ: 'JWT' } }, 'A1 typ'],
  ['A1, J11: typ of a proof', { header: { typ: 'dpop+jwt' } }, 'A1 typ'],
  ['A1: typ left out', { header: { typ: undefined } }, 'A1 typ'],
  ['A1: typ null', { header: { typ: null } }, 'A1 typ'],
  ['A1: typ in an array', { header: { typ: ['at+jwt'] } }, 'A1 typ'],
  ['A1: typ with a parameter', { header: { typ: 'at+jwt; v=1' } }, 'A1 typ'],
  ['A2, J2: alg none', { header: { alg: 'none' } }, 'A2 alg'],
  ['A2: alg None, in other letters', { header: { alg: 'None' } }, 'A2 alg'],
  [
    'A2: alg none and no signature',
    ({ mint }) => mint({ header: { alg: 'none' } }).replace(/[^.]*$/, ''),
    'T1 spelling',
  ],
  ['A2, J5: alg HS256', { header: { alg: 'HS256' } }, 'A2 alg'],
  ['A2: alg es256, in other letters', { header: { alg: 'es256' } }, 'A2 alg'],
  ['A2: alg ES384', { header: { alg: 'ES384' } }, 'A2 alg'],
  ['A2: alg RS512', { header: { alg: 'RS512' } }, 'A2 alg'],
  ['A2: alg left out', { header: { alg: undefined } }, 'A2 alg'],
  ['A2: alg in an array', { header: { alg: ['ES256'] } }, 'A2 alg'],
  ['A2: alg with the name of a property of every object', { header: { alg: 'toString' } }, 'A2 alg'],
  ['J1: another algorithm than that of the named key', { key: rsa }, 'J7 kid'],
  ['J1: another curve than that of the named key', { key: edwards }, 'J7 kid'],
  ['J3: a signature by another key', { key: stranger }, 'J3 signature'],
  ['J3: a signature of zeros', { signature: new Uint8Array(64) }, 'J3 signature'],
  ['J3: a signature of one byte', { signature: new Uint8Array(1) }, 'J3 signature'],
  ['J3: a signature in DER', ({ mint }) => mint({ signature: derOf(mint()) }), 'J3 signature'],
  [
    'J5: the public key as the secret of an HMAC, said to be ES256',
    (gateway) => hmacSigned(gateway, 'ES256'),
    'J3 signature',
  ],
  ['J5: the public key as the secret of an HMAC', (gateway) => hmacSigned(gateway, 'HS256'), 'A2 alg'],
  ['J7: a key that stands in the token', { key: stranger, header: { jwk: stranger.jwk } }, 'J3 signature'],
  ['J7: a key of the token and no kid', { key: stranger, header: { jwk: stranger.jwk, kid: undefined } }, 'T23 kid'],
  ['J7: an unknown kid', { header: { kid: 'issuer-2' } }, 'J7 kid'],
  ['J7: the kid of another issuer', { header: { kid: 'other-1' } }, 'J7 kid'],
  ["J7: another issuer's key under its own kid", ({ keys }) => ({ key: keys.other }), 'J7 kid'],
  [
    "J7: another issuer's key under our issuer's kid",
    ({ keys }) => ({ key: keys.other, header: { kid: 'issuer-1' } }),
    'J3 signature',
  ],
  ['J9: a kid that climbs', { header: { kid: '../../../../dev/null' } }, 'J7 kid'],
  ['J9: a kid that is SQL', { header: { kid: "x' UNION SELECT 'k';--" } }, 'J7 kid'],
  ['J9: a kid that is a command', { header: { kid: '|id;$(id)`id`' } }, 'J7 kid'],
  ['J9: a kid that every object has', { header: { kid: '__proto__' } }, 'J7 kid'],
  ['J9: a kid of many characters', { header: { kid: LONG } }, 'T23 kid'],
  ['J9: a jku of a stranger', { key: stranger, header: { jku: 'http://127.0.0.1:1/jwks' } }, 'J3 signature'],
  ['J9: an x5u of a stranger', { key: stranger, header: { x5u: 'http://127.0.0.1:1/x5u' } }, 'J3 signature'],
  ['T22 crit', { header: { crit: ['exp'], exp: 1 } }, 'T22 crit'],
  ['T22: an empty crit', { header: { crit: [] } }, 'T22 crit'],
  ['T22: b64 false', { header: { b64: false } }, 'T22 crit'],
  ['T22: b64 true, named critical', { header: { b64: true, crit: ['b64'] } }, 'T22 crit'],
  ['T23: no kid', { header: { kid: undefined } }, 'T23 kid'],
  ['T23: an empty kid', { header: { kid: '' } }, 'T23 kid'],
  ['T23: kid null', { header: { kid: null } }, 'T23 kid'],
  ['T23: kid a number', { header: { kid: 1 } }, 'T23 kid'],
];

const TEXTS: readonly Fault[] = [
  [
    'T4: alg twice in the header',
    { headerText: '{"typ":"at+jwt","alg":"none","kid":"issuer-1","alg":"ES256"}' },
    'T4 json',
  ],
  [
    'T4: a name twice, once escaped',
    { headerText: '{"typ":"at+jwt","alg":"ES256","kid":"issuer-1","\\u0061lg":"ES256"}' },
    'T4 json',
  ],
  [
    'T4: sub twice in the payload',
    (gateway) => payload(gateway, (text) => text.replace('{', '{"sub":"root",')),
    'T4 json',
  ],
  [
    'T4: __proto__ in the payload',
    (gateway) => payload(gateway, (text) => text.replace('{', '{"__proto__":{"scope":"a"},')),
    'T4 json',
  ],
  ['T4: a header that is an array', { headerText: '["at+jwt"]' }, 'T4 json'],
  ['T4: a payload that is an array', { payloadText: '[]' }, 'T4 json'],
  ['T4: a payload that is no JSON', { payloadText: 'sub=root' }, 'T4 json'],
  ['T4: a payload with words behind', (gateway) => payload(gateway, (text) => `${text} true`), 'T4 json'],
  ['T4: a payload with a comment', (gateway) => payload(gateway, (text) => text.replace('{', '{/**/')), 'T4 json'],
  ['J6: a payload with a byte order mark', (gateway) => payload(gateway, (text) => `\ufeff${text}`), 'T4 json'],
  ['J6: a payload in UTF-16', (gateway) => ({ payloadText: Buffer.from(payloadOf(gateway), 'utf16le') }), 'T4 json'],
  [
    'J6: a payload that is not UTF-8',
    (gateway) => ({
      payloadText: Buffer.concat([
        Buffer.from(payloadOf(gateway).slice(0, -1)),
        Buffer.from(',"a":"'),
        Buffer.from([0xc3, 0x28]),
        Buffer.from('"}'),
      ]),
    }),
    'T4 json',
  ],
  [
    'J6: a lone surrogate in the payload',
    (gateway) => payload(gateway, (text) => text.replace('{', '{"a":"\\ud800",')),
    'T4 json',
  ],
  [
    'T4: a payload nested 1,000 levels',
    (gateway) => payload(gateway, (text) => text.replace('{', `{"a":${'['.repeat(1_000)}${']'.repeat(1_000)},`)),
    'T4 json',
  ],
];

const CLAIMS: readonly Fault[] = [
  ...(['sub', 'client_id', 'jti'] as const).flatMap((name): Fault[] => [
    [`A3: ${name} left out`, { claims: { [name]: undefined } }, `A3 ${name}`],
    ...([null, '', 1, ['x'], {}, true, LONG, 'a\nb', 'a\u0000b', 'a\u2028b', 'a\u001b[31mb', '\u202ea'] as const).map(
      (value): Fault => [`T2: ${name} as ${json({ value }).slice(9, 40)}`, { claims: { [name]: value } }, `A3 ${name}`],
    ),
  ]),
  ['A3: iss left out', { claims: { iss: undefined } }, 'A3 iss'],
  ['T2: iss in an array', { claims: { iss: [ISSUER] } }, 'A3 iss'],
  ['A4: iss of a stranger', { claims: { iss: 'https://evil.example' } }, 'J7 issuer'],
  ['A4: iss with a slash behind', { claims: { iss: `${ISSUER}/` } }, 'J7 issuer'],
  ['A4: iss in other letters', { claims: { iss: ISSUER.toUpperCase() } }, 'J7 issuer'],
  ['A4: iss that every object has', { claims: { iss: '__proto__' } }, 'J7 issuer'],
  ["J7: our key for another issuer's token", { claims: { iss: OTHER_ISSUER } }, 'J7 kid'],
  ['A5, J8: aud left out', { claims: { aud: undefined } }, 'A3 aud'],
  ['A5: aud of another service', { claims: { aud: 'other' } }, 'A5 aud'],
  ['A5: aud that ours begins', { claims: { aud: 'crud.secrets.evil' } }, 'A5 aud'],
  ['A5: aud in other letters', { claims: { aud: 'CRUD.secrets' } }, 'A5 aud'],
  ['A5: aud as one string with ours in it', { claims: { aud: 'other crud.secrets' } }, 'A5 aud'],
  ['A5: an empty list of aud', { claims: { aud: [] } }, 'A5 aud'],
  ['T2: aud null', { claims: { aud: null } }, 'A3 aud'],
  ['T2: aud with a number in its list', { claims: { aud: ['crud.secrets', 1] } }, 'A3 aud'],
  ['A6: expired by the leeway', () => ({ claims: { iat: now() - 300, exp: now() - 5 } }), 'A6 exp'],
  ['A6: exp left out', { claims: { exp: undefined } }, 'A3 exp'],
  ['T3: exp 1e400', (gateway) => payload(gateway, (text) => text.replace(/"exp":\d+/, '"exp":1e400')), 'T4 json'],
  [
    'T3: exp beyond what a number holds',
    (gateway) => payload(gateway, (text) => text.replace(/"exp":\d+/, '"exp":9007199254740993')),
    'T4 json',
  ],
  ['T3: exp as text', () => ({ claims: { exp: String(now() + 300) } }), 'A3 exp'],
  ['T3: exp with a fraction', () => ({ claims: { exp: now() + 300.5 } }), 'A3 exp'],
  ['T3: exp null', { claims: { exp: null } }, 'A3 exp'],
  ['T3: a negative exp', { claims: { exp: -1 } }, 'A3 exp'],
  ['T3: a life of an hour and a second', () => ({ claims: { exp: now() + 3_601 } }), 'T3 lifetime'],
  ['T3: a life until the year 9999', { claims: { exp: 253_402_300_799 } }, 'T3 lifetime'],
  ['T3: exp before iat', () => ({ claims: { iat: now(), exp: now() - 1 } }), 'T3 lifetime'],
  ['T3: iat an hour ahead', () => ({ claims: { iat: now() + 3_600, exp: now() + 3_900 } }), 'T3 iat'],
  ['T3: iat left out', { claims: { iat: undefined } }, 'A3 iat'],
  ['T3: iat as text', { claims: { iat: '1' } }, 'A3 iat'],
  ['T3: nbf ahead', () => ({ claims: { nbf: now() + 60 } }), 'A6 nbf'],
  ['T3: nbf as text', { claims: { nbf: '0' } }, 'A6 nbf'],
  ['A7: acr in an array', { claims: { acr: ['high'] } }, 'A7 acr'],
  ['A7: amr as text', { claims: { amr: 'mfa' } }, 'A7 amr'],
  ['A7: auth_time as text', { claims: { auth_time: '1' } }, 'A7 auth_time'],
  ['A8: scope as an array', { claims: { scope: ['secrets.read'] } }, 'A8 scope'],
  ['A8: scope with two spaces', { claims: { scope: 'a  b' } }, 'A8 scope'],
  ['A8: groups as text', { claims: { groups: 'payments' } }, 'A8 groups'],
  ['A8: groups with an object', { claims: { groups: [{ __entity: { type: 'Group', id: 'on-call' } }] } }, 'A8 groups'],
  ['A3: a subject type that there is not', { claims: { sub_type: 'admin' } }, 'A3 subject type'],
  ['A3: a tenant that is an object', { claims: { tenant: {} } }, 'A3 tenant'],
  ['A3: an actor without a name', { claims: { act: {} } }, 'A3 act'],
];

function attacks(faults: readonly Fault[]): Attack[] {
  return faults.map(([title, change, check]) => ({
    title,
    sends: async (gateway) => {
      const changed = typeof change === 'function' ? change(gateway) : change;
      return await gateway.read(APP, { token: typeof changed === 'string' ? changed : gateway.mint(changed) });
    },
    refused: '401 INVALID_TOKEN',
    check,
  }));
}

describe('a token that nobody trusted made', () => {
  it.each(attacks(HEADERS))('$title', async (attack) => await target.refuses(attack));
});

describe('a token whose text two readers read differently', () => {
  it.each(attacks(TEXTS))('$title', async (attack) => await target.refuses(attack));
});

describe('a token that says what it must not say', () => {
  it.each(attacks(CLAIMS))('$title', async (attack) => await target.refuses(attack));
});

describe('what a token may decide', () => {
  it('J9: never opens a connection: a jku of a stranger that would answer is not asked', async () => {
    const { gateway } = target;
    const token = gateway.mint({ header: { jku: `${gateway.origin}/jwks`, x5c: ['MIIB'], jwk: stranger.jwk } });
    expect((await gateway.read(APP, { token })).status).toBe(200);
  });

  it('A6, T3: an exp and an iat within the leeway are taken', async () => {
    const { gateway } = target;
    const iat = now();
    for (const claims of [{ iat: iat - 300, exp: iat - 4 }, { iat: iat + 5, exp: iat + 300 }, { exp: iat + 3_600 }]) {
      expect((await gateway.read(APP, { token: gateway.mint({ claims }) })).status).toBe(200);
    }
  });

  it('N20, N18: none of all this stands in a log, a record or an error', async () => {
    await expectNothingTold(target.gateway, [LONG, 'UNION SELECT', 'a\\nb', '\\u001b', '\\u202e']);
  });
});

function payloadOf({ mint }: Gateway): string {
  return Buffer.from(mint().split('.')[1]!, 'base64url').toString();
}

function payload(gateway: Gateway, change: (text: string) => string): MintOptions {
  return { payloadText: change(payloadOf(gateway)) };
}

function hmacSigned({ keys, mint }: Gateway, alg: string): string {
  const [, claims = ''] = mint().split('.');
  const signed = `${base64url(json({ typ: 'at+jwt', alg, kid: keys.issuer.kid }))}.${claims}`;
  const secret = keys.issuer.publicKey.export({ type: 'spki', format: 'pem' });
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** The signature of another token as DER, which no JWS has; its value does not matter. */
function derOf(jws: string): Uint8Array {
  const raw = Buffer.from(jws.split('.')[2]!, 'base64url');
  const integer = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([2, bytes.length + 1, 0]), bytes]);
  const body = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}
