import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import type { Taken, TakeTarget } from '#libs/grants/grant-store.js';
import { MemoryStore } from '#libs/memory/memory-store.js';

import { Scene, word } from '../contracts/grant-store.support.js';
import { ManualClock } from '../support/clock.js';

/**
 * Random histories of one caller's secret, asked for under two bindings by whatever policy version is in force. The model knows only
 * what was answered and what was given back; everything that the store may say next follows from that.
 */
interface Use {
  readonly taken: Taken;
  readonly target: TakeTarget;
  readonly atMs: number;
  readonly takeId: string;
  released: boolean;
}

interface Model {
  readonly uses: Use[];
  /** Grants as they were first seen. */
  readonly grants: Map<string, string>;
  version: number;
}

interface Real {
  readonly scene: Scene;
  readonly clock: ManualClock;
  readonly targets: readonly TakeTarget[];
}

type Step = fc.AsyncCommand<Model, Real>;

const PERIOD = 60;
const QUOTA = { uses: 6, periodSeconds: PERIOD };

const usesOf = (model: Model, grantId: string): Use[] =>
  model.uses.filter(({ taken }) => taken.grant.record.id === grantId);

/** I2, I3, I8, I9 over all that has happened so far. */
function checkInvariants(model: Model): void {
  for (const [id, sealed] of model.grants) {
    const uses = usesOf(model, id);
    const { limits } = uses[0]!.taken.grant.record;
    const released = uses.filter((use) => use.released);
    expect(released.length).toBeLessThanOrEqual(limits.maxUses); //                       I2, I8
    const numbers = uses.map(({ taken }) => taken.useNo);
    expect(numbers).toEqual(numbers.map((_, at) => at + 1)); //                            I3, I9
    for (const { taken } of uses) {
      expect(JSON.stringify(taken.grant)).toBe(sealed); //                                 I9
      expect(taken.left).toBeGreaterThanOrEqual(0);
      expect(taken.left).toBeLessThan(limits.maxUses);
    }
  }
  const byWindow = Map.groupBy(
    model.uses.filter(({ released }) => released),
    ({ atMs }) => Math.floor(atMs / (PERIOD * 1000)),
  );
  for (const inOne of byWindow.values()) expect(inOne.length).toBeLessThanOrEqual(QUOTA.uses); // I2
}

class Ask implements Step {
  constructor(
    readonly at: number,
    readonly how: 'take' | 'follow' | 'issue',
    readonly maxUses: number,
    readonly ttl: number,
  ) {}

  check(): boolean {
    return true;
  }

  async run(model: Model, { scene, clock, targets }: Real): Promise<void> {
    const target = { ...targets[this.at]!, policyVersion: `${model.version}.policy` };
    const now = clock.now();
    const wish = { maxUses: this.maxUses, endsInMs: this.ttl * 1000, quota: QUOTA };
    const answer = await (this.how === 'issue' ? scene.issue(target, wish) : scene[this.how](target));
    const [live, left] = this.#expected(model, target, now);
    const counted = model.uses.filter(
      ({ atMs, released }) => released && Math.floor(atMs / (PERIOD * 1000)) === Math.floor(now / (PERIOD * 1000)),
    );
    const exhausted = counted.length >= QUOTA.uses;
    if (live === undefined && this.how !== 'issue') return expect(answer.kind).toBe('ask');
    if (exhausted) return expect(answer.kind).toBe('quota_exhausted');
    if (answer.kind !== 'taken') throw new Error(`expected a use, got ${answer.kind}`);
    const { id, expiresAtMs } = answer.grant.record;
    expect(now).toBeLessThan(expiresAtMs);
    if (live === undefined) {
      expect(model.grants.has(id)).toBe(false);
      expect(answer).toMatchObject({ useNo: 1, left: this.maxUses - 1 });
      model.grants.set(id, JSON.stringify(answer.grant));
    } else {
      expect(id).toBe(live);
      expect(answer.left).toBe(left - 1);
    }
    model.uses.push({ taken: answer, target, atMs: now, takeId: word(), released: true });
    checkInvariants(model);
  }

