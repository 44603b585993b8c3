import { HOSTILE } from '../kernel/hostile-uris.js';
import { badCredentials, powerlessToken, strangeClaim } from './credentials.js';
import { Dice } from './dice.js';
import { FORBIDDEN, HONEST, MOUNT, honestRequest, proofFor, requestBytes, tokenFor, type Aim } from './world.js';

/** How the bytes are sent: as they are; in pieces with pauses; broken off by a reset; with the end of sending after them; never ended; its answers never read. */
export type Manner = 'whole' | 'pieces' | 'reset' | 'ended' | 'held' | 'unread';

/** One request, or what looks like one. None may be answered with a value. */
export interface HostileRequest {
  readonly family: Family;
  readonly bytes: Buffer;
  readonly manner: Manner;
  /** What a verified caller sends may spend its proof, which the store then remembers for its window; garbage may not (I22). */
  readonly spends: boolean;
  /** Whether the gateway may rightly wait for more: nobody can tell where a request ends whose framing was spoiled. */
  readonly open: boolean;
}

export type Family = keyof typeof FAMILIES;

/** Each family as often as its weight; what is costly to wait for is rare. */
const FAMILIES = {
  noise: { weight: 4, make: noise },
  lines: { weight: 8, make: lines },
  smuggled: { weight: 8, make: smuggled },
  headers: { weight: 10, make: headers },
  credentials: { weight: 32, make: credentials },
  powerless: { weight: 6, make: powerless },
  certificates: { weight: 6, make: certificates },
  replays: { weight: 6, make: replays },
  targets: { weight: 14, make: targets },
  bodies: { weight: 10, make: bodies },
  spoiled: { weight: 6, make: spoiledWhole },
} as const satisfies Record<string, { weight: number; make: (aim: Aim, dice: Dice) => Made }>;

type Made = { readonly bytes: Buffer; readonly spends?: boolean };

const OPEN: ReadonlySet<string> = new Set<Family>([
  'noise',
  'lines',
  'smuggled',
  'headers',
  'bodies',
  'spoiled',
  'certificates',
]);

const BAG = (Object.keys(FAMILIES) as (keyof typeof FAMILIES)[]).flatMap((family) =>
  Array.from({ length: FAMILIES[family].weight }, () => family),
);

export interface Mix {
  /** One request in so many is never ended and holds its connection until the gateway cuts it; 0: none. */
  readonly heldOneIn: number;
  /** These families alone. */
  readonly only?: readonly Family[];
}

/** What nobody verified sends: it may leave nothing in the store. */
export const GARBAGE: readonly Family[] = [
  'noise',
  'lines',
  'smuggled',
  'headers',
  'credentials',
  'spoiled',
  'certificates',
  'replays',
];

/** The request with this number of the run with this seed. */
export function hostileRequest(aim: Aim, seed: number, index: number, { heldOneIn, only }: Mix): HostileRequest {
  const dice = Dice.of(seed, index);
  const family = dice.of(only === undefined ? BAG : BAG.filter((each) => only.includes(each)));
  const { bytes, spends = false } = FAMILIES[family].make(aim, dice);
  const manner = heldOneIn > 0 && dice.once(heldOneIn) ? 'held' : dice.of(MANNERS);
  const open = OPEN.has(family);
  if (manner === 'held') return { family, manner, open, spends: false, bytes: unfinished(bytes, dice) };
  const all = manner === 'unread' ? Buffer.concat([bytes, ...nothings(aim, dice)]) : bytes;
  return { family, manner, open, spends, bytes: all };
}

const MANNERS: readonly Manner[] = [
  ...Array.from({ length: 24 }, () => 'whole' as const),
  'pieces',
  'pieces',
  'reset',
  'ended',
  'ended',
  'unread',
];

/** Without its last bytes: either the header section or the body never ends. */
function unfinished(bytes: Buffer, dice: Dice): Buffer {
  const end = bytes.indexOf('\r\n\r\n');
  return bytes.subarray(0, Math.max(0, (end === -1 ? bytes.length : end) - dice.below(40)));
}

