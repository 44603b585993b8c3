import { createHash } from 'node:crypto';

import { base64url, mintJws, respell, withTrailingBits, type Changes } from '../support/tokens.js';
import type { Dice } from './dice.js';
import { proofFor, tokenFor, type Aim } from './world.js';

/** Credentials that must not open: each lacks, twists or adds something that the gateway has to notice. */
export interface Credentials {
  readonly fields: readonly string[];
}

const SEGMENTS = [0, 1, 2] as const;

/** Values of every type and of none. */
const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e300,
  '',
  'a',
  '*',
  [],
  {},
  ['a'],
  [null],
  { a: 1 },
  '__proto__',
  '\u0000',
  '\u202e',
  '\ud800',
  'x'.repeat(300),
  2 ** 53,
];

const CLAIMS = [
  'iss',
  'aud',
  'sub',
  'client_id',
  'jti',
  'iat',
  'exp',
  'nbf',
  'scope',
  'cnf',
  'tenant',
  'groups',
  'act',
];

const TOKEN_HEADERS: readonly Changes[] = [
  { alg: 'none' },
  { alg: 'None' },
  { alg: 'HS256' },
  { alg: 'es256' },
  { alg: 'RS256' },
  { alg: '' },
  { alg: ['ES256'] },
  { alg: undefined },
  { typ: 'JWT' },
  { typ: 'dpop+jwt' },
  { typ: undefined },
  { typ: ['at+jwt'] },
  { kid: undefined },
  { kid: '' },
  { kid: '../../../../dev/null' },
  { kid: "' OR 1=1 --" },
  { kid: '__proto__' },
  { kid: ['issuer-1'] },
  { kid: 'x'.repeat(4_000) },
  { kid: 'issuer-2', jku: 'http://127.0.0.1:1/jwks', x5u: 'http://127.0.0.1:1/x5u' },
  { crit: ['exp'] },
  { crit: [] },
  { b64: false },
  { b64: true, crit: ['b64'] },
  { zip: 'DEF', enc: 'A256GCM', kid: undefined },
];

/** Raw JSON that readers read differently. */
const TEXTS: readonly ((json: string) => string)[] = [
  (json) => json.replace('{', '{"iss":"http://127.0.0.1:1",'),
  (json) => json.replace('{', '{"__proto__":{"admin":true},'),
  (json) => `\ufeff${json}`,
  (json) => `${json} x`,
  (json) => `[${json}]`,
  (json) => json.replace(/"exp":[0-9]+/u, '"exp":1e400'),
  (json) => json.replace(/"exp":[0-9]+/u, '"exp":99999999999'),
  (json) => json.replaceAll('"', "'"),
  (json) => json.replace('{', '{/* */'),
  (json) => json.replace('{', '{"a":NaN,'),
  (json) => json.replace('{', '{"a":"\\ud800",'),
  (json) => json.replace(/\}$/u, ',}'),
  (json) => json.slice(0, -1),
  () => '[]',
  () => 'null',
  () => '',
  () => '['.repeat(2_000),
];

/** A token of whom no request may be served; its claims, its header, its spelling, its signer, its time or its binding is wrong. */
export function badToken(aim: Aim, dice: Dice): string {
  const { other, thief } = aim.keys;
  switch (dice.below(14)) {
    case 0:
      return dice.flipped(tokenFor(aim));
    case 1:
      return spoiled(tokenFor(aim), dice);
    case 2:
      return tokenFor(aim, { header: { ...dice.of(TOKEN_HEADERS), jwk: thief.jwk }, key: thief });
    case 3:
      return signedWith(aim, dice.of(TOKEN_HEADERS));
    case 4:
      return tokenFor(aim, { key: thief });
    case 5:
      return tokenFor(aim, { key: other });
    case 6:
      return tokenFor(aim, {
        claims: { [dice.of(['iss', 'aud', 'sub', 'jti', 'exp', 'iat', 'client_id'])]: wrong(dice) },
      });
    case 7:
      return withText(aim, dice.of(TEXTS));
    case 8:
      return tokenFor(aim, { nowMs: Date.now() - dice.of([400_000, 4_000_000, 40_000_000]) });
    case 9:
      return tokenFor(aim, { nowMs: Date.now() + dice.of([60_000, 4_000_000, 4e12]) });
    case 10:
      return respell(tokenFor(aim), dice.of(SEGMENTS), (text) => dice.of(RESPELLINGS)(text));
    case 11:
      return respell(tokenFor(aim), 2, withTrailingBits);
    case 12:
      return dice.of([encrypted(dice), general(tokenFor(aim)), `${tokenFor(aim)},${tokenFor(aim)}`, dice.text(200)]);
    default:
      return tokenFor(aim, { claims: { cnf: dice.of(BAD_CONFIRMATIONS) } });
  }
}

