import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { expectNothingTold, Target } from '../support/attack.js';
import { type Gateway } from '../support/gateway.js';

let target: Target;
let gateway: Gateway;
beforeAll(async () => {
  target = await Target.start();
  ({ gateway } = target);
});
afterAll(async () => await target.close());

const VALUE = '/api/secrets/value';
const URI = '"yaml://kv/app/api#token"';
const utf8 = (text: string): Buffer => Buffer.from(text);

const BODIES: readonly (readonly [string, string | Uint8Array, string])[] = [
  ['T4, T16: uri twice', `{"uri":"yaml://kv/plans/next","uri":${URI}}`, 'body duplicate name'],
  ['T4: uri twice, once escaped', `{"uri":"yaml://kv/plans/next","\\u0075ri":${URI}}`, 'body duplicate name'],
  ['T4: another name twice', `{"uri":${URI},"a":1,"a":2}`, 'body duplicate name'],
  ['N13: __proto__', `{"uri":${URI},"__proto__":{"uri":"x"}}`, 'body reserved name'],
  ['N13: __proto__ alone', `{"__proto__":{"uri":${URI}}}`, 'body reserved name'],
  ['N13: __proto__, escaped', `{"uri":${URI},"__pro\\u0074o__":1}`, 'body reserved name'],
  ['N13: constructor', `{"uri":${URI},"constructor":{"prototype":{}}}`, 'body members'],
  ['N13: toString', `{"uri":${URI},"toString":"a"}`, 'body members'],
  ...[
    'sub',
    'client_id',
    'used',
    'id',
    'created_at',
    'tenant',
    'purpose',
    'max_uses',
    'ttl_seconds',
    'grant',
    'version',
    'key',
    'scope',
    'environment',
    'subject',
    'URI',
    'uris',
    '',
  ].map((name): readonly [string, string, string] => [
    `N14: the member ${JSON.stringify(name)}`,
    `{"uri":${URI},${JSON.stringify(name)}:"root"}`,
    'body members',
  ]),
  [
    'N14: an entity of Cedar beside the uri (AuthZEN trap 14)',
    `{"uri":${URI},"__entity":{"type":"Group","id":"on-call"}}`,
    'body members',
  ],
  [
    'N14: an entity of Cedar as the uri',
    '{"uri":{"__entity":{"type":"secret","id":"yaml://kv/plans/next"}}}',
    'body members',
  ],
  ['T16: uri as a list', `{"uri":[${URI}]}`, 'body members'],
  ['T16: uri as a number', '{"uri":7}', 'body members'],
  ['T16: uri as true', '{"uri":true}', 'body members'],
  ['T16: uri null', '{"uri":null}', 'body members'],
  ['T16: uri as an object with toString', '{"uri":{"toString":"a","length":3}}', 'body members'],
  ['N14: no uri', '{}', 'body members'],
  ['N13: a list', `[{"uri":${URI}}]`, 'body no object'],
  ['N13: a string', URI, 'body no object'],
  ['N13: null', 'null', 'body no object'],
  ['N13: a number', '1', 'body no object'],
  ['N13: nothing', '', 'body syntax'],
  ['N13: spaces alone', '   ', 'body syntax'],
  ['T16: a number that would be rounded', `{"uri":${URI},"n":9007199254740993}`, 'body number out of range'],
  ['N13: 1e400', `{"uri":${URI},"n":1e400}`, 'body number out of range'],
  ['N13: -1e400', `{"uri":${URI},"n":-1e400}`, 'body number out of range'],
  ['N13: NaN', `{"uri":${URI},"n":NaN}`, 'body syntax'],
  ['N13: a leading zero', `{"uri":${URI},"n":01}`, 'body syntax'],
  ['N13: a hex number', `{"uri":${URI},"n":0x1}`, 'body syntax'],
  ['T16, J6: a byte order mark', `\ufeff{"uri":${URI}}`, 'body byte order mark'],
  ['T16, J6: UTF-16, little end first', Buffer.from(`\ufeff{"uri":${URI}}`, 'utf16le'), 'body encoding'],
  ['T16, J6: UTF-16 without a mark', Buffer.from(`{"uri":${URI}}`, 'utf16le'), 'body syntax'],
  [
    'J6: bytes that are no UTF-8',
    Buffer.concat([utf8('{"uri":"'), Buffer.from([0xff, 0xfe]), utf8('"}')]),
    'body encoding',
  ],
  [
    'J6: overlong UTF-8',
    Buffer.concat([utf8('{"uri":"yaml://kv/app'), Buffer.from([0xc0, 0xaf]), utf8('api"}')]),
    'body encoding',
  ],
  [
    'J6: a surrogate in UTF-8',
    Buffer.concat([utf8('{"uri":"'), Buffer.from([0xed, 0xa0, 0x80]), utf8('"}')]),
    'body encoding',
  ],
  ['J6: a lone surrogate, escaped', '{"uri":"\\ud800"}', 'body lone surrogate'],
  ['J6: a lone surrogate in a name', `{"uri":${URI},"\\udc00":1}`, 'body lone surrogate'],
  ['J6: two surrogates the wrong way round', '{"uri":"\\udc00\\ud800"}', 'body lone surrogate'],
  ['N13: two values', `{"uri":${URI}}{"uri":${URI}}`, 'body syntax'],
  ['N13: words behind', `{"uri":${URI}} true`, 'body syntax'],
  ['N13: a NUL behind', `{"uri":${URI}}\u0000`, 'body syntax'],
  ['N13: a comma behind', `{"uri":${URI},}`, 'body syntax'],
  ['N13: a comment', `{/* */"uri":${URI}}`, 'body syntax'],
  ['N13: single quotes', "{'uri':'yaml://kv/app/api'}", 'body syntax'],
  ['N13: a name without quotes', `{uri:${URI}}`, 'body syntax'],
  ['N13: a raw line end in a string', '{"uri":"yaml://kv/app\n/api"}', 'body syntax'],
  ['N13: half a body', `{"uri":${URI}`, 'body syntax'],
  ['N13: half a string', '{"uri":"yaml://kv', 'body syntax'],
  ['N13: half an escape', '{"uri":"\\u00', 'body syntax'],
  ['N13: an escape that there is not', '{"uri":"\\x41"}', 'body syntax'],
  ['N13: prefix against inclusion', `)]}',\n{"uri":${URI}}`, 'body syntax'],
  ['N13: 33 levels', `{"uri":${URI},"a":${'['.repeat(32)}${']'.repeat(32)}}`, 'body depth'],
  ['N13: 4,000 levels of lists', '['.repeat(4_000), 'body depth'],
  ['N13: 1,600 levels of objects', '{"a":'.repeat(1_600), 'body depth'],
];

