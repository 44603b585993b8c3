import { describe, expect, it } from '@jest/globals';

import type { Offer } from '#libs/grants/grant-store.js';
import { GrantUse, permit } from '#libs/grants/permit.js';
import { Deadline } from '#libs/kernel/deadline.js';

import { ManualClock } from '../support/clock.js';
import { ISSUER } from '../support/tokens.js';
import { closedGate, otherKey, refused, settled, TOKEN, watched, World } from './world.js';

describe('permit', () => {
  it('asks the PDP once, and takes from the grant until its uses are spent', async () => {
    const world = new World();
    const uses = [];
    for (let at = 0; at < 5; at += 1) uses.push(await world.permit());
    expect(world.pdp.asked).toHaveLength(1);
    expect(uses.map(({ useNo, left, issued }) => [useNo, left, issued])).toEqual([
      [1, 4, true],
      [2, 3, false],
      [3, 2, false],
      [4, 1, false],
      [5, 0, false],
    ]);
    expect(new Set(uses.map(({ grant }) => grant.id)).size).toBe(1);
    expect(new Set(uses.map(({ takeId }) => takeId)).size).toBe(5);
    expect(uses[0]?.grant).toMatchObject({ policyVersion: '1.one', policyIds: ['app-reads'], maxUses: 5 });
  });

  it('makes the only GrantUse there is', async () => {
    const use = await new World().permit();
    expect(GrantUse.is(use)).toBe(true);
    expect(GrantUse.is(structuredClone({ useNo: use.useNo, left: use.left }))).toBe(false);
  });

  it('asks anew in the same request when the uses are spent, and the new grant counts from one', async () => {
    const world = new World();
    world.pdp.terms = { max_uses: 1 };
    const [first, second] = [await world.permit(), await world.permit()];
    expect(world.pdp.asked).toHaveLength(2);
    expect(second).toMatchObject({ useNo: 1, issued: true });
    expect(second.grant.id).not.toBe(first.grant.id);
    expect(second.grant.decisionId).not.toBe(first.grant.decisionId);
  });

  it('asks anew when the grant has ended, and not before', async () => {
    const world = new World();
    world.pdp.terms = { max_uses: 9, ttl_seconds: 30 };
    await world.permit();
    world.clock.advance(29_999);
    expect((await world.permit()).issued).toBe(false);
    world.clock.advance(1);
    expect((await world.permit()).issued).toBe(true);
  });

  it('N5: asks anew after a policy change, so that a permit that was removed denies at once', async () => {
    const world = new World();
    await world.permit();
    world.pdp.version = '2.two';
    world.pdp.permits = () => false;
    expect((await refused(world.permit())).code).toBe('DENIED');
    world.pdp.version = '1.one';
    expect((await world.permit()).issued).toBe(false);
  });

  it('takes no use when the PDP denies', async () => {
    const world = new World();
    world.pdp.permits = () => false;
    expect((await refused(world.permit())).code).toBe('DENIED');
    world.pdp.permits = () => true;
    expect(await world.permit()).toMatchObject({ useNo: 1, issued: true });
  });
});