function nothings(aim: Aim, dice: Dice): Buffer[] {
  return Array.from({ length: dice.below(60) }, () => requestBytes(aim.host, { target: `/${dice.below(9)}` }));
}

function noise(_aim: Aim, dice: Dice): Made {
  const starts = [
    '',
    'GET ',
    '\x16\x03\x01',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    '\r\n\r\n',
    'PROXY TCP4 127.0.0.1 ',
    '\x05\x01\x00',
    '\0\0',
  ];
  return { bytes: Buffer.from(`${dice.of(starts)}${dice.text(600)}\r\n\r\n`, 'latin1') };
}

const VERSIONS = [
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/0.9',
  'HTTP/2.0',
  'HTTP/1.2',
  'http/1.1',
  'HTTP/1.1 ',
  'HTTP/11',
  'HTTPS/1.1',
  '',
];
const METHODS = [
  'GET',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'PATCH',
  'TRACE',
  'CONNECT',
  'get',
  'PRI',
  'GET\t',
  'G ET',
  'QUERY',
  'PROPFIND',
  '',
  '\0',
];
const ENDS = ['\r\n', '\n', '\r', '\r\r\n', '\r\n ', '\n\r'];

/** The lines of a request, badly. */
function lines(aim: Aim, dice: Dice): Made {
  const end = dice.of(['\r\n', '\r\n', '\r\n', ...ENDS]);
  const target = dice.of([
    HONEST,
    FORBIDDEN,
    '/',
    '*',
    '',
    `${aim.origin}${HONEST}`,
    aim.host,
    `//${aim.host}${HONEST}`,
    '/api/secrets/value',
  ]);
  const { fields } = badCredentials(aim, dice, { path: HONEST, method: 'GET' });
  const section = [
    `${dice.of(METHODS)}${dice.of([' ', ' ', ' ', '\t', '  ', ''])}${target} ${dice.of(VERSIONS)}`,
    ...(dice.once(6)
      ? []
      : [
          `Host: ${dice.once(3) ? dice.of(['evil.example', '', ' ', 'a b', aim.host.replace(':', ':0'), '[::1]']) : aim.host}`,
        ]),
    ...(dice.once(2) ? fields : []),
    ...Array.from({ length: dice.below(3) }, () =>
      dice.of([
        ' folded: x',
        ':',
        'a',
        'a b: c',
        'a\0: b',
        'a: b\0',
        ': x',
        'é: x',
        `${dice.text(20)}: ${dice.text(20)}`,
      ]),
    ),
  ];
  return { bytes: Buffer.from(`${section.join(end)}${end}${end}`, 'latin1') };
}

/** Two framings of one request, with an honest request inside that only one of the two readings would see. */
function smuggled(aim: Aim, dice: Dice): Made {
  const inner = honestRequest(aim).toString('latin1');
  const framing = dice.of([
    ['Content-Length: 5', 'Transfer-Encoding: chunked'],
    ['Transfer-Encoding: chunked', 'Content-Length: 5'],
    ['Transfer-Encoding: chunked, identity'],
    ['Transfer-Encoding: identity, chunked'],
    ['Transfer-Encoding: xchunked'],
    ['Transfer-Encoding: \u000bchunked'],
    ['Transfer-Encoding : chunked'],
    ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
    ['Transfer-Encoding:', ' chunked'],
    ['Content-Length: 5', 'Content-Length: 6'],
    ['Content-Length: 5, 5'],
    ['Content-Length: +5'],
    ['Content-Length: 0x5'],
    ['Content-Length: -5'],
    ['Content-Length: 5 5'],
    ['Content-Length: 99999999999999999999'],
    ['Content-Length:5;'],
    ['Content_Length: 5', 'Content-Length: '],
  ]);
  const first = [
    `POST /api/secrets/value HTTP/1.1`,
    `Host: ${aim.host}`,
    'Content-Type: application/json',
    ...framing,
  ].join('\r\n');
  const body = dice.of([
    '0\r\n\r\n',
    '5\r\n{"a":\r\n0\r\n\r\n',
    '{"a":',
    '5;a=b\r\n{"a":\r\n',
    '-1\r\n',
    'ffffffffffffffff\r\n',
    '5\n{"a":\n0\n\n',
    '',
  ]);
  return { bytes: Buffer.from(`${first}\r\n\r\n${body}${inner}`, 'latin1') };
}

