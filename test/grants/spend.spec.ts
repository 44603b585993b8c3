import { describe, expect, it } from '@jest/globals';

import type { ProofToSpend } from '#libs/grants/grant-store.js';
import { partitionOf } from '#libs/grants/partition.js';
import { replayGuardOf } from '#libs/grants/spend.js';
import type { FreshProof, ReplayAnswer } from '#libs/identity/replay-guard.js';
import type { Target } from '#libs/tenancy/guard.js';

import { refused, watched, World } from './world.js';

const spend = async (world: World, { bound, tenant }: Target): Promise<ReplayAnswer> =>
  await replayGuardOf(world.desk).spend(bound.proof!, {
    partition: partitionOf(tenant.id, bound.caller, world.desk),
    epoch: bound.epoch.id,
  });

describe('a proof on a route without a grant', () => {
  it('is spent once, for takes too, and a take spends it for that route', async () => {
    const world = new World();
    const [one, other] = [await world.target(), await world.target()];
    expect(await spend(world, one)).toEqual({ kind: 'fresh' });
    expect(await spend(world, one)).toEqual({ kind: 'replayed' });
    expect((await refused(world.permitFor(one))).code).toBe('PROOF_REPLAYED');
    await world.permitFor(other);
    expect(await spend(world, other)).toEqual({ kind: 'replayed' });
  });

  it('reaches the store as a keyed hash and a time', async () => {
    const world = new World();
    const seen: ProofToSpend[] = [];
    const { store } = world.desk;
    world.use(
      watched(store, {
        spend: async (proof, place) => {
          seen.push(proof);
          return await store.spend(proof, place);
        },
      }),
    );
    const target = await world.target();
    const proof: FreshProof = target.bound.proof!;
    await spend(world, target);
    expect(seen).toEqual([{ key: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/), iat: proof.iat }]);
    expect(JSON.stringify(seen)).not.toContain(proof.jti);
  });
});
