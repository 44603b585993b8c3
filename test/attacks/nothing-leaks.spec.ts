import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { WireAnswer } from '../http/wire.js';
import { expectNothingTold, expectSilentHeaders, Target } from '../support/attack.js';
import { APP, type Gateway, type ReadOptions, valuePath } from '../support/gateway.js';
import { makeKey } from '../support/tokens.js';

let target: Target;
let gateway: Gateway;
/** What the process itself wrote meanwhile. */
let printed = '';
const streams = [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write.bind(stream) }));

beforeAll(async () => {
  target = await Target.start();
  ({ gateway } = target);
  for (const { stream, write } of streams) {
    stream.write = (chunk: string | Uint8Array, ...rest: []) => {
      printed += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      return write(chunk, ...rest);
    };
  }
});
afterAll(async () => {
  for (const { stream, write } of streams) stream.write = write;
  await target.close();
});

const thief = makeKey();

/** One request for each way that an answer can go. */
const WAYS: readonly (readonly [string, number, () => readonly [string, ReadOptions]])[] = [
  ['a value', 200, () => [APP, {}]],
  ['the whole map', 200, () => [valuePath('yaml://kv/app/api'), {}]],
  [
    'a value by a plain token',
    200,
    () => [APP, { token: gateway.mint({ boundTo: null }), scheme: 'Bearer', proof: null }],
  ],
  ['a value by POST', 200, () => ['/api/secrets/value', { method: 'POST', body: '{"uri":"yaml://kv/app/api#token"}' }]],
  ['no token', 401, () => [APP, { token: null }]],
  ['a bad token', 401, () => [APP, { token: `${gateway.mint()}x` }]],
  ['a stolen token', 401, () => stolen()],
  ['a bad proof', 401, () => [APP, { proof: gateway.prove({ token: gateway.mint(), method: 'POST' }) }]],
  ['a token where a scheme belongs', 401, () => [APP, { token: null, fields: [`Authorization: ${gateway.mint()}`] }]],
  ['a token where an id belongs', 200, () => [APP, { fields: [`X-Correlation-ID: ${gateway.mint()}`] }]],
  ['a token where a reason belongs', 400, () => [APP, { fields: [`X-Access-Reason: ${gateway.mint()}`] }]],
  ['a token in the query', 400, () => [`${APP}?access_token=${gateway.mint()}`, { token: null }]],
  ['a token in the path', 400, () => [`/api/secrets/value/${gateway.mint()}`, {}]],
  ['a token as an address', 404, () => [`/${gateway.mint()}`, {}]],
  [
    'a token as a uri in a body',
    400,
    () => ['/api/secrets/value', { method: 'POST', body: JSON.stringify({ uri: gateway.mint() }) }],
  ],
  [
    'a token as a member in a body',
    400,
    () => ['/api/secrets/value', { method: 'POST', body: JSON.stringify({ [gateway.mint()]: 1 }) }],
  ],
  ['a token as a host', 421, () => [APP, { fields: [`Host: ${gateway.mint().slice(0, 200)}`] }]],
  ['a token as a method', 400, () => [APP, { method: 'DPoP' }]],
  ['no scope', 403, () => [APP, { token: gateway.mint({ claims: { scope: 'a' } }) }]],
  ['a foreign mount', 403, () => [valuePath('yaml://kv2/app/api'), {}]],
  ['a foreign provider', 400, () => [valuePath('side://vault/app/api'), {}]],
  ['a denial', 403, () => [valuePath('yaml://kv/plans/next#token'), {}]],
  ['a secret that is missing', 404, () => [valuePath('yaml://kv/app/absent'), {}]],
  ['a bad URI', 400, () => [valuePath(`yaml://kv/app/${'x'.repeat(200)}`), {}]],
  ['a version', 400, () => [valuePath('yaml://kv/app/api?version=1'), {}]],
];

function stolen(): readonly [string, ReadOptions] {
  const token = gateway.mint();
  return [APP, { token, proof: gateway.prove({ token, key: thief }) }];
}

async function ask(way: (typeof WAYS)[number]): Promise<WireAnswer> {
  await target.passes(25);
  const [path, options] = way[2]();
  return await gateway.read(path, options);
}

describe('I32, B3, D22, P1, P2, P3, P4, P7: every answer', () => {
  it.each(WAYS)('%s is not stored, and says nothing of what gave it', async (...way) => {
    const answer = await ask(way);
    expect(answer.status).toBe(way[1]);
    expectSilentHeaders(answer.headers);
    expect(answer.headers['content-type']).toEqual([way[1] === 200 ? 'application/json' : 'application/problem+json']);
    // P2 P7 P8: documented type, names of letters, no stack.
    if (way[1] === 200) return;
    const guide = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
    expect(guide).toContain(`\`${String(answer.problem['type'])}\``);
    for (const name of Object.keys(answer.problem)) expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(answer.body).not.toMatch(/\bat \S+:\d+|node_modules|\.ts\b|\.js\b|Error:/);
  });
});

describe('N19, N20, I28, I29: the value, tokens and proofs', () => {
  it('stand in the answer to whoever may have it', async () => {
    expect((await gateway.read(APP)).problem['value']).toBe(gateway.canary);
  });

  it('stand in no log, no record and no refusal', async () => await expectNothingTold(gateway));

  it('stand in nothing that the process printed', () => {
    for (const text of [gateway.canary, ...gateway.made.map((jws) => jws.slice(-40))])
      expect(printed).not.toContain(text);
  });

  it('stand in nothing that a slip could print: the gate, looked at to any depth', () => {
    const seen = inspect(gateway.gate, { depth: 12, showHidden: true, maxArrayLength: null, maxStringLength: null });
    expect(seen).not.toContain(gateway.canary);
    expect(gateway.made.filter((jws) => seen.includes(jws.slice(-40)))).toEqual([]);
  });

  it('N23: a record names a secret by keyed hashes, which a dictionary of plain hashes does not find', async () => {
    const { createHash } = await import('node:crypto');
    const lines = (await gateway.auditLines()).join('\n');
    for (const uri of ['yaml://kv/app/api#token', 'yaml://kv/app/api', 'yaml://kv/plans/next#token', 'kv/app/api']) {
      for (const encoding of ['base64url', 'hex', 'base64'] as const) {
        expect(lines).not.toContain(createHash('sha256').update(uri).digest(encoding));
        expect(lines).not.toContain(createHash('sha256').update(`acme\0${uri}`).digest(encoding));
      }
    }
  });
});