const NAMES = [
  'Authorization',
  'DPoP',
  'Host',
  'Content-Length',
  'Content-Type',
  'Content-Encoding',
  'Transfer-Encoding',
  'Expect',
  'Upgrade',
  'Connection',
  'TE',
  'Trailer',
  'X-Access-Reason',
  'X-Correlation-ID',
  'X-Request-ID',
  'traceparent',
  'tracestate',
  'User-Agent',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'Forwarded',
  'X-Original-URL',
  'X-HTTP-Method-Override',
  'Client-Cert',
  'Idempotency-Key',
  'Cookie',
  'Range',
  'Accept',
  '__proto__',
  'constructor',
  'x'.repeat(2_000),
];
const VALUES = [
  'chunked',
  'gzip',
  'application/json; charset=utf-16',
  '0',
  '-1',
  '99999999999',
  'close',
  'keep-alive, Host, Authorization',
  '100-continue',
  'h2c',
  'websocket',
  '127.0.0.1',
  ':MIIB:',
  '00-00000000000000000000000000000000-0000000000000000-00',
  'a\u001b[31m',
  '${jndi:ldap://127.0.0.1:1/a}',
  '%0d%0aX: y',
  '../../etc/passwd',
  'bytes=0-',
  'DPoP a.b.c',
  'y'.repeat(9_000),
];

/** Lines that others believe, break or drown in, beside credentials that do not open. */
function headers(aim: Aim, dice: Dice): Made {
  const { fields } = badCredentials(aim, dice, { path: HONEST, method: 'GET' });
  const more = Array.from(
    { length: dice.below(5) },
    () => `${dice.of(NAMES)}: ${dice.once(3) ? oneLine(dice.text(60)) : dice.of(VALUES)}`,
  );
  if (dice.once(12)) more.push(...Array.from({ length: 90 + dice.below(2_000) }, (_, at) => `x${at}: y`));
  if (dice.once(12)) more.push(`x: ${'y'.repeat(20_000)}`);
  if (dice.once(4)) more.push(...more.slice(0, 1));
  return {
    bytes: requestBytes(aim.host, {
      target: HONEST,
      fields: dice.once(2) ? [...fields, ...more] : [...more, ...fields],
    }),
  };
}

/** Credentials of every wrong kind, under a request that is right. */
function credentials(aim: Aim, dice: Dice): Made {
  const method = dice.once(6) ? 'POST' : 'GET';
  const target =
    method === 'POST'
      ? '/api/secrets/value'
      : dice.of([HONEST, HONEST, FORBIDDEN, '/api/secrets?uri=yaml%3A%2F%2Fkv%2Fapp%2Fapi%23token']);
  const { fields } = badCredentials(aim, dice, { path: target, method });
  return {
    bytes: requestBytes(aim.host, {
      method,
      target,
      fields,
      ...(method === 'POST' && { body: `{"uri":"${MOUNT}/app/api#token"}` }),
    }),
  };
}

/** Whom the gateway knows, and who may not. */
function powerless(aim: Aim, dice: Dice): Made {
  const token = dice.once(3) ? tokenFor(aim, { claims: strangeClaim(dice) }) : powerlessToken(aim, dice);
  const path = dice.of([HONEST, FORBIDDEN]);
  const fields = [`Authorization: DPoP ${token}`, `DPoP: ${proofFor(aim, { token, path })}`];
  return { spends: true, bytes: requestBytes(aim.host, { target: path, fields }) };
}