  /** The grant under the target's key that may still be used, and how many uses it has left. */
  #expected(model: Model, target: TakeTarget, now: number): readonly [string | undefined, number] {
    const last = model.uses.findLast((use) => use.target.grant === target.grant);
    if (last === undefined) return [undefined, 0];
    const { id, expiresAtMs, policyVersion, limits } = last.taken.grant.record;
    const left = limits.maxUses - usesOf(model, id).filter(({ released }) => released).length;
    const live = now < expiresAtMs && policyVersion === target.policyVersion && left > 0;
    return [live ? id : undefined, left];
  }

  toString(): string {
    return `${this.how} ${this.at} (max ${this.maxUses}, ${this.ttl} s)`;
  }
}

/** Gives some earlier use back, perhaps one that was given back before, or one of a grant that is gone. */
class GiveBack implements Step {
  constructor(readonly pick: number) {}

  check({ uses }: Readonly<Model>): boolean {
    return uses.length > 0;
  }

  async run(model: Model, { scene, clock }: Real): Promise<void> {
    const use = model.uses[this.pick % model.uses.length]!;
    const { record } = use.taken.grant;
    const now = clock.now();
    const kind = await scene.giveBack(use.target, use.taken, { takeId: use.takeId });
    const inTime = use.released && now < use.atMs + 60_000;
    const current = model.uses.findLast(({ target }) => target.grant === use.target.grant)!;
    const grantLives = current.taken.grant.record.id === record.id && now < record.expiresAtMs;
    const windowRuns = Math.floor(now / (PERIOD * 1000)) === Math.floor(use.atMs / (PERIOD * 1000));
    expect(kind).toBe(inTime && (grantLives || windowRuns) ? 'given_back' : 'nothing');
    if (kind === 'given_back') use.released = false;
    checkInvariants(model);
  }

  toString(): string {
    return `give back ${this.pick}`;
  }
}

class Wait implements Step {
  constructor(readonly seconds: number) {}

  check(): boolean {
    return true;
  }

  async run(_: Model, { clock }: Real): Promise<void> {
    clock.advance(this.seconds * 1000);
  }

  toString(): string {
    return `wait ${this.seconds} s`;
  }
}

class ChangePolicy implements Step {
  constructor(readonly version: number) {}

  check(): boolean {
    return true;
  }

  async run(model: Model): Promise<void> {
    model.version = this.version;
  }

  toString(): string {
    return `policy ${this.version}`;
  }
}

describe('in every history of takes, issues, waits, give-backs and policy changes', () => {
  it('no grant and no quota is used beyond its limit, use numbers rise without a gap, and limits never grow', async () => {
    const at = fc.integer({ min: 0, max: 1 });
    const how = fc.constantFrom(
      'take' as const,
      'take' as const,
      'follow' as const,
      'issue' as const,
      'issue' as const,
    );
    const steps = fc.commands(
      [
        fc
          .tuple(at, how, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 90 }))
          .map((args) => new Ask(...args)),
        fc.nat(50).map((pick) => new GiveBack(pick)),
        fc.constantFrom(1, 5, 20, 59, 61).map((seconds) => new Wait(seconds)),
        fc.integer({ min: 1, max: 2 }).map((version) => new ChangePolicy(version)),
      ],
      { maxCommands: 60 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        await fc.asyncModelRun(async () => {
          const clock = new ManualClock();
          const store = new MemoryStore({ clock, partitions: 4, epochId: word(), startCounts: false, skewMs: 2_000 });
          const under = {
            store,
            nowMs: async () => clock.now(),
            advance: async (ms: number) => clock.advance(ms),
            lose: async () => {},
            close: async () => {},
          };
          const shared = { holder: word(), quota: word(), policyVersion: '' };
          const targets = ['jkt:one', 'jkt:two'].map((binding) => ({ ...shared, binding, grant: word() }));
          return {
            model: { uses: [], grants: new Map(), version: 1 },
            real: { scene: await Scene.open(under), clock, targets },
          };
        }, history);
      }),
      { numRuns: 400 },
    );
  });
});
