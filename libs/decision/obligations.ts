import { isJsonObject, type JsonObject } from '#libs/kernel/json.js';
import { Refusal } from '#libs/kernel/refusal.js';

import type { Obligation } from './authzen.js';
import { GRANT_TERMS, readGrantTerms, strictest, type Terms } from './terms.js';

/** What compliance with an obligation is measured against. */
export interface Fulfilment {
  readonly reason?: string;
  /** Seconds since the epoch; absent when the token has no `auth_time`. */
  readonly authTime?: number;
  readonly nowMs: number;
}

/** Obligations that this PEP knows and can keep, and what they ask for taken together. */
export interface Kept {
  readonly obligations: readonly Obligation[];
  readonly terms: Terms;
}

/**
 * One row per obligation that this gateway can execute. What has no row cannot be complied with, hence denies (Obligations
 * profile section 4.4): `step-up`, `notification` and `session_termination` have none yet. A new row is all that one of them needs.
 */
const KNOWN: ReadonlyMap<string, (properties: JsonObject) => Terms | undefined> = new Map([
  ['custom postern grant', readGrantTerms],
]);

/**
 * Reads and checks all obligations of a permit; each one counts, in any order (profile section 3).
 * @param raw as the PDP sent it: the array itself is checked too (OE-9)
 * @throws Refusal DENIED with check `obligation …` when one cannot be complied with; REASON_REQUIRED
 */
export function keep(raw: unknown, by: Fulfilment): Kept {
  const obligations = readObligations(raw);
  const terms = obligations.map(termsOf).reduce(strictest, GRANT_TERMS);
  checkAuthAge(terms.maxAuthAge, by);
  if (terms.requiresReason && by.reason === undefined) {
    throw new Refusal('REASON_REQUIRED', {
      check: 'obligation requires_reason',
      detail: 'The policy asks why: send the reason in X-Access-Reason.',
    });
  }
  return { obligations, terms };
}

function readObligations(raw: unknown): readonly Obligation[] {
  if (!Array.isArray(raw)) throw cannotComply('array');
  const obligations = raw.map(readObligation);
  if (new Set(obligations.map(({ id }) => id)).size !== obligations.length) throw cannotComply('duplicate id');
  return obligations;
}

function readObligation(raw: unknown): Obligation {
  if (!isJsonObject(raw)) throw cannotComply('element');
  const { id, type, properties } = raw;
  if (
    typeof id !== 'string' ||
    id === '' ||
    typeof type !== 'string' ||
    properties === undefined ||
    !isJsonObject(properties)
  ) {
    throw cannotComply('members');
  }
  return { id, type, properties };
}

function termsOf({ type, properties }: Obligation): Terms {
  const read = KNOWN.get(nameOf(type, properties));
  if (read === undefined) throw cannotComply('unknown');
  const terms = read(properties);
  if (terms === undefined) throw cannotComply('properties');
  return terms;
}

/** Custom obligations are told apart by vendor and action; `custom` alone is nobody's. */
function nameOf(type: string, { vendor, action }: JsonObject): string {
  if (type !== 'custom') return type;
  return typeof vendor === 'string' && typeof action === 'string' ? `custom ${vendor} ${action}` : 'custom';
}

/** An age equal to the limit passes; a missing or future `auth_time` does not. */
function checkAuthAge(maxAuthAge: number | undefined, { authTime, nowMs }: Fulfilment): void {
  if (maxAuthAge === undefined) return;
  const age = authTime === undefined ? undefined : Math.floor(nowMs / 1000) - authTime;
  if (age === undefined || age < 0 || age > maxAuthAge) throw cannotComply('max_auth_age');
}

function cannotComply(what: string): Refusal {
  return new Refusal('DENIED', { check: `obligation ${what}` });
}