/** A token that is bound to a certificate, and everything but that certificate from a proxy that may speak of it. */
function certificates(aim: Aim, dice: Dice): Made {
  const { x5t, der } = aim.certificate;
  const right = `:${der.toString('base64')}:`;
  const spoiled = dice.spoiled(right);
  const other = Buffer.from(der);
  other[dice.below(other.length)]! ^= 1 << dice.below(8);
  const field = dice.of([
    spoiled === right ? `${right};a` : spoiled,
    `:${other.toString('base64')}:`,
    `:${der.toString('base64url')}:`,
    right.slice(1, -1),
    `${right}, ${right}`,
    `(${right})`,
    '::',
    `:${'A'.repeat(dice.of([4, 400, 9_000]))}:`,
    dice.text(200),
  ]);
  const token = tokenFor(aim, {
    claims: { cnf: { 'x5t#S256': x5t, ...(dice.once(5) && { jkt: aim.keys.caller.jkt }) } },
  });
  const scheme = dice.of(['Bearer', 'Bearer', 'DPoP']);
  const proof = dice.once(3) ? [`DPoP: ${proofFor(aim, { token, path: HONEST })}`] : [];
  const more = dice.once(3)
    ? [`X-Forwarded-For: ${dice.of(['127.0.0.1', '::1', '10.0.0.1, 127.0.0.16', '999.1.1.1', '', dice.text(40)])}`]
    : [];
  const fields = [`Authorization: ${scheme} ${token}`, ...proof, `Client-Cert: ${field}`, ...more].map(oneLine);
  return { bytes: requestBytes(aim.host, { target: HONEST, fields }) };
}

/** Byte for byte what was answered before, alone and several at once on one connection. */
function replays(aim: Aim, dice: Dice): Made {
  const old = dice.of(aim.spent);
  return { bytes: Buffer.concat(Array.from({ length: 1 + dice.below(3) }, () => old)) };
}

/** Whatever stands where a secret should be named, from a caller who may read others. */
function targets(aim: Aim, dice: Dice): Made {
  const uri = dice.of<string>([
    dice.of(HOSTILE)[0],
    dice.spoiled(`${MOUNT}/plans/next#token`),
    `${MOUNT}/${dice.text(60)}`,
    dice.text(300, 0x3000),
  ]);
  const encoded = dice.of<(text: string) => string>([encode, encode, encode, (text) => encode(encode(text)), oneLine])(
    uri,
  );
  const target = dice.of([
    `/api/secrets/value/${encoded}`,
    `/api/secrets/value/${encoded}`,
    `/api/secrets/read/${encoded}`,
    `/api/secrets?uri=${encoded}`,
    `/api/secrets/value?uri=${encoded}`,
    `/api/secrets/value?uri=${encode(`${MOUNT}/plans/next#token`)}&uri=${encoded}`,
    `/api/secrets/value?${dice.of(['access_token', 'url', 'URI', 'uri%00', 'u%72i'])}=${encoded}`,
    `/api/secrets/value/${encode(`${MOUNT}/plans/next#token`)}?${dice.of(['destroy=true', 'version=1', 'a', '&', 'uri=a'])}`,
    `/api//secrets/value/${encoded}`,
    `/api/secrets/../secrets/value/${encoded}`,
    `/API/secrets/value/${encoded}`,
    `/api/secrets/value/${encoded}/`,
    `/api/secrets/value;x/${encoded}`,
    `/%61pi/secrets/value/${encoded}`,
    `/admin/${encoded}`,
    `/.well-known/${encoded}`,
    `/.well-known/oauth-protected-resource/${encoded}`,
    `/api/secrets/value/${'a'.repeat(dice.of([3_000, 3_300, 5_000]))}`,
  ]);
  const token = tokenFor(aim);
  const fields = [`Authorization: DPoP ${token}`, `DPoP: ${proofFor(aim, { token, path: target })}`];
  return { spends: true, bytes: requestBytes(aim.host, { target, fields }) };
}

