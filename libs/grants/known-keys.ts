import type { Circumstances } from '#libs/decision/decide.js';
import type { VerifiedClaims } from '#libs/identity/access-token.js';
import type { Target } from '#libs/tenancy/guard.js';

import type { GrantKeys } from './grant-keys.js';

/** Different questions that one token is remembered with; past it they are worked out anew. */
const MAX_QUESTIONS = 256;

/**
 * The keys of questions that were asked a moment ago. They are a pure function of the token's claims (the binding is one of them) and
 * of what is noted here, so that a hot read needs no hashing to find its grant. Entries go with the claims, which identity remembers
 * for a minute at most; a gateway has one of these for its one set of keys, salts and environment.
 */
export class KnownKeys {
  readonly #questions = new WeakMap<VerifiedClaims, Map<string, GrantKeys>>();
  readonly #partitions = new WeakMap<VerifiedClaims, number>();

  /** The partition of the caller's tenant, which a gateway's tenants, fixed like its keys, find from the claims. */
  partition(claims: VerifiedClaims, work: () => number): number {
    let partition = this.#partitions.get(claims);
    if (partition === undefined) {
      partition = work();
      this.#partitions.set(claims, partition);
    }
    return partition;
  }

  of(target: Target, about: Circumstances, work: () => GrantKeys): GrantKeys {
    const { claims } = target.bound.caller;
    let known = this.#questions.get(claims);
    if (known === undefined || known.size >= MAX_QUESTIONS) {
      known = new Map();
      this.#questions.set(claims, known);
    }
    const question = spell(target, about);
    let keys = known.get(question);
    if (keys === undefined) {
      keys = work();
      known.set(question, keys);
    }
    return keys;
  }
}

/** Unambiguous: only the reason, which comes last, may hold a line break. */
function spell({ tenant, purpose, uri, bound }: Target, { address, reason }: Circumstances): string {
  const said = reason === undefined ? '-' : `+${reason}`;
  return `${tenant.id}\n${bound.binding.kind}\n${purpose}\n${uri.toString()}\n${address}\n${said}`;
}
