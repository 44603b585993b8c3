import { inspect } from 'node:util';

import type { Receipt } from '#libs/audit/trail.js';
import type { GrantUse } from '#libs/grants/permit.js';
import type { Clock } from '#libs/kernel/clock.js';
import type { Deadline } from '#libs/kernel/deadline.js';
import { Refusal } from '#libs/kernel/refusal.js';

import { refusalOf } from './answers.js';
import type { Vault } from './mount-table.js';
import type { SecretValue } from './secret-provider.js';

/** Opens the private field of a SealedSecret; nothing outside this file can. */
let open: (sealed: SealedSecret) => SecretValue;

/** A value fetched under one GrantUse. Prints as `[sealed]`; opens only as part of a `Releasable`. */
export class SealedSecret {
  readonly #value: SecretValue;

  static {
    open = (sealed) => sealed.#value;
  }

  private constructor(
    readonly use: GrantUse,
    value: SecretValue,
    readonly version: number | undefined,
  ) {
    this.#value = value;
  }

  /** @throws Refusal NOT_FOUND, VERSION_*, BAD_PROVIDER_ANSWER, UNAVAILABLE */
  static async fetch(this: void, use: GrantUse, vault: Vault, deadline: Deadline): Promise<SealedSecret> {
    const { uri } = use.target;
    const provider = vault.providers.get(uri.provider);
    if (provider === undefined) throw new Refusal('INTERNAL', { check: 'provider not wired' });
    const answer = await deadline.call('provider', vault.deadlineMs, (signal) => provider.read(uri, signal));
    if (answer.kind !== 'value') throw refusalOf(answer.kind);
    return new SealedSecret(use, answer.value, answer.version);
  }

  toString(): string {
    return '[sealed]';
  }

  toJSON(): string {
    return '[sealed]';
  }

  [inspect.custom](): string {
    return '[sealed]';
  }
}

export const fetch: typeof SealedSecret.fetch = SealedSecret.fetch;

/** The two halves of a release, each started from the same use. */
export interface Halves {
  readonly intent: (use: GrantUse) => Promise<Receipt<GrantUse>>;
  readonly fetch: (use: GrantUse) => Promise<SealedSecret>;
}

/** A sealed value joined with the durable intent of the same use. */
export class Releasable {
  readonly #made = true;

  private constructor(
    readonly use: GrantUse,
    readonly receipt: Receipt<GrantUse>,
    readonly sealed: SealedSecret,
  ) {}

  /**
   * Audit intent beside fetch: both are started at once and both are waited for, so that whoever handles a refusal knows
   * whether the intent stands. A failed intent wins: without it nothing leaves, whatever the provider said.
   */
  static async join(this: void, use: GrantUse, halves: Halves): Promise<Releasable> {
    const [intent, fetched] = await Promise.allSettled([halves.intent(use), halves.fetch(use)]);
    if (intent.status === 'rejected') throw intent.reason;
    if (fetched.status === 'rejected') throw fetched.reason;
    if (intent.value.subject !== use || fetched.value.use !== use) {
      throw new Refusal('INTERNAL', { check: 'halves of different uses' });
    }
    return new Releasable(use, intent.value, fetched.value);
  }

  static is(value: unknown): value is Releasable {
    return typeof value === 'object' && value !== null && #made in value;
  }
}

export const join: typeof Releasable.join = Releasable.join;

/** What leaves: plaintext, and the proofs that it leaves under. */
export interface Release {
  readonly use: GrantUse;
  readonly receipt: Receipt<GrantUse>;
  readonly value: SecretValue;
  readonly version: number | undefined;
}

/**
 * The last statement before the answer is written (spec, "Grants": RELEASE_WITHIN_MS).
 * @throws Refusal UNAVAILABLE when the use is no longer good
 */
export function release(releasable: Releasable, clock: Clock): Release {
  const { use, receipt, sealed } = releasable;
  if (clock.monotonic() >= use.goodUntil) {
    throw new Refusal('UNAVAILABLE', { check: 'release late', retryAfterSeconds: 1 });
  }
  return { use, receipt, value: open(sealed), version: sealed.version };
}