/** Another text, also to a parser that trims what it is given. */
function spoiled(good: string, dice: Dice): string {
  const bad = dice.spoiled(good);
  return bad.replaceAll(/^[ \t\r\n]+|[ \t\r\n]+$/gu, '') === good ? `${good}.` : bad;
}

/** None of these is what a required claim may be. */
function wrong(dice: Dice): unknown {
  return dice.of([undefined, null, true, -1, 1.5, '', [], {}, ['x', 1], '\u0000', 'x'.repeat(5_000)]);
}

const RESPELLINGS: readonly ((text: string) => string)[] = [
  (text) => `${text}=`,
  (text) => `${text}==`,
  (text) => `${text.slice(0, 3)} ${text.slice(3)}`,
  (text) => `${text.slice(0, 3)}\t${text.slice(3)}`,
  (text) => `${text.slice(0, 3)}+${text.slice(3)}`,
  (text) => `${text.slice(0, 3)}%41${text.slice(3)}`,
  () => '',
  (text) => text + text,
];

const BAD_CONFIRMATIONS: readonly unknown[] = [
  null,
  [],
  'a',
  {},
  { jkt: '' },
  { jkt: ['a'] },
  { jkt: 'a'.repeat(43) },
  { jkt: null },
  { jwk: { kty: 'EC' } },
  { 'x5t#S256': 'a'.repeat(43) },
  { jku: 'http://127.0.0.1:1/' },
  { kid: 'a' },
];

/** Signed by the issuer itself, whatever its header says: only the header can be what is refused. */
function signedWith(aim: Aim, header: Changes): string {
  return tokenFor(aim, { header });
}

function withText(aim: Aim, change: (json: string) => string): string {
  const [, payload = ''] = tokenFor(aim).split('.');
  return tokenFor(aim, { payloadText: change(Buffer.from(payload, 'base64url').toString()) });
}

function encrypted(dice: Dice): string {
  const header = base64url(
    JSON.stringify({ alg: dice.of(['dir', 'PBES2-HS256+A128KW', 'RSA-OAEP']), enc: 'A256GCM', p2c: 2 ** 31 }),
  );
  return [header, ...Array.from({ length: 4 }, () => base64url(dice.text(80)))].join('.');
}

function general(jws: string): string {
  const [header, payload, signature] = jws.split('.');
  return JSON.stringify({ payload, signatures: [{ protected: header, signature }] });
}

const PROOF_HEADERS: readonly Changes[] = [
  { typ: 'JWT' },
  { typ: 'at+jwt' },
  { typ: undefined },
  { alg: 'none' },
  { alg: 'HS256' },
  { alg: 'es256' },
  { alg: 'RS256' },
  { alg: 'EdDSA' },
  { alg: null },
  { crit: ['jwk'] },
  { b64: false },
  { jwk: undefined },
  { jwk: null },
  { jwk: [] },
  { jwk: {} },
  { jwk: { kty: 'RSA', n: 'AQAB', e: 'AQ' } },
  { jwk: { kty: 'oct', k: 'AAAA' } },
  { jwk: { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) } },
  { jwk: { kty: 'EC', crv: 'P-256', x: 'x'.repeat(3_000), y: '' } },
  { jwk: { kty: 'EC', crv: 'P-521', x: 'A', y: 'A' } },
  { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) } },
  { jwk: { kty: 'OKP', crv: 'X25519', x: 'A'.repeat(43) } },
  { kid: 'issuer-1', jwk: undefined, jku: 'http://127.0.0.1:1/', x5u: 'http://127.0.0.1:1/', x5c: ['MIIB'] },
];

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** A proof that fits this token, method and path in all but one thing. */
export function badProof(aim: Aim, dice: Dice, about: { token: string; path: string; method: string }): string {
  const { caller, thief } = aim.keys;
  const good = (): string => proofFor(aim, about);
  switch (dice.below(14)) {
    case 0:
      return dice.flipped(good());
    case 1:
      return spoiled(good(), dice);
    case 2:
      return proofFor(aim, { ...about, header: dice.of(PROOF_HEADERS) });
    case 3:
      return proofFor(aim, { ...about, key: thief });
    case 4:
      return proofFor(aim, { ...about, key: thief, header: { jwk: caller.jwk } });
    case 5:
      return proofFor(aim, {
        ...about,
        header: { jwk: { ...caller.jwk, [dice.of(PRIVATE_MEMBERS)]: dice.of(['', 'AA', null]) } },
      });
    case 6:
      return proofFor(aim, {
        ...about,
        claims: { htm: dice.of([`${about.method} `, about.method.toLowerCase(), 'PATCH', '', null, [about.method]]) },
      });
    case 7:
      return proofFor(aim, { ...about, claims: { htu: htu(aim, dice, about.path) } });
    case 8:
      return proofFor(aim, { ...about, claims: { iat: iat(dice) } });
    case 9:
      return proofFor(aim, { ...about, claims: { jti: dice.of([undefined, null, '', 7, [], {}, 'x'.repeat(129)]) } });
    case 10:
      return proofFor(aim, { ...about, token: tokenFor(aim) });
    case 11:
      return proofFor(aim, {
        ...about,
        claims: {
          ath: dice.of([undefined, null, '', 'A'.repeat(43), createHash('sha256').update(about.token).digest('hex')]),
        },
      });
    case 12:
      return respell(good(), dice.of(SEGMENTS), (text) => dice.of(RESPELLINGS)(text));
    default:
      return dice.of([
        dice.text(300),
        about.token,
        `${good()}, ${good()}`,
        'a.b.c',
        '',
        mintJws({ key: caller, header: {}, claims: {} }),
      ]);
  }
}