const TYPES: readonly string[] = [
  'text/plain',
  'text/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=a',
  'application/json; charset=utf-16',
  'application/json; charset=latin1',
  'application/json; charset=utf-8; charset=utf-16',
  'application/json, text/plain',
  'application/problem+json',
  'application/jsonp',
  'application/json;',
  'application/*',
  '*/*',
  'json',
  '__proto__',
  'application/json\u00e9',
];

describe('T16, N13, N14: a body that two readers read differently, or that says too much', () => {
  it.each(BODIES)('%s', async (title, body, check) => {
    const began = performance.now();
    await target.refuses({
      title,
      sends: async ({ read }) => await read(VALUE, { method: 'POST', body }),
      refused: '400 INVALID_REQUEST',
      check,
    });
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it.each([20_000, 100_000])('N13: %d levels are refused by their size', async (levels) => {
    await target.refuses({
      title: '',
      sends: async ({ read }) => await read(VALUE, { method: 'POST', body: '['.repeat(levels) }),
      refused: '413 BODY_TOO_LARGE',
      check: null,
    });
  });

  it('T16: a type is JSON in UTF-8 or nothing', async () => {
    for (const type of TYPES) {
      await target.refuses({
        title: type,
        sends: async ({ read }) =>
          await read(VALUE, { method: 'POST', fields: [`Content-Type: ${type}`], body: `{"uri":${URI}}` }),
        refused: '415 UNSUPPORTED_MEDIA_TYPE',
        check: null,
      });
    }
  });

  it.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
  ])('T16: %s is taken', async (type) => {
    const body = `\n{ "uri" : ${URI} }\n`;
    expect((await gateway.read(VALUE, { method: 'POST', fields: [`Content-Type: ${type}`], body })).status).toBe(200);
  });

  it('N14: the prototype of all objects is as it was', () => {
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as Record<string, unknown>)['uri']).toBeUndefined();
  });

  it('N20: none of all this stands in a log or a record', async () => await expectNothingTold(gateway));
});