const TYPES = [
  'application/json',
  'application/json; charset=utf-16',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=a',
  '',
  'application/json, text/html',
];

/** What stands in a body, from a caller who may read others. */
function bodies(aim: Aim, dice: Dice): Made {
  const uri = JSON.stringify(dice.once(2) ? `${MOUNT}/plans/next#token` : dice.of(HOSTILE)[0]);
  const body = dice.of<string | Buffer>([
    '',
    '{}',
    '[]',
    'null',
    '{"uri":1}',
    '{"uri":null}',
    '{"uri":["a"]}',
    `{"uri":${uri}}`,
    `{"uri":${uri},"uri":${uri}}`,
    `{"uri":${uri},"__proto__":{"admin":true}}`,
    `{"__proto__":{"uri":${uri}}}`,
    `{"uri":${uri},"sub":"root","max_uses":1e400}`,
    `{"uri":${uri}} {"uri":${uri}}`,
    `\ufeff{"uri":${uri}}`,
    Buffer.from('{"uri":"a"}', 'utf16le'),
    Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
    `{"uri":"${'a'.repeat(dice.of([1_025, 8_000, 9_000, 200_000]))}"}`,
    '['.repeat(dice.of([33, 3_000, 100_000])),
    `{"uri":${uri},"a":"\\ud800"}`,
    'uri=a',
    dice.text(300),
  ]);
  const coded = dice.once(8) ? [`Content-Encoding: ${dice.of(['gzip', 'br', 'identity', 'deflate'])}`] : [];
  const token = tokenFor(aim);
  const path = '/api/secrets/value';
  const signed = [`Authorization: DPoP ${token}`, `DPoP: ${proofFor(aim, { token, path, method: 'POST' })}`];
  const fields = [
    ...(dice.once(3) ? [] : signed),
    ...coded,
    ...(dice.once(4) ? [`Content-Type: ${dice.of(TYPES)}`] : []),
    ...(dice.once(8) ? ['Expect: 100-continue'] : []),
  ];
  if (!dice.once(5))
    return { spends: true, bytes: requestBytes(aim.host, { method: 'POST', target: path, fields, body }) };
  const chunk = Buffer.from(body);
  const chunks = Buffer.concat([
    Buffer.from(`${chunk.length.toString(16)}${dice.of(['', ';a=b', ' '])}\r\n`),
    chunk,
    Buffer.from(dice.of(['\r\n0\r\n\r\n', '\r\n0\r\nHost: a\r\n\r\n', '\n0\n\n'])),
  ]);
  return {
    spends: true,
    bytes: requestBytes(aim.host, {
      method: 'POST',
      target: path,
      fields: [...fields, 'Transfer-Encoding: chunked'],
      body: chunks,
    }),
  };
}

/** A request that no change could mend, since a stranger signed all of it, with some of its bytes changed. */
function spoiledWhole(aim: Aim, dice: Dice): Made {
  const { thief } = aim.keys;
  const [method, target] = dice.of([
    ['GET', HONEST],
    ['GET', FORBIDDEN],
    ['POST', '/api/secrets/value'],
  ] as const);
  const token = tokenFor(aim, { key: thief, boundTo: thief });
  const fields = [
    `Authorization: DPoP ${token}`,
    `DPoP: ${proofFor(aim, { token, path: target, method, key: thief })}`,
  ];
  const whole = requestBytes(aim.host, {
    method,
    target,
    fields,
    ...(method === 'POST' && { body: `{"uri":"${MOUNT}/app/api#token"}` }),
  });
  let text = whole.toString('latin1');
  for (let times = 1 + dice.below(3); times > 0; times -= 1) text = dice.spoiled(text);
  return { bytes: Buffer.from(text, 'latin1') };
}

/** A URI as one path segment or parameter; lone surrogates, which have no UTF-8, as an escape that is none either. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed() === text ? text : `${text.toWellFormed()}%ff`);
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]/gu, '\u0001');
}
