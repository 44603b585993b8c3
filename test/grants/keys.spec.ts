import { createHmac } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { hashUnder } from '#libs/grants/hash.js';
import type { GrantKeys } from '#libs/grants/grant-keys.js';
import { keysOf, replayKey, unboundTokenKey } from '#libs/grants/keys.js';
import { ClientCertificate } from '#libs/identity/certificate.js';
import type { Epoch } from '#libs/identity/replay-guard.js';
import type { Awaitable } from '#libs/kernel/deadline.js';

import { anyText } from '../support/any-text.js';
import { otherKey, refused, watched, World, type Ask } from './world.js';

const key = new Uint8Array(32).fill(7);

describe('H', () => {
  it('tells every two lists of arguments apart, however they could be joined', () => {
    const H = hashUnder(key);
    const part = fc.oneof(
      anyText().filter((text) => text.isWellFormed()),
      fc.integer(),
      fc.constant(null),
    );
    fc.assert(
      fc.property(fc.array(part), fc.array(part), (one, other) => {
        const same = JSON.stringify(one.map((value) => (Object.is(value, -0) ? 0 : value))) === JSON.stringify(other);
        return (H(...one) === H(...other)) === same;
      }),
      {
        examples: [
          [['a', 'b'], ['ab']],
          [
            ['a', 'bc'],
            ['ab', 'c'],
          ],
          [['a","b'], ['a', 'b']],
          [['1'], [1]],
          [['null'], [null]],
        ],
      },
    );
  });

  it('is 43 characters of base64url, and another one under another key', () => {
    const H = hashUnder(key);
    expect(H('a')).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(hashUnder(new Uint8Array(32).fill(8))('a')).not.toBe(H('a'));
  });
});

describe('the keys of a request', () => {
  const world = new World();
  const of = async (ask: Ask = {}, facts = 'facts'): Promise<GrantKeys> =>
    keysOf(await world.target(ask), facts, world.desk);
  const differing = async (ask: Ask, facts?: string): Promise<readonly string[]> => {
    const [base, other] = [await of(), await of(ask, facts)];
    return (['partition', 'grant', 'holder', 'quota', 'binding'] as const).filter((name) => base[name] !== other[name]);
  };

  it('are the same for the same request', async () => {
    expect(await differing({})).toEqual([]);
  });

  it('follow what each is about', async () => {
    expect(await differing({}, 'other facts')).toEqual(['grant']);
    expect(await differing({ uri: 'openbao+kv2://secret/app/api?version=3#token' })).toEqual(['grant']);
    expect(await differing({ key: otherKey })).toEqual(['grant', 'binding']);
    expect(await differing({ key: null })).toEqual(['grant', 'binding']);
    expect(await differing({ purpose: 'read' })).toEqual(['grant', 'holder', 'quota']);
    expect(await differing({ uri: 'openbao+kv2://secret/app/api' })).toEqual(['grant', 'holder', 'quota']);
    for (const claims of [{ sub: 'other' }, { client_id: 'other' }]) {
      expect(await differing({ claims })).toEqual(expect.arrayContaining(['grant', 'holder', 'quota']));
    }
  });

  it('I10: belong to one tenant, though all else about the request is the same', async () => {
    const [target, other] = [await world.target(), await world.target({ claims: { tenant: 'umbrella' } })];
    const desk = { ...world.desk, partitions: 1, quotaRef: () => 'the same ref' };
    const [ours, theirs] = [keysOf(target, 'facts', desk), keysOf(other, 'facts', desk)];
    expect(ours.partition).toBe(theirs.partition);
    for (const name of ['grant', 'holder', 'quota'] as const) expect(ours[name]).not.toBe(theirs[name]);
  });

  it('key the quota with the resource_ref, never with the path', async () => {
    const target = await world.target();
    const desk = { ...world.desk, quotaRef: () => 'another ref' };
    const [base, other] = [keysOf(target, 'facts', world.desk), keysOf(target, 'facts', desk)];
    expect(other.quota).not.toBe(base.quota);
    expect({ ...other, quota: base.quota }).toEqual(base);
  });

  it('M1, M3: follow the certificate, alone and beside the key, whatever token names it', async () => {
    const [mine, other] = ['mine', 'other'].map((der) => new ClientCertificate(Buffer.from(der)));
    const asks: Ask[] = [{}, { certificate: mine! }, { certificate: other! }];
    const all = await Promise.all(
      [...asks, ...asks.map((ask) => ({ ...ask, key: null }))].map(async (ask) => await of(ask)),
    );
    expect(all.map(({ binding }) => binding.replaceAll(/[A-Za-z0-9_-]{43}/g, '…'))).toEqual([
      'jkt:…',
      'jkt:…+x5t:…',
      'jkt:…+x5t:…',
      'jti:…',
      'x5t:…',
      'x5t:…',
    ]);
    for (const name of ['binding', 'grant'] as const) expect(new Set(all.map((keys) => keys[name])).size).toBe(6);
    for (const name of ['holder', 'quota', 'partition'] as const)
      expect(new Set(all.map((keys) => keys[name])).size).toBe(1);
    const again = await of({ key: null, certificate: mine!, claims: { jti: 'another' } });
    expect(again).toEqual(await of({ key: null, certificate: mine! }));
  });

  it('name an unbound token by a hash of issuer and jti', async () => {
    const [one, same, other] = await Promise.all(
      ['jti-1', 'jti-1', 'jti-2'].map((jti) => of({ key: null, claims: { jti } })),
    );
    expect(one?.binding).toMatch(/^jti:[A-Za-z0-9_-]{43}$/);
    expect(same?.grant).toBe(one?.grant);
    expect(other?.grant).not.toBe(one?.grant);
  });

  it('count an unbound token by issuer, jti, purpose and secret', async () => {
    const ofToken = async (ask: Ask): Promise<string> =>
      unboundTokenKey(await world.target({ key: null, claims: { jti: 'jti-1' }, ...ask }), world.desk.keys);
    const base = await ofToken({});
    expect(await ofToken({})).toBe(base);
    expect(await ofToken({ claims: { jti: 'jti-1', sub: 'other' } })).toBe(base);
    const others = [
      await ofToken({ claims: { jti: 'jti-2' } }),
      await ofToken({ purpose: 'read' }),
      await ofToken({ uri: 'openbao+kv2://secret/app/api#other' }),
    ];
    expect(new Set([base, ...others]).size).toBe(4);
  });

  it('spend a proof by its key and jti, whatever its iat', () => {
    const proof = { jkt: 'jkt-1', jti: 'jti-1', iat: 1, nonce: false };
    const spent = replayKey(proof, world.desk.keys);
    expect(replayKey({ ...proof, iat: 2, nonce: true }, world.desk.keys)).toBe(spent);
    expect(replayKey({ ...proof, jkt: 'jkt-2' }, world.desk.keys)).not.toBe(spent);
    expect(replayKey({ ...proof, jti: 'jti-2' }, world.desk.keys)).not.toBe(spent);
  });
});

