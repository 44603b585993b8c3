import { describe, expect, it } from '@jest/globals';

import { giveBack } from '#libs/grants/permit.js';

import { closedGate, refused, settled, watched, World } from './world.js';

const quota = { uses: 1, period_seconds: 86_400 };

describe('giveBack', () => {
  it('gives back the use and its count in the quota, once', async () => {
    const world = new World();
    world.pdp.terms = { max_uses: 1, quota };
    const use = await world.permit();
    expect((await refused(world.permit())).code).toBe('QUOTA_EXHAUSTED');
    expect(await giveBack(use, world.desk, world.deadline())).toBe(true);
    expect(await giveBack(use, world.desk, world.deadline())).toBe(false);
    const again = await world.permit();
    expect(again).toMatchObject({ useNo: 2, left: 0, issued: false });
    expect(again.grant.id).toBe(use.grant.id);
    expect((await refused(world.permit())).code).toBe('QUOTA_EXHAUSTED');
  });

  it('gives back each of two uses of one grant, and no third', async () => {
    const world = new World();
    world.pdp.terms = { max_uses: 3 };
    const [one, two] = [await world.permit(), await world.permit()];
    for (const use of [one, two, one, two]) await giveBack(use, world.desk, world.deadline());
    expect(await world.permit()).toMatchObject({ useNo: 3, left: 2 });
  });

  it.each(['write', 'delete', 'rotate', 'read_metadata'] as const)(
    'gives nothing back for %s: the call may have happened',
    async (purpose) => {
      const world = new World();
      const use = await world.permit({
        purpose,
        claims: { scope: 'secrets.write secrets.delete secrets.rotate secrets.read_metadata' },
      });
      expect(await giveBack(use, world.desk, world.deadline())).toBe(false);
      expect(
        (
          await world.permit({
            purpose,
            claims: { scope: 'secrets.write secrets.delete secrets.rotate secrets.read_metadata' },
          })
        ).left,
      ).toBe(3);
    },
  );

  it('gives nothing back to a grant that replaced the use’s own', async () => {
    const world = new World();
    world.pdp.terms = { max_uses: 1 };
    const first = await world.permit();
    world.pdp.terms = { max_uses: 3 };
    await world.permit();
    expect(await giveBack(first, world.desk, world.deadline())).toBe(false);
    expect((await world.permit()).left).toBe(1);
  });

  it('gives nothing back a minute after the take', async () => {
    const world = new World();
    const [early, late] = [await world.permit(), await world.permit()];
    world.clock.advance(59_999);
    expect(await giveBack(early, world.desk, world.deadline())).toBe(true);
    world.clock.advance(1);
    expect(await giveBack(late, world.desk, world.deadline())).toBe(false);
  });

  it('gives nothing back to a store that lost its data', async () => {
    const world = new World();
    const use = await world.permit();
    world.use(world.newStore());
    expect(await giveBack(use, world.desk, world.deadline())).toBe(false);
  });

  it('never throws: what the store does not confirm is lost', async () => {
    const world = new World();
    const use = await world.permit();
    const { store } = world.desk;
    world.use(
      watched(store, {
        giveBack: async () => {
          throw new Error('down');
        },
      }),
    );
    expect(await giveBack(use, world.desk, world.deadline())).toBe(false);
    const { gate } = closedGate();
    world.use(
      watched(store, {
        giveBack: async () => {
          await gate;
          return { kind: 'given_back' };
        },
      }),
    );
    const waiting = giveBack(use, world.desk, world.deadline());
    await settled();
    world.clock.advance(200);
    expect(await waiting).toBe(false);
  });
});
