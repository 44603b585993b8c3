import { randomBytes } from 'node:crypto';

import type { GrantLimits, GrantRecord } from '#libs/grants/grant.js';
import type {
  GiveBackRequest,
  GrantStore,
  IssueAnswer,
  Offer,
  Place,
  ProofToSpend,
  TakeTarget,
  Taken,
  TargetAnswer,
} from '#libs/grants/grant-store.js';

/** A store as the contract drives it. Nothing below needs a time that is exact to less than half a second. */
export interface StoreUnderTest {
  /** Another object, or the same one emptied, after `lose`. */
  readonly store: GrantStore;
  /** The store's own time. */
  nowMs(): Promise<number>;
  /** Moves the store's time. */
  advance(ms: number): Promise<void>;
  /** The store loses all its data and goes on. */
  lose(): Promise<void>;
  close(): Promise<void>;
}

/** `startCounts`: see the store's option; a store that cannot leave it out lets its epochs be written with since 0. */
export type MakeStore = (options: { readonly startCounts: boolean }) => Promise<StoreUnderTest>;

/** A key or an id that no other test uses: the suite may run against a server that others use too. */
export const word = (): string => randomBytes(16).toString('base64url');

export const VERSION = '7.policy';

export function targetOf(over: Partial<TakeTarget> = {}): TakeTarget {
  return {
    grant: word(),
    holder: word(),
    quota: word(),
    binding: `jkt:${word()}`,
    policyVersion: VERSION,
    ...over,
  };
}

export interface Wish extends Partial<GrantLimits> {
  readonly endsInMs?: number;
  readonly token?: Offer['token'];
}

/** What one test does with a store, in the fewest words. */
export class Scene {
  private constructor(
    readonly under: StoreUnderTest,
    readonly place: Place,
  ) {}

  static async open(under: StoreUnderTest, partition = 3): Promise<Scene> {
    return new Scene(under, { partition, epoch: (await under.store.epochOf(partition)).id });
  }

  async proof(secondsFromNow = 0): Promise<ProofToSpend> {
    return { key: word(), iat: Math.floor((await this.under.nowMs()) / 1000) + secondsFromNow };
  }

  async offer(target: TakeTarget, { endsInMs = 60_000, token, ...limits }: Wish = {}): Promise<Offer> {
    const record: GrantRecord = {
      id: `${this.place.partition}.${target.grant}.${word()}`,
      tenant: 'acme',
      iss: 'https://issuer.test',
      sub: 'svc',
      clientId: 'svc',
      purpose: 'execute',
      uri: 'openbao+kv2://secret/app/api#token',
      pin: null,
      binding: target.binding,
      facts: word(),
      decisionId: word(),
      policyVersion: target.policyVersion,
      policyIds: ['app-reads'],
      limits: { ttlSeconds: 60, maxUses: 1, quota: null, oneHolder: false, maxAuthAge: null, ...limits },
      expiresAtMs: (await this.under.nowMs()) + endsInMs,
      epoch: this.place.epoch,
    };
    return { grant: { record, mac: word() }, ...(token !== undefined && { token }) };
  }

  async issue(target: TakeTarget, wish: Wish = {}): Promise<IssueAnswer> {
    return await this.under.store.issueAndTake({
      place: this.place,
      target,
      offer: await this.offer(target, wish),
    });
  }

  async follow(target: TakeTarget): Promise<IssueAnswer> {
    return await this.under.store.issueAndTake({ place: this.place, target });
  }

  /** Without a proof, as a caller of mutual TLS takes. */
  async take(target: TakeTarget): Promise<TargetAnswer> {
    const answer = await this.under.store.take({ place: this.place, targets: [target] });
    if (answer.kind !== 'answered' || answer.answers.length !== 1) throw new Error(`the take was ${answer.kind}`);
    return answer.answers[0]!;
  }

  async giveBack(target: TakeTarget, use: Taken, over: Partial<GiveBackRequest> = {}): Promise<string> {
    const { record } = use.grant;
    const answer = await this.under.store.giveBack({
      place: this.place,
      takeId: word(),
      takenAtMs: record.expiresAtMs - use.remainingMs,
      grant: target.grant,
      grantId: record.id,
      quota: target.quota,
      windows: use.windows,
      ...over,
    });
    return answer.kind;
  }
}

/** The use, or a failure that says what came instead. */
export function taken(answer: IssueAnswer): Taken {
  if (answer.kind !== 'taken') throw new Error(`expected a use, got ${answer.kind}`);
  return answer;
}

export const kindsOf = (answers: readonly { readonly kind: string }[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { kind } of answers) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
};