describe('a grant is never used for anything that the PDP was not asked about', () => {
  const strong = { claims: { acr: 'gold', groups: ['payments', 'ops'], act: { sub: 'agent-1' } } };
  const about = { reason: 'ticket 7', address: '192.0.2.7' };

  it.each([
    ['a weaker acr', { claims: { ...strong.claims, acr: 'silver' } }, about],
    ['no acr', { claims: { ...strong.claims, acr: undefined } }, about],
    ['fewer groups', { claims: { ...strong.claims, groups: ['payments'] } }, about],
    ['another actor', { claims: { ...strong.claims, act: { sub: 'agent-2' } } }, about],
    ['another authentication', { claims: { ...strong.claims, auth_time: 1_789_999_000 } }, about],
    ['another reason', strong, { ...about, reason: 'ticket 8' }],
    ['no reason', strong, { address: about.address }],
    ['another address', strong, { ...about, address: '198.51.100.9' }],
    ['another client', { claims: { ...strong.claims, client_id: 'reporting' } }, about],
    ['another subject', { claims: { ...strong.claims, sub: 'svc-reporting' } }, about],
    ['another key', { ...strong, key: otherKey }, about],
    ['another purpose', { ...strong, purpose: 'read' as const }, about],
    ['another secret key', { ...strong, uri: 'openbao+kv2://secret/app/api#other' }, about],
    ['the whole map', { ...strong, uri: 'openbao+kv2://secret/app/api' }, about],
    ['a pinned version', { ...strong, uri: 'openbao+kv2://secret/app/api?version=2#token' }, about],
    ['a path that goes on', { ...strong, uri: 'openbao+kv2://secret/app/api/x#token' }, about],
  ])('such as %s', async (_, ask, circumstances) => {
    const world = new World();
    await world.permit(strong, about);
    world.pdp.permits = () => false;
    expect((await refused(world.permit(ask, circumstances))).code).toBe('DENIED');
    expect(world.pdp.asked).toHaveLength(2);
    expect((await world.permit(strong, about)).issued).toBe(false);
  });

  it('while another token, later, of the same facts is the same caller', async () => {
    const world = new World();
    await world.permit(strong, about);
    world.clock.advance(20_000);
    const groups = { claims: { ...strong.claims, groups: ['ops', 'payments'] } };
    expect((await world.permit(groups, about)).issued).toBe(false);
  });

  it('such as no binding, under a bound caller’s grant, and the reverse', async () => {
    const world = new World();
    expect((await world.permit()).issued).toBe(true);
    expect((await world.permit({ key: null })).issued).toBe(true);
    expect((await world.permit()).issued).toBe(false);
  });
});

describe('what permit refuses', () => {
  it('a proof that was used before: PROOF_REPLAYED, and nothing is taken', async () => {
    const world = new World();
    const [first, again] = [await world.target(), await world.target()];
    const target = await world.target();
    const used = await world.permitFor(target);
    expect(used.useNo).toBe(1);
    expect(await refused(world.permitFor(target))).toMatchObject({ code: 'PROOF_REPLAYED', check: 'D15 jti' });
    expect((await world.permitFor(first)).useNo).toBe(2);
    expect((await world.permitFor(again)).useNo).toBe(3);
  });

  it('a proof that is too old by the store’s clock: INVALID_DPOP_PROOF', async () => {
    const world = new World();
    const target = await world.target();
    world.clock.advance(60_001);
    expect(await refused(world.permitFor(target))).toMatchObject({ code: 'INVALID_DPOP_PROOF', check: 'D12 iat' });
    expect(world.pdp.asked).toHaveLength(0);
  });

  it('a spent quota: QUOTA_EXHAUSTED, with the moment when it resets', async () => {
    const world = new World();
    world.pdp.terms = { max_uses: 5, quota: { uses: 2, period_seconds: 86_400 } };
    await world.permit();
    await world.permit({ key: otherKey });
    const refusal = await refused(world.permit());
    expect(refusal).toMatchObject({ code: 'QUOTA_EXHAUSTED', check: 'quota' });
    const nextDay = (Math.floor(world.clock.now() / 86_400_000) + 1) * 86_400_000;
    expect(refusal.hints.resetsAt).toBe(new Date(nextDay).toISOString());
  });

  it('another key while a grant with one_holder lives: BINDING_CHANGED', async () => {
    const world = new World();
    world.pdp.terms = { one_holder: true, ttl_seconds: 60 };
    await world.permit();
    expect(await refused(world.permit({ key: otherKey }))).toMatchObject({ code: 'BINDING_CHANGED' });
    world.clock.advance(60_000);
    expect((await world.permit({ key: otherKey })).issued).toBe(true);
  });

  it('an unbound token that had its grants: TOKEN_REPLAYED, for that secret and purpose only', async () => {
    const world = new World();
    world.pdp.terms = { max_uses: 2 };
    const token = world.token({ key: null });
    await world.permit({ key: null, token });
    await world.permit({ key: null, token });
    expect(await refused(world.permit({ key: null, token }))).toMatchObject({ code: 'TOKEN_REPLAYED' });
    expect((await world.permit({ key: null, token, purpose: 'read' })).issued).toBe(true);
    expect((await world.permit({ key: null })).issued).toBe(true);
  });

  it('no unbound token at all where UNBOUND_GRANTS_PER_JTI is 0, which means unlimited', async () => {
    const world = new World({ unboundGrantsPerJti: 0 });
    world.pdp.terms = { max_uses: 1 };
    const token = world.token({ key: null });
    for (let at = 0; at < 4; at += 1) expect((await world.permit({ key: null, token })).issued).toBe(true);
  });

  it('a quota window that the store cannot know: QUOTA_UNKNOWN', async () => {
    const world = new World();
    world.use(world.newStore(true));
    world.clock.advance(60_000);
    world.pdp.terms = { quota: { uses: 2, period_seconds: 86_400 } };
    expect(await refused(world.permit())).toMatchObject({ code: 'QUOTA_UNKNOWN' });
  });

  it('everything when the store is late: UNAVAILABLE, and the take is not sent again', async () => {
    const world = new World();
    const { store } = world.desk;
    let takes = 0;
    const target = await world.target();
    world.use(
      watched(store, {
        take: async () => {
          takes += 1;
          return await new Promise(() => {});
        },
      }),
    );
    const waiting = refused(world.permitFor(target));
    await settled();
    world.clock.advance(200);
    expect(await waiting).toMatchObject({ code: 'UNAVAILABLE', check: 'store late' });
    expect(takes).toBe(1);
  });

  it('everything when the store fails: UNAVAILABLE, and the take is not sent again', async () => {
    const world = new World();
    let takes = 0;
    const target = await world.target();
    world.use(
      watched(world.desk.store, {
        take: async () => {
          takes += 1;
          throw new Error('READONLY');
        },
      }),
    );
    expect(await refused(world.permitFor(target))).toMatchObject({ code: 'UNAVAILABLE', check: 'store failed' });
    expect(takes).toBe(1);
  });

  it('answers that do not fit the question: UNAVAILABLE', async () => {
    const world = new World();
    const { store } = world.desk;
    for (const answers of [[], [{ kind: 'blocked' as const }, { kind: 'blocked' as const }]]) {
      world.use(watched(store, { take: async () => ({ kind: 'answered', answers }) }));
      expect(await refused(world.permit())).toMatchObject({
        code: 'UNAVAILABLE',
        check: 'store answered another question',
      });
    }
  });
});