describe('the partition', () => {
  it('is one for a caller, whatever it asks for and under whichever key', async () => {
    const world = new World();
    const asks: Ask[] = [
      {},
      { key: otherKey },
      { key: null },
      { purpose: 'read' },
      { uri: 'openbao+kv2://secret/x#y' },
    ];
    const found = await Promise.all(
      asks.map(async (ask) => keysOf(await world.target(ask), 'f', world.desk).partition),
    );
    expect(new Set(found).size).toBe(1);
  });

  it('is the same with the tenant claim and without', async () => {
    const world = new World();
    const [named, implied] = [await world.target(), await world.target({ claims: { tenant: undefined } })];
    expect(keysOf(implied, 'f', world.desk)).toEqual(keysOf(named, 'f', world.desk));
  });

  it('is the first six bytes of H(tenant, iss, sub, client), as one number', async () => {
    const world = new World();
    const target = await world.target();
    const { iss, sub, clientId } = target.bound.caller.claims;
    const of = (tenant: string): number =>
      createHmac('sha256', world.desk.keys.hash)
        .update(JSON.stringify([tenant, iss, sub, clientId]))
        .digest()
        .readUIntBE(0, 6) % 64;
    expect(keysOf(target, 'f', world.desk).partition).toBe(of('acme'));

    const asked: number[] = [];
    const { store } = world.desk;
    const epochOf = (partition: number): Awaitable<Epoch> => {
      asked.push(partition);
      return store.epochOf(partition);
    };
    world.use(watched(store, { epochOf }));
    await world.target();
    const refusal = await refused(world.target({ claims: { tenant: 'nobody' } }));
    expect(refusal).toMatchObject({ code: 'DENIED', check: 'tenant unknown' });
    expect(asked).toEqual([of('acme'), of('')]);
  });

  it('is that of the store which is named when it fails', async () => {
    const world = new World();
    world.use(watched(world.desk.store, { epochOf: () => Promise.reject(new Error('gone')) }));
    expect(await refused(world.target())).toMatchObject({ code: 'UNAVAILABLE', check: 'store failed' });
  });

  it('spreads callers over all partitions, and stays below their number', async () => {
    const world = new World({ partitions: 8 });
    const found = new Set<number>();
    for (let at = 0; at < 100; at += 1) {
      found.add(keysOf(await world.target({ key: null, claims: { sub: `svc-${at}` } }), 'f', world.desk).partition);
    }
    expect([...found].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});
