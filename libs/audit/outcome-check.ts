import type { AuditRecord } from './record.js';
import type { Place } from './writer-check.js';

/** Intents whose result may still come, and grants whose uses are followed: beyond this the oldest are forgotten, and the report says so. */
const REMEMBERED = 200_000;
/** Places that the report lists; the rest is counted. */
const LISTED = 100;

interface Uses {
  /** All use numbers below are accounted for. */
  next: number;
  /** Seen ahead of `next`: other gateways and parallel requests write their own order. */
  readonly ahead: Set<number>;
}

/** What the records say together: each intent has at most one result, each use of a grant happened once. */
export class OutcomeCheck {
  readonly #open = new Map<string, Place>();
  readonly #grants = new Map<string, Uses>();
  readonly #unknown: Place[] = [];
  #unknownCount = 0;
  #lost = 0;
  #forgotten = 0;

  /** @returns why the record cannot stand beside the others, if so */
  see({ type, cause, grant_id, use_no }: AuditRecord, hash: string, place: Place): string | undefined {
    if (type === 'intent') {
      this.#remember(hash, place);
      return typeof grant_id === 'string' && typeof use_no === 'number' ? this.#use(grant_id, use_no) : undefined;
    }
    if (type !== 'result') return undefined;
    if (typeof cause === 'string' && this.#open.delete(cause)) return undefined;
    return this.#forgotten > 0 ? undefined : 'a result without an intent, or a second result of one';
  }

  /** An intent without a result: the outcome is unknown, and counts as released (spec, "Security", I39). */
  unknown(): { readonly count: number; readonly listed: readonly Place[] } {
    const listed = [...this.#unknown, ...this.#open.values()].slice(0, LISTED);
    return { count: this.#unknownCount + this.#open.size, listed };
  }

  /** Use numbers that no record tells of: taken, and lost in a crash, or told in a trail that is not here. */
  lostUses(): number {
    let lost = this.#lost;
    for (const uses of this.#grants.values()) lost += holes(uses);
    return lost;
  }

  get forgotten(): number {
    return this.#forgotten;
  }

  #remember(hash: string, place: Place): void {
    this.#open.set(hash, place);
    if (this.#open.size <= REMEMBERED) return;
    for (const [oldest, where] of this.#open) {
      this.#open.delete(oldest);
      this.#unknownCount += 1;
      this.#forgotten += 1;
      if (this.#unknown.length < LISTED) this.#unknown.push(where);
      return;
    }
  }

  #use(grant: string, useNo: number): string | undefined {
    const uses = this.#grants.get(grant) ?? this.#follow(grant);
    if (!Number.isSafeInteger(useNo) || useNo < 1) return `use ${useNo} of grant ${grant}: uses are numbered from 1`;
    if (useNo < uses.next || uses.ahead.has(useNo))
      return `use ${useNo} of grant ${grant} is told twice: one use was released twice, or a record forged`;
    uses.ahead.add(useNo);
    while (uses.ahead.delete(uses.next)) uses.next += 1;
    return undefined;
  }

  #follow(grant: string): Uses {
    const uses: Uses = { next: 1, ahead: new Set() };
    this.#grants.set(grant, uses);
    if (this.#grants.size <= REMEMBERED) return uses;
    for (const [oldest, left] of this.#grants) {
      this.#grants.delete(oldest);
      this.#lost += holes(left);
      this.#forgotten += 1;
      break;
    }
    return uses;
  }
}

function holes({ next, ahead }: Uses): number {
  let highest = next - 1;
  for (const useNo of ahead) highest = Math.max(highest, useNo);
  return highest - (next - 1) - ahead.size;
}