describe('what a decision issues', () => {
  it('is a grant with every field of the request and the decision, sealed', async () => {
    const world = new World();
    world.pdp.terms = { max_uses: 3, ttl_seconds: 90, quota: { uses: 9, period_seconds: 60 }, one_holder: true };
    const offers: Offer[] = [];
    const { store } = world.desk;
    world.use(
      watched(store, {
        issueAndTake: async (request) => {
          if (request.offer !== undefined) offers.push(request.offer);
          return await store.issueAndTake(request);
        },
      }),
    );
    const target = await world.target({ uri: 'openbao+kv2://secret/app/api?version=4#token' });
    const { grant } = await world.permitFor(target);
    const record = offers[0]?.grant.record;
    expect(record).toEqual({
      id: grant.id,
      tenant: 'acme',
      iss: ISSUER,
      sub: 'svc-billing',
      clientId: 'billing',
      purpose: 'execute',
      uri: TOKEN,
      pin: 4,
      binding: `jkt:${target.bound.proof?.jkt}`,
      facts: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      decisionId: grant.decisionId,
      policyVersion: '1.one',
      policyIds: ['app-reads'],
      limits: { ttlSeconds: 90, maxUses: 3, quota: { uses: 9, periodSeconds: 60 }, oneHolder: true, maxAuthAge: null },
      expiresAtMs: world.clock.now() + 90_000,
      epoch: target.bound.epoch.id,
    });
    expect(grant.id).toMatch(/^\d+\.[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{22}$/);
    expect(offers[0]?.token).toBeUndefined();
  });

  it('is GRANT_CONTENTION when it ended before it reached the store', async () => {
    const world = new World();
    const { store } = world.desk;
    const exp = world.clock.now() / 1000 + 1;
    world.clock.advance(850);
    const target = await world.target({ claims: { exp } });
    world.use(
      watched(store, {
        issueAndTake: async (request) => {
          world.clock.advance(150);
          return await store.issueAndTake(request);
        },
      }),
    );
    expect(await refused(world.permitFor(target))).toMatchObject({
      code: 'GRANT_CONTENTION',
      hints: { retryAfterSeconds: 1 },
    });
  });
});

describe('a grant’s end', () => {
  const endsIn = async (world: World, terms: object, claims = {}): Promise<number> => {
    world.pdp.terms = { max_uses: 3, ...terms };
    return (await world.permit({ claims })).grant.expiresAtMs - world.clock.now();
  };

  it('N7: is the decision’s TTL, else the default, and never above the maximum', async () => {
    const limits = { ttlDefaultSeconds: 40, ttlMaxSeconds: 100, maxUsesDefault: 2, maxUsesMax: 4 };
    expect(await endsIn(new World({ limits }), { ttl_seconds: 70 })).toBe(70_000);
    expect(await endsIn(new World({ limits }), {})).toBe(40_000);
    expect(await endsIn(new World({ limits }), { ttl_seconds: 101 })).toBe(100_000);
  });

  it('is never later than the token’s', async () => {
    const world = new World();
    const exp = world.clock.now() / 1000 + 20;
    expect(await endsIn(world, { ttl_seconds: 300 }, { exp })).toBe(20_000);
  });

  it('N4: is counted by the store’s clock, not by the gateway’s', async () => {
    const world = new World();
    const storeClock = new ManualClock(world.clock.now() - 8_000);
    world.use(world.newStore(false, storeClock));
    world.pdp.terms = { ttl_seconds: 30, max_uses: 9 };
    expect((await world.permit()).grant.expiresAtMs).toBe(storeClock.now() + 30_000);
    world.clock.advance(9_000);
    storeClock.advance(29_999);
    expect((await world.permit()).issued).toBe(false);
    storeClock.advance(1);
    expect((await world.permit()).issued).toBe(true);
  });

  it('bounds how long a use is good, as RELEASE_WITHIN_MS does, from before the take was sent', async () => {
    const world = new World();
    world.pdp.terms = { max_uses: 9, ttl_seconds: 60 };
    await world.permit();
    const sentAt = world.clock.monotonic();
    const { store } = world.desk;
    world.use(
      watched(store, {
        take: async (request) => {
          const answer = await store.take(request);
          // the answer's way back
          world.clock.advance(150);
          return answer;
        },
      }),
    );
    expect((await world.permit()).goodUntil).toBe(sentAt + 1_500);
    world.clock.advance(60_000 - 150 - 900);
    const lateSentAt = world.clock.monotonic();
    expect((await world.permit()).goodUntil).toBe(lateSentAt + 900);
  });
});

describe('single flight', () => {
  const burst = async (world: World, count: number): Promise<Promise<GrantUse>[]> => {
    const targets = await Promise.all(Array.from({ length: count }, () => world.target()));
    return targets.map((target) => world.permitFor(target));
  };

  it('asks the PDP once for a burst that one grant can serve', async () => {
    const world = new World();
    world.pdp.terms = { max_uses: 30 };
    const { gate, open } = closedGate();
    world.pdp.gate = gate;
    const waiting = await burst(world, 30);
    await settled();
    open();
    const uses = await Promise.all(waiting);
    expect(world.pdp.asked).toHaveLength(1);
    expect(new Set(uses.map(({ grant }) => grant.id)).size).toBe(1);
    expect(new Set(uses.map(({ useNo }) => useNo)).size).toBe(30);
    expect(uses.filter(({ issued }) => issued)).toHaveLength(1);
    expect(world.desk.flights.size).toBe(0);
  });

  it('lets followers that the grant has no use for decide for themselves', async () => {
    const world = new World();
    world.pdp.terms = { max_uses: 4 };
    const uses = await Promise.all(await burst(world, 12));
    expect(new Set(uses.map(({ grant, useNo }) => `${grant.id} ${useNo}`)).size).toBe(12);
    for (const ofOne of Map.groupBy(uses, ({ grant }) => grant.id).values()) {
      expect(ofOne.length).toBeLessThanOrEqual(4);
    }
  });

  it('makes no follower answer with the leader’s refusal', async () => {
    const world = new World();
    let asked = 0;
    world.pdp.permits = () => {
      asked += 1;
      return asked > 1;
    };
    const results = await Promise.allSettled(await burst(world, 6));
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(world.desk.flights.size).toBe(0);
  });

  it('never lets a follower ride on a leader of other facts', async () => {
    const world = new World();
    const { gate, open } = closedGate();
    world.pdp.gate = gate;
    world.pdp.permits = ({ context }) => context?.['acr'] === 'gold';
    const strong = world.permit({ claims: { acr: 'gold' } });
    await settled();
    const weak = refused(world.permit({ claims: { acr: 'silver' } }));
    await settled();
    open();
    expect((await strong).issued).toBe(true);
    expect((await weak).code).toBe('DENIED');
  });

  it('ends a follower’s wait when the follower itself has no time left', async () => {
    const world = new World();
    const { gate, open } = closedGate();
    world.pdp.gate = gate;
    const leading = world.permit();
    await settled();
    const target = await world.target();
    const circumstances = { correlationId: 'c', address: '192.0.2.7' };
    const following = refused(permit(target, circumstances, world.desk, Deadline.start(world.clock, 50)));
    await settled();
    world.clock.advance(50);
    expect((await following).code).toBe('UNAVAILABLE');
    open();
    expect((await leading).issued).toBe(true);
  });

  it('ends a follower’s wait with its own deadline, and the leader’s with the leader’s', async () => {
    const world = new World();
    const { gate } = closedGate();
    world.pdp.gate = gate;
    const waiting = (await burst(world, 3)).map(refused);
    await settled();
    world.clock.advance(300);
    await settled();
    // the leader was late; each follower now asks for itself, and is late too
    expect(await waiting[0]).toMatchObject({ code: 'UNAVAILABLE', check: 'pdp late' });
    expect(world.pdp.asked).toHaveLength(3);
    world.clock.advance(300);
    for (const refusal of await Promise.all(waiting)) {
      expect(refusal).toMatchObject({ code: 'UNAVAILABLE', check: 'pdp late' });
    }
    expect(world.desk.flights.size).toBe(0);
    expect(world.clock.armed).toBe(0);
  });
});

describe('many at once', () => {
  it('N1: get N uses of a quota of N, when 3N come', async () => {
    const world = new World();
    world.pdp.terms = { max_uses: 5, quota: { uses: 20, period_seconds: 86_400 } };
    const targets = await Promise.all(
      Array.from({ length: 60 }, (_, at) => world.target(at % 2 === 0 ? {} : { key: otherKey })),
    );
    const results = await Promise.allSettled(targets.map((target) => world.permitFor(target)));
    const codes = results.flatMap((result) =>
      result.status === 'rejected' ? [(result.reason as { code: string }).code] : [],
    );
    expect(codes).toEqual(Array(40).fill('QUOTA_EXHAUSTED'));
  });

  it('get 3N uses of several grants of N uses each, every use_no once', async () => {
    const world = new World();
    world.pdp.terms = { max_uses: 10 };
    const targets = await Promise.all(Array.from({ length: 30 }, () => world.target()));
    const uses = await Promise.all(targets.map((target) => world.permitFor(target)));
    const byGrant = Map.groupBy(uses, ({ grant }) => grant.id);
    expect(byGrant.size).toBe(3);
    for (const ofOne of byGrant.values()) {
      expect(ofOne.map(({ useNo }) => useNo).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }
  });
});

describe('what a store sees', () => {
  it('is hashes and opaque words in every key: no path, no subject, no jti', async () => {
    const world = new World();
    const seen: unknown[] = [];
    const { store } = world.desk;
    world.use(
      watched(store, {
        take: async (request) => {
          seen.push(request);
          return await store.take(request);
        },
        issueAndTake: async (request) => {
          seen.push({ place: request.place, target: request.target, token: request.offer?.token });
          return await store.issueAndTake(request);
        },
      }),
    );
    await world.permit({ claims: { jti: 'a-jti-in-clear' } });
    await world.permit({ key: null, claims: { jti: 'a-jti-in-clear' } });
    const text = JSON.stringify(seen);
    expect(seen).toHaveLength(4);
    for (const clear of ['secret', 'app', 'token"', 'svc-billing', 'billing', 'acme', 'issuer', 'a-jti-in-clear']) {
      expect(text.replaceAll('"token":', '').includes(clear)).toBe(false);
    }
  });
});
