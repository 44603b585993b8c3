import { describe, expect, it } from '@jest/globals';

import type { GrantStore } from '#libs/grants/grant-store.js';
import { ClientCertificate } from '#libs/identity/certificate.js';
import type { Epoch } from '#libs/identity/replay-guard.js';

import { refused, watched, World } from './world.js';

/** A world whose store lost its data just now, between the nonce check and the take. */
async function lostUnder(world: World): Promise<Epoch> {
  const lost: GrantStore = world.newStore(true);
  world.use(lost);
  return await lost.epochOf(0);
}

describe('when the store lost its data between the nonce check and the take', () => {
  it('a DPoP caller is told a nonce of the new epoch, and goes on with it at once', async () => {
    const world = new World();
    await world.permit();
    const target = await world.target({ withNonce: true });
    const epoch = await lostUnder(world);
    const refusal = await refused(world.permitFor(target));
    expect(refusal).toMatchObject({
      code: 'USE_DPOP_NONCE',
      check: 'store epoch',
      detail: 'Sign a fresh proof with the nonce of this answer.',
    });
    expect(refusal.hints.dpopNonce).toBe(world.desk.nonceFor(epoch));
    expect(await world.permit({ withNonce: true })).toMatchObject({ useNo: 1, issued: true });
  });

  it('a DPoP caller is told so at the issue too, after the PDP was asked', async () => {
    const world = new World();
    const target = await world.target({ withNonce: true });
    const { store } = world.desk;
    const after = world.newStore(true);
    world.use(watched(store, { issueAndTake: (request) => after.issueAndTake(request) }));
    expect((await refused(world.permitFor(target))).code).toBe('USE_DPOP_NONCE');
    expect(world.pdp.asked).toHaveLength(1);
  });

  it('an unbound token of before: TOKEN_PREDATES_STORE, and the PDP is not asked', async () => {
    const world = new World();
    const target = await world.target({ key: null });
    await lostUnder(world);
    expect(await refused(world.permitFor(target))).toMatchObject({ code: 'TOKEN_PREDATES_STORE' });
    expect(world.pdp.asked).toHaveLength(0);
  });

  it('an unbound token of after is tried once more under the new epoch, by take and by issue', async () => {
    const world = new World();
    const target = await world.target({ key: null });
    const replacement: GrantStore = world.newStore();
    world.use(replacement);
    const use = await world.permitFor(target);
    expect(use).toMatchObject({ useNo: 1, issued: true });
    expect((await replacement.epochOf(0)).id).not.toBe(target.bound.epoch.id);
  });

  it('nobody is tried a third time: UNAVAILABLE', async () => {
    const world = new World();
    const target = await world.target({ key: null });
    let takes = 0;
    world.use(
      watched(world.desk.store, {
        take: async () => {
          takes += 1;
          return { kind: 'epoch_changed', epoch: { id: `epoch ${takes}`, since: 0 } };
        },
      }),
    );
    expect(await refused(world.permitFor(target))).toMatchObject({ code: 'UNAVAILABLE', check: 'store epoch' });
    expect(takes).toBe(2);
  });
});

describe('under an epoch that began with a loss of data', () => {
  // With nonces off the fresh proof of an honest caller cannot be told from one of before until the window has passed.
  it('a proof without a nonce is refused until iat is later than since + 10 s + skew, and given a nonce', async () => {
    const world = new World();
    const epoch = await lostUnder(world);
    const refusal = await refused(world.permit());
    expect(refusal).toMatchObject({ code: 'USE_DPOP_NONCE' });
    expect(refusal.hints.dpopNonce).toBe(world.desk.nonceFor(epoch));
    expect((await world.permit({ withNonce: true })).issued).toBe(true);
    world.clock.advance(12_000);
    expect((await refused(world.permit())).code).toBe('USE_DPOP_NONCE');
    world.clock.advance(1_000);
    expect((await world.permit()).useNo).toBe(2);
  });

  it('an unbound token is refused until its iat is later than since + leeway + skew', async () => {
    const world = new World();
    await lostUnder(world);
    world.clock.advance(7_000);
    expect(await refused(world.permit({ key: null }))).toMatchObject({
      code: 'TOKEN_PREDATES_STORE',
      check: 'token before epoch',
      detail: 'The token is older than what is remembered here: get a new one.',
    });
    world.clock.advance(1_000);
    expect((await world.permit({ key: null })).issued).toBe(true);
  });

  it("M1: a certificate's binding is fresh with each connection: its token of before goes on at once", async () => {
    const world = new World();
    const certificate = new ClientCertificate(Buffer.from('mine'));
    const token = world.token({ key: null, certificate });
    expect((await world.permit({ key: null, certificate, token })).issued).toBe(true);
    await lostUnder(world);
    expect(await world.permit({ key: null, certificate, token })).toMatchObject({ useNo: 1, issued: true });
    const both = await refused(world.permit({ certificate }));
    expect(both).toMatchObject({ code: 'USE_DPOP_NONCE' });
  });

  it('a proof that was accepted before the loss is not accepted after it', async () => {
    const world = new World();
    const spent = await world.target();
    await world.permitFor(spent);
    await lostUnder(world);
    expect((await refused(world.permitFor(spent))).code).toBe('USE_DPOP_NONCE');
  });

  it('without a nonce key the refusal simply has none to give', async () => {
    const world = new World({ nonceFor: () => undefined });
    await lostUnder(world);
    const refusal = await refused(world.permit());
    expect(refusal.code).toBe('USE_DPOP_NONCE');
    expect(refusal.hints).not.toHaveProperty('dpopNonce');
  });
});
