import { describe, expect, it } from '@jest/globals';

import { SinkJournal } from '#libs/audit/journal.js';
import { Receipt, Trail, type Origin } from '#libs/audit/trail.js';
import type { JsonObject } from '#libs/kernel/json.js';
import { Refusal } from '#libs/kernel/refusal.js';

import { ManualClock } from '../support/clock.js';
import { MemorySink, settled } from './memory-sink.js';
import { fileOf, verified, W1 } from './trails.js';

const ORIGIN: Origin = {
  requestId: 'req-1',
  correlationId: 'cor-1',
  action: 'GET /api/secrets/value/{uri}',
  addressPrefix: '10.0.0.0/24',
};

/** A proof as the line has them: what it says in a record. */
type Proof = JsonObject;
const CALLER: Proof = { iss: 'https://issuer.test', sub: 'svc', client_id: 'svc' };
const USE: Proof = {
  ...CALLER,
  tenant: 't1',
  purpose: 'execute',
  grant_id: 'g1',
  use_no: 1,
  decision_id: 'd1',
  resource_ref: '1.abc',
};

async function opened({ refusalsPerSecond = 50 } = {}) {
  const [sink, clock] = [new MemorySink(), new ManualClock()];
  const journal = await SinkJournal.open({ sink, clock, w: W1, committedBy: 'file', limits: { refusalsPerSecond } });
  const trail = Trail.open<Proof>(journal, ORIGIN, (proof) => proof);
  /** Without the open record. */
  const records = () => sink.records.slice(1);
  return { sink, clock, journal, trail, records };
}

