import { randomUUID } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { Journal } from '#libs/audit/trail.js';
import type { Arrival } from '#libs/enforcement/arrival.js';
import type { Gate } from '#libs/enforcement/gate.js';
import { Refused, type Answer } from '#libs/enforcement/passage.js';
import { readSecret } from '#libs/enforcement/read-secret.js';
import type { JsonObject } from '#libs/kernel/json.js';
import type { ReadAnswer, SecretProvider } from '#libs/providers/secret-provider.js';

import { ManualClock } from '../support/clock.js';
import { APP, startGateway, valuePath, type Gateway } from '../support/gateway.js';

const never = async (): Promise<never> => await new Promise<never>(() => {});
/** Lets everything run that can run without the clock moving. */
const settle = async (): Promise<void> => {
  for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** What takes real time (the disk, a signature) is waited for: the clock of these tests moves only when they say so. */
const until = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) await settle();
};

/** The line without HTTP, as a program that embeds it calls it; one port at a time is made to fail. */
describe('the read line', () => {
  let clock: ManualClock;
  let gateway: Gateway;
  let gate: Gate;

  beforeEach(async () => {
    clock = new ManualClock();
    gateway = await startGateway({ clock });
    ({ gate } = gateway);
  });
  afterEach(async () => {
    await settle();
    await gateway.close();
  });

  const arrival = (uri = 'yaml://kv/app/api#token', token = gateway.mint()): Arrival => ({
    origin: { requestId: randomUUID(), correlationId: 'c-1', action: 'embedded' },
    read: () => ({
      presented: {
        method: 'GET',
        path: APP,
        authorization: [`DPoP ${token}`],
        dpop: [gateway.prove({ token, path: APP })],
      },
      wanted: { purpose: 'execute', uri },
      about: { correlationId: 'c-1', address: '127.0.0.1' },
    }),
  });
  const provider = (reads: (...asked: Parameters<SecretProvider['read']>) => Promise<ReadAnswer>): Gate => ({
    ...gate,
    vault: { ...gate.vault, providers: new Map([['yaml', { read: reads }]]) },
  });
  const saying = (answer: ReadAnswer): Gate => provider(async () => answer);
  /** The real journal, with one thing about it changed. */
  const auditWith = (changes: Partial<Journal>): Gate['audit'] => {
    const { journal } = gate.audit;
    const same: Journal = {
      chain: (fields) => journal.chain(fields),
      append: async (fields) => await journal.append(fields),
      admits: (code) => journal.admits(code),
      monotonic: () => journal.monotonic(),
      committedBy: journal.committedBy,
      accepting: journal.accepting,
    };
    return { ...gate.audit, journal: { ...same, ...changes } };
  };
  const refused = async (work: Promise<Answer>): Promise<Refused> =>
    await work.then(
      () => {
        throw new Error('nothing was refused');
      },
      (error: unknown) => {
        if (error instanceof Refused) return error;
        throw error;
      },
    );
  const recordsOf = async (requestId: string): Promise<readonly JsonObject[]> =>
    (await gateway.records()).filter((record) => record['request_id'] === requestId);
  const kinds = (records: readonly JsonObject[]): readonly unknown[] =>
    records.map(({ type, outcome, code }) => [type, outcome ?? code].filter((each) => each !== undefined).join(' '));

  it('I1: releases a value under one use and one durable intent of its own request, then records what became of it', async () => {
    const asked = arrival();
    const answer = await readSecret(gate, asked);
    const { release } = answer;
    expect(release.value).toBe(gateway.canary);
    const before = await recordsOf(asked.origin.requestId);
    expect(kinds(before)).toEqual(['grant', 'intent']);
    expect(release.receipt.toString()).toBe(
      `${String(before[1]?.['w'])}.${String(before[1]?.['seq'])}.${release.receipt.head.hash}`,
    );
    expect(before[1]).toMatchObject({
      effect: 'permit',
      use_no: 1,
      grant_id: release.use.grant.id,
      purpose: 'execute',
    });
    await answer.settle('sent');
    const after = await recordsOf(asked.origin.requestId);
    expect(kinds(after)).toEqual(['grant', 'intent', 'result sent']);
    expect(after[2]).toMatchObject({ cause: release.receipt.head.hash, committed_by: 'file' });
  });

  it('records one result, whatever is said twice', async () => {
    const asked = arrival();
    const answer = await readSecret(gate, asked);
    await Promise.all([answer.settle('aborted'), answer.settle('sent')]);
    expect(kinds(await recordsOf(asked.origin.requestId))).toEqual(['grant', 'intent', 'result aborted']);
  });

  it('I33: audits what its reading of the request refuses, before anything was checked', async () => {
    const asked = { ...arrival(), read: () => JSON.parse('{') as never };
    expect((await refused(readSecret(gate, asked))).refusal.code).toBe('INTERNAL');
    expect(kinds(await recordsOf(asked.origin.requestId))).toEqual(['refusal INTERNAL']);
  });

  describe('when the provider', () => {
    const cases: readonly (readonly [what: string, answer: ReadAnswer, code: string])[] = [
      ['has no such secret', { kind: 'not_found' }, 'NOT_FOUND'],
      ['has deleted the version', { kind: 'version_deleted' }, 'VERSION_DELETED'],
      ['has destroyed the version', { kind: 'version_destroyed' }, 'VERSION_DESTROYED'],
      ['keeps no versions', { kind: 'version_unsupported' }, 'VERSION_UNSUPPORTED'],
      ['makes no sense', { kind: 'bad_answer' }, 'BAD_PROVIDER_ANSWER'],
    ];
    it.each(cases)(
      '%s: refuses with %s, records that nothing was released, and gives the use back',
      async (_what, answer, code) => {
        const asked = arrival('yaml://kv/few/token');
        const { refusal, receipt } = await refused(readSecret(saying(answer), asked));
        expect(refusal.code).toBe(code);
        const records = await recordsOf(asked.origin.requestId);
        expect(kinds(records)).toEqual(['grant', 'intent', 'result not_released']);
        expect(records[2]).toMatchObject({ code });
        expect(receipt).toMatch(new RegExp(`^${String(records[1]?.['w'])}\\.${String(records[1]?.['seq'])}\\.`));
        // max_uses is 3: had the use not come back, the third of these would ask the policy anew and issue a second grant
        const uses = [];
        for (let at = 0; at < 3; at += 1)
          uses.push(await readSecret(saying({ kind: 'value', value: 'v' }), arrival('yaml://kv/few/token')));
        expect(uses.map(({ release }) => [release.use.useNo, release.use.left])).toEqual([
          [2, 2],
          [3, 1],
          [4, 0],
        ]);
      },
    );

    it('fails: 503, nothing released, the use given back', async () => {
      const asked = arrival();
      const broken = provider(async () => await Promise.reject(new Error(`connection to ${gateway.canary} lost`)));
      const { refusal } = await refused(readSecret(broken, asked));
      expect([refusal.code, refusal.check]).toEqual(['UNAVAILABLE', 'provider failed']);
      const records = await recordsOf(asked.origin.requestId);
      expect(kinds(records)).toEqual(['grant', 'intent', 'result not_released']);
      expect(JSON.stringify(records)).not.toContain(gateway.canary);
    });

    it('throws before its first await: 503 all the same', async () => {
      const broken = provider(() => {
        throw new Error('at once');
      });
      expect((await refused(readSecret(broken, arrival()))).refusal.code).toBe('UNAVAILABLE');
    });

    it('I23: hangs: 503 at its deadline, told to stop, and what it says later is not heard', async () => {
      let told: AbortSignal | undefined;
      const hanging = provider(async (_uri, signal) => {
        told = signal;
        return await never();
      });
      let durable = false;
      const watched = auditWith({
        chain: (fields) => {
          const chained = gate.audit.journal.chain(fields);
          if (fields.type === 'intent') void chained.durable.then(() => (durable = true));
          return chained;
        },
      });
      const asked = arrival();
      const outcome = refused(readSecret({ ...hanging, audit: watched }, asked));
      // both halves are under way, and the intent is durable: only the provider is waited for
      await until(async () => told !== undefined && durable);
      await settle();
      clock.advance(999);
      expect(told?.aborted).toBe(false);
      clock.advance(1);
      expect((await outcome).refusal).toMatchObject({ code: 'UNAVAILABLE', check: 'provider late' });
      expect(told?.aborted).toBe(true);
      expect(kinds(await recordsOf(asked.origin.requestId))).toEqual(['grant', 'intent', 'result not_released']);
    });
  });

  it('releases nothing later than RELEASE_WITHIN_MS after the take was sent, and gives that use back', async () => {
    const slow = provider(async () => {
      clock.advance(900);
      return { kind: 'value', value: 'too late' };
    });
    const patient = { ...slow, grants: { ...slow.grants, releaseWithinMs: 900 } };
    const asked = arrival();
    const { refusal } = await refused(readSecret(patient, asked));
    expect(refusal).toMatchObject({ code: 'UNAVAILABLE', check: 'release late' });
    expect(kinds(await recordsOf(asked.origin.requestId))).toEqual(['grant', 'intent', 'result not_released']);
  });

  describe('I27: without an intent that is durable', () => {
    it('no value leaves when the sink takes nothing: 503 before a use is taken', async () => {
      let fetched = 0;
      const counting = provider(async () => {
        fetched += 1;
        return { kind: 'value', value: 'v' };
      });
      const keys = gateway.storedKeys();
      const { refusal } = await refused(readSecret({ ...counting, audit: auditWith({ accepting: false }) }, arrival()));
      expect(refusal).toMatchObject({ code: 'UNAVAILABLE', check: 'audit not accepting' });
      expect(fetched).toBe(0);
      expect(gateway.storedKeys()).toBe(keys);
    });

    it('no value leaves when the intent fails, though the provider has it; the use stays spent', async () => {
      const { journal } = gate.audit;
      const audit = auditWith({
        chain: (fields) => {
          const chained = journal.chain(fields);
          return fields.type === 'intent' ? { ...chained, durable: Promise.reject(new Error('disk')) } : chained;
        },
      });
      const failing = { ...gate, audit };
      const { refusal, receipt } = await refused(readSecret(failing, arrival('yaml://kv/few/token')));
      expect(refusal.code).toBe('UNAVAILABLE');
      expect(receipt).toBeUndefined();
      const next = await readSecret(gate, arrival('yaml://kv/few#token'));
      expect(next.release.use.useNo).toBe(1);
      const again = await readSecret(saying({ kind: 'value', value: 'v' }), arrival('yaml://kv/few/token'));
      expect([again.release.use.useNo, again.release.use.left]).toEqual([2, 1]);
    });
  });

  it('answers 503, and not the refusal, when the refusal cannot be recorded', async () => {
    const audit = auditWith({ append: async () => await Promise.reject(new Error('disk')) });
    const asked = arrival('yaml://kv/plans#next');
    const { refusal, receipt } = await refused(readSecret({ ...gate, audit }, asked));
    expect([refusal.code, receipt]).toEqual(['UNAVAILABLE', undefined]);
  });

  it('I23: a policy decision point that hangs, throws or lies is 503, and nothing is issued', async () => {
    const pdp = (evaluate: Gate['grants']['decision']['pdp']['evaluate']): Gate => ({
      ...gate,
      grants: {
        ...gate.grants,
        decision: { ...gate.grants.decision, pdp: { policyVersion: () => '1.x', evaluate } },
      },
    });
    for (const evaluate of [
      async () => await Promise.reject(new Error('down')),
      async () => ({ decision: 'true' }) as never,
      async () => ({ decision: true }) as never,
      async () => null as never,
    ]) {
      expect((await refused(readSecret(pdp(evaluate), arrival()))).refusal.code).toBe('UNAVAILABLE');
    }
    let asked = false;
    const hanging = async (): Promise<never> => {
      asked = true;
      return await never();
    };
    const outcome = refused(readSecret(pdp(hanging), arrival()));
    await until(async () => asked);
    clock.advance(300);
    expect((await outcome).refusal).toMatchObject({ code: 'UNAVAILABLE', check: 'pdp late' });
    expect((await gateway.records()).filter(({ type }) => type === 'grant')).toEqual([]);
  });

  it('I28: prints a sealed value nowhere', async () => {
    const { release } = await readSecret(gate, arrival());
    expect(valuePath('yaml://kv/app/api#token')).toBe(APP);
    expect(JSON.stringify(release.use)).not.toContain(gateway.canary);
    expect(await gateway.auditLines()).not.toEqual(expect.arrayContaining([expect.stringContaining(gateway.canary)]));
  });
});
