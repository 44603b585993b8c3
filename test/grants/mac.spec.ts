import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import type { GrantRecord } from '#libs/grants/grant.js';
import type { GrantStore, SealedGrant, TakeAnswer } from '#libs/grants/grant-store.js';
import { checkGrant, sealGrant } from '#libs/grants/mac.js';
import { Refusal } from '#libs/kernel/refusal.js';

import { anyText } from '../support/any-text.js';
import { refused, watched, World } from './world.js';

const key = new Uint8Array(32).fill(1);
const record: GrantRecord = {
  id: '3.key-hash.random',
  tenant: 'acme',
  iss: 'https://issuer.test',
  sub: 'svc',
  clientId: 'svc-client',
  purpose: 'execute',
  uri: 'openbao+kv2://secret/app/api#token',
  pin: 4,
  binding: 'jkt:thumbprint',
  facts: 'facts-hash',
  decisionId: 'decision-1',
  policyVersion: '7.hash',
  policyIds: ['one', 'two'],
  limits: { ttlSeconds: 60, maxUses: 5, quota: { uses: 9, periodSeconds: 60 }, oneHolder: true, maxAuthAge: 900 },
  expiresAtMs: 1_790_000_000_000,
  epoch: 'epoch-1',
};
const expected = { address: '3.key-hash', policyVersion: '7.hash', epoch: 'epoch-1' };

const codeOf = (work: () => void): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return `${error.code} ${error.check}`;
  }
};
const FORGED = 'UNAVAILABLE grant mac';

/** Every place in the record where a value stands. */
function leavesOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, member]) => leavesOf(member, [...path, name]));
}

function changedAt<T>(value: T, [name, ...rest]: readonly string[]): T {
  if (name === undefined) {
    if (typeof value === 'number') return ((value as number) + 1) as T;
    return (typeof value === 'boolean' ? !value : `${String(value)}x`) as T;
  }
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<string, unknown>;
  copy[name] = changedAt(copy[name], rest);
  return copy as T;
}

describe('the MAC of a grant', () => {
  it('passes what was sealed, whatever order a store gives the members back in', () => {
    const sealed = sealGrant(record, key);
    const shuffled = Object.fromEntries(Object.entries(record).toReversed()) as GrantRecord;
    expect(codeOf(() => checkGrant(sealed, expected, key))).toBeUndefined();
    expect(codeOf(() => checkGrant({ ...sealed, record: shuffled }, expected, key))).toBeUndefined();
  });

  it.each(leavesOf(record).map((path) => [path.join('.'), path] as const))('covers %s', (_, path) => {
    const forged = { ...sealGrant(record, key), record: changedAt(record, path) };
    const agreeing = {
      address: forged.record.id.split('.').slice(0, 2).join('.'),
      policyVersion: forged.record.policyVersion,
      epoch: forged.record.epoch,
    };
    expect(codeOf(() => checkGrant(forged, agreeing, key))).toBe(FORGED);
  });

  it('covers members that were added or taken away', () => {
    const { mac } = sealGrant(record, key);
    const { pin: _, ...less } = record;
    const more = { ...record, admin: true };
    expect(codeOf(() => checkGrant({ record: more, mac }, expected, key))).toBe(FORGED);
    expect(codeOf(() => checkGrant({ record: less as GrantRecord, mac }, expected, key))).toBe(FORGED);
  });

  it('passes under no other key, and no other text than itself', () => {
    const { mac } = sealGrant(record, key);
    expect(codeOf(() => checkGrant({ record, mac }, expected, new Uint8Array(32).fill(2)))).toBe(FORGED);
    for (const other of ['', mac.slice(1), `${mac}A`, `A${mac.slice(1)}`, '\u{1F512}'.repeat(11)]) {
      if (other !== mac) expect(codeOf(() => checkGrant({ record, mac: other }, expected, key))).toBe(FORGED);
    }
  });

  it('refuses a genuine grant of another key, policy version or epoch: somebody moved it', () => {
    const sealed = sealGrant(record, key);
    for (const asked of [
      { ...expected, address: '3.other-hash' },
      { ...expected, address: '3.key-has' },
      { ...expected, address: '4.key-hash' },
      { ...expected, policyVersion: '8.hash' },
      { ...expected, epoch: 'epoch-2' },
    ]) {
      expect(codeOf(() => checkGrant(sealed, asked, key))).toBe(FORGED);
    }
  });

  it('says only what this gateway knows, never what a forger wrote', () => {
    try {
      checkGrant({ record: { ...record, decisionId: 'forged' }, mac: 'forged' }, expected, key);
      throw new Error('passed');
    } catch (error) {
      expect((error as Refusal).evidence).toEqual({ grant_id: '3.key-hash' });
    }
  });

  it('takes no defect of this gateway for a forgery', () => {
    const broken = new Error('of our own');
    const torn = {
      get record(): GrantRecord {
        throw broken;
      },
      mac: '',
    };
    expect(() => checkGrant(torn, expected, key)).toThrow(broken);
  });

  it('is a refusal, never a defect, for any record and any MAC', () => {
    fc.assert(
      fc.property(fc.dictionary(anyText(), fc.anything()), anyText(), (junk, mac) => {
        const forged = { record: { ...record, ...junk }, mac } as unknown as SealedGrant;
        return codeOf(() => checkGrant(forged, expected, key)) === FORGED;
      }),
      {
        examples: [
          [{ sub: '\uD800' }, ''],
          [{ id: undefined }, 'x'],
        ],
      },
    );
  });
});

describe('a store that somebody else writes', () => {
  const corrupt = (store: GrantStore, change: (grant: SealedGrant) => SealedGrant): GrantStore =>
    watched(store, {
      take: async (request): Promise<TakeAnswer> => {
        const answer = await store.take(request);
        if (answer.kind !== 'answered') return answer;
        const answers = answer.answers.map((one) =>
          one.kind === 'taken' ? { ...one, grant: change(one.grant) } : one,
        );
        return { ...answer, answers };
      },
    });

  it('gets no secret out with a longer life, a higher limit or another key’s grant, and raises an alarm', async () => {
    const alarms: string[] = [];
    const world = new World({ onForgedGrant: (address) => alarms.push(address) });
    const mine = await world.permit();
    const theirs = await world.permit({ uri: 'openbao+kv2://secret/app/other#token' });
    const { store } = world.desk;
    const steps: ((grant: SealedGrant) => SealedGrant)[] = [
      ({ record: was, mac }) => ({ record: { ...was, expiresAtMs: was.expiresAtMs + 1 }, mac }),
      ({ record: was, mac }) => ({ record: { ...was, limits: { ...was.limits, maxUses: 6 } }, mac }),
      ({ record: was }) => sealGrant(was, new Uint8Array(32)),
      ({ record: was }) => sealGrant({ ...was, id: theirs.grant.id }, world.desk.keys.mac),
    ];
    for (const step of steps) {
      world.use(corrupt(store, step));
      expect(await refused(world.permit())).toMatchObject({ code: 'UNAVAILABLE', check: 'grant mac' });
    }
    const address = mine.grant.id.split('.').slice(0, 2).join('.');
    expect(alarms).toEqual(Array(steps.length).fill(address));
    world.use(corrupt(store, (grant) => grant));
    expect((await world.permit({ uri: 'openbao+kv2://secret/app/other#token' })).issued).toBe(false);
  });
});