describe('a trail', () => {
  it('writes an intent of what the proof says, and joins the result to it', async () => {
    const { sink, clock, trail, records } = await opened();
    trail.saw(CALLER, 'authenticate');
    clock.advance(2);
    trail.saw(USE, 'permit');
    const receipt = await trail.intent(USE);
    clock.advance(3);
    const head = await trail.result('sent');
    const [intent, result] = records();
    expect(intent).toMatchObject({
      type: 'intent',
      effect: 'permit',
      request_id: 'req-1',
      correlation_id: 'cor-1',
      action: ORIGIN.action,
      address_prefix: '10.0.0.0/24',
      ...USE,
      latency_us: { authenticate: 0, permit: 2000 },
    });
    expect(result).toMatchObject({
      type: 'result',
      effect: 'permit',
      outcome: 'sent',
      committed_by: 'file',
      cause: receipt.head.hash,
      request_id: 'req-1',
      tenant: 't1',
      grant_id: 'g1',
      decision_id: 'd1',
      latency_us: { authenticate: 0, permit: 2000, intent: 0, total: 5000 },
    });
    expect(result).not.toHaveProperty('resource_ref');
    expect(receipt.toString()).toBe(`${W1}.1.${receipt.head.hash}`);
    expect([receipt.subject, receipt.requestId]).toEqual([USE, 'req-1']);
    expect(head.seq).toBe(2);
    expect(await verified([fileOf('f', sink.lines)])).toMatchObject({ intact: true, unknownOutcomes: { count: 0 } });
  });

  it('hands the proof on', async () => {
    const { trail } = await opened();
    expect(trail.saw(USE, 'permit')).toBe(USE);
  });

  it('writes the grant that the request was issued before the intent, and the intent follows from it', async () => {
    const { journal, trail, records } = await opened();
    await trail.intent(USE, { event: 'issued', max_uses: 5, expires_at: '2026-01-01T00:05:00.000Z' });
    const [grant, intent] = records();
    expect(grant).toMatchObject({ type: 'grant', event: 'issued', max_uses: 5, grant_id: 'g1', seq: 1 });
    expect(grant).not.toHaveProperty('effect');
    expect(intent).toMatchObject({ type: 'intent', seq: 2, cause: intent!['prev'] });
    await journal.close();
  });

  it('has no cause of an intent under a grant that was there', async () => {
    const { trail, records } = await opened();
    await trail.intent(USE);
    expect(records()[0]).not.toHaveProperty('cause');
  });

  it('gives no receipt before the intent is durable, and none when it fails', async () => {
    const { sink, clock, trail } = await opened();
    sink.mode = 'hang';
    const intent = trail.intent(USE);
    await settled();
    expect([trail.intending, trail.intended]).toEqual([true, undefined]);
    clock.advance(1000);
    await expect(intent).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(trail.intended).toBeUndefined();
    sink.release();
  });

  it('says whether an intent was begun', async () => {
    const { trail } = await opened();
    expect(trail.intending).toBe(false);
    const receipt = await trail.intent(USE);
    expect([trail.intending, trail.intended]).toEqual([true, receipt]);
  });

  it('joins the result to an intent whose waiting ended, and both reach the sink', async () => {
    const { sink, clock, trail, records } = await opened();
    sink.mode = 'reject';
    await expect(trail.intent(USE)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(
      trail.result('not_released', new Refusal('UNAVAILABLE', { check: 'audit failed' })),
    ).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    sink.mode = 'accept';
    clock.advance(250);
    await settled();
    expect(records()).toMatchObject([
      { type: 'intent' },
      {
        type: 'result',
        outcome: 'not_released',
        effect: 'error',
        code: 'UNAVAILABLE',
        check: 'audit failed',
        cause: records()[1]!['prev'],
      },
    ]);
    expect(await verified([fileOf('f', sink.lines)])).toMatchObject({ intact: true, unknownOutcomes: { count: 0 } });
  });

  it('has begun no intent when nothing more can be chained', async () => {
    const { journal, trail } = await opened();
    await journal.close();
    await expect(trail.intent(USE)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(trail.intending).toBe(false);
  });

  it('writes one result, the first', async () => {
    const { trail, records } = await opened();
    await trail.intent(USE);
    const [first, second] = await Promise.all([trail.result('aborted'), trail.result('sent')]);
    expect(second).toBe(first);
    expect(records().map(({ outcome }) => outcome)).toEqual([undefined, 'aborted']);
  });

  it('knows no result without an intent', async () => {
    const { trail } = await opened();
    await expect(trail.result('sent')).rejects.toThrow('there is none');
  });
});

describe('a trail of a refused request', () => {
  it('says which check failed, and what was known', async () => {
    const { clock, trail, records } = await opened();
    trail.note({ purpose: 'execute', reason: 'TICKET-1' });
    trail.saw(CALLER, 'authenticate');
    clock.advance(1);
    const head = await trail.refused(
      new Refusal('DENIED', { check: 'policy', detail: 'no', evidence: { policy_ids: ['p1'], decision_id: 'd1' } }),
    );
    expect(records()).toEqual([
      {
        v: 1,
        type: 'refusal',
        ts: '2026-01-01T00:00:00.001Z',
        w: W1,
        seq: 1,
        prev: expect.any(String),
        request_id: 'req-1',
        correlation_id: 'cor-1',
        action: ORIGIN.action,
        address_prefix: '10.0.0.0/24',
        purpose: 'execute',
        reason: 'TICKET-1',
        ...CALLER,
        policy_ids: ['p1'],
        decision_id: 'd1',
        effect: 'deny',
        code: 'DENIED',
        check: 'policy',
        latency_us: { authenticate: 0, refusal: 1000, total: 1000 },
      },
    ]);
    expect(head?.seq).toBe(1);
  });

  it('lets no evidence pass for what the line knows', async () => {
    const { trail, records } = await opened();
    trail.saw(CALLER);
    await trail.refused(
      new Refusal('DENIED', {
        evidence: {
          sub: 'root',
          request_id: 'x',
          type: 'result',
          effect: 'permit',
          code: 'OK',
          seq: 0,
          w: 'x',
          prev: 'x',
          v: 9,
        },
      }),
    );
    expect(records()[0]).toMatchObject({
      v: 1,
      seq: 1,
      w: W1,
      sub: 'svc',
      request_id: 'req-1',
      type: 'refusal',
      effect: 'deny',
      code: 'DENIED',
    });
  });

  it.each([
    ['DENIED', 'deny'],
    ['RATE_LIMITED', 'deny'],
    ['NOT_FOUND', 'deny'],
    ['UNAVAILABLE', 'error'],
    ['INTERNAL', 'error'],
    ['BAD_PROVIDER_ANSWER', 'error'],
    ['QUOTA_UNKNOWN', 'error'],
  ] as const)('calls %s a %s', async (code, effect) => {
    const { trail, records } = await opened();
    await trail.refused(new Refusal(code));
    expect(records()[0]).toMatchObject({ code, effect });
  });

  it('only counts, and has no head, when nobody is known and there were too many', async () => {
    const { clock, trail, records } = await opened({ refusalsPerSecond: 0 });
    expect(await trail.refused(new Refusal('INVALID_TOKEN'))).toBeUndefined();
    clock.advance(1000);
    await settled();
    expect(records()).toMatchObject([{ type: 'suppressed', counts: { INVALID_TOKEN: 1 } }]);
  });

  it('always records the refusal of a caller who is known', async () => {
    const { trail, records } = await opened({ refusalsPerSecond: 0 });
    trail.saw(CALLER);
    await trail.refused(new Refusal('DENIED'));
    expect(records()).toHaveLength(1);
  });

  it('keeps detail and cause out: nothing of the canary', async () => {
    const canary = 'hunter2-canary';
    const { trail, sink } = await opened();
    const refusal = new Refusal('INVALID_REQUEST', {
      detail: canary,
      cause: new Error(canary),
      evidence: { value: canary, path: canary, token: canary, detail: canary },
    });
    await trail.refused(refusal);
    await trail.intent({ ...USE, value: canary, uri: canary, binding: { kind: 'none', jti: `${canary} ${canary}` } });
    await trail.result('not_released', refusal);
    expect(sink.lines).toHaveLength(4);
    expect(sink.lines.join('\n')).not.toContain(canary);
  });
});

describe('a receipt', () => {
  it('is told from its look-alikes', async () => {
    const { trail } = await opened();
    const receipt = await trail.intent(USE);
    expect(Receipt.is(receipt)).toBe(true);
    expect(Receipt.is(Object.assign({}, receipt))).toBe(false);
    expect(Receipt.is(undefined)).toBe(false);
    // @ts-expect-error a receipt is made by Trail.intent alone
    void ((): unknown => new Receipt(USE, 'req-1', receipt.head));
  });
});