/** `iat` of every kind but the right one. */
function iat(dice: Dice): unknown {
  const now = Math.floor(Date.now() / 1000);
  return dice.of([undefined, null, '', String(now), now - 120, now + 60, -1, 1e300, now * 1000, [now]]);
}

/** Addresses that a lenient reader takes for ours. */
function htu(aim: Aim, dice: Dice, path: string): unknown {
  const ours = `${aim.origin}${path.split('?', 1)[0]}`;
  const { port } = new URL(aim.origin);
  const named = dice.of([
    undefined,
    null,
    [ours],
    { href: ours },
    '',
    path,
    `${ours}/`,
    ours.replace('http:', 'https:'),
    ours.replace('http:', 'ftp:'),
    ours.replace('127.0.0.1', '127.0.0.1.evil.example'),
    ours.replace('127.0.0.1', 'evil.example@127.0.0.1'),
    ours.replace('127.0.0.1', '127.1'),
    ours.replace('127.0.0.1', '0x7f.1'),
    ours.replace(`:${port}`, ''),
    ours.replace(`:${port}`, `:0${port}`),
    ours.replace('/api/', '/./api/'),
    ours.replace('/api/', '/x/../api/'),
    ours.replace('/api/', '//api/'),
    ours.replace('/api/', '/%61pi%2F'),
    ours.replace('/api/', '\\api\\'),
    ` ${ours}`,
    `${ours}\t`,
    `${ours}\u0000`,
    `${ours};x`,
    `${aim.origin}x${dice.text(40)}`,
  ]);
  return named === ours ? `${ours}x` : named;
}

/** Who lacks what, in every combination: no token, a bad one, one without its proof, with a bad one, under another scheme. */
export function badCredentials(aim: Aim, dice: Dice, about: { path: string; method: string }): Credentials {
  const token = tokenFor(aim);
  const proof = (): string => `DPoP: ${proofFor(aim, { token, ...about })}`;
  switch (dice.below(10)) {
    case 0:
      return { fields: dice.once(2) ? [] : [proof()] };
    case 1:
      return { fields: [`Authorization: DPoP ${token}`] };
    case 2:
      return { fields: [`Authorization: Bearer ${token}`, ...(dice.once(2) ? [proof()] : [])] };
    case 3:
      return {
        fields: [`Authorization: ${dice.of(['Basic', 'Token', 'DPoPx', 'MAC', 'GNAP', ''])} ${token}`, proof()],
      };
    case 4:
      return { fields: [`Authorization: DPoP ${token}`, proof(), proof()] };
    case 5:
      return { fields: [`Authorization: DPoP ${token}`, `Authorization: DPoP ${token}`, proof()] };
    case 6:
    case 7: {
      const bad = badToken(aim, dice);
      return { fields: [`Authorization: DPoP ${line(bad)}`, `DPoP: ${line(proofFor(aim, { token: bad, ...about }))}`] };
    }
    default:
      return { fields: [`Authorization: DPoP ${token}`, `DPoP: ${line(badProof(aim, dice, { token, ...about }))}`] };
  }
}

/** Nothing here may end its line, or it would be another request; the framing families do that on purpose. */
function line(text: string): string {
  return text.replaceAll(/[\r\n]/gu, '\u0001');
}

/** A verified token whose owner may not read what it asks for. */
export function powerlessToken(aim: Aim, dice: Dice): string {
  return tokenFor(aim, {
    claims: dice.of<Changes>([
      { groups: [] },
      { groups: ['Payments', 'payments2', `#payments`] },
      { groups: undefined },
      { scope: 'secrets.write secrets.admin' },
      { scope: '' },
      { scope: undefined },
      { tenant: 'umbrella' },
      { tenant: '__proto__' },
      { tenant: undefined },
      { sub: 'root', groups: [] },
      { groups: Array.from({ length: 200 }, (_, at) => `g${at}`) },
    ]),
  });
}

/** A claim of any type, where the gateway reads one or reads none. */
export function strangeClaim(dice: Dice): Changes {
  return { groups: [], [dice.of(CLAIMS)]: dice.of(VALUES) };
}
