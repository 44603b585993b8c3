import { checkSignIn, type SignIn, type SignInTime } from '#libs/identity/step-up.js';
import { isJsonObject, type JsonObject } from '#libs/kernel/json.js';
import { Refusal } from '#libs/kernel/refusal.js';

import type { Obligation } from './authzen.js';
import { askedIn, demandOf, readStepUp } from './step-up-demand.js';
import { GRANT_TERMS, readGrantTerms, strictest, type Terms } from './terms.js';

/** What compliance with an obligation is measured against. */
export interface Fulfilment {
  readonly reason?: string;
  /** What the verified token says of the sign-in behind it. */
  readonly signIn: SignIn;
  /** The tenant's acr values, weakest first. */
  readonly acceptedAcr: readonly string[];
  readonly time: SignInTime;
}

/** Obligations that this PEP knows and can keep, and what they ask for taken together. */
export interface Kept {
  readonly obligations: readonly Obligation[];
  readonly terms: Terms;
}

/**
 * One row per obligation that this gateway can execute. What has no row cannot be complied with, hence denies (Obligations
 * profile section 4.4): `notification` and `session_termination` have none yet. A new row is all that one of them needs.
 */
const KNOWN: ReadonlyMap<string, (properties: JsonObject) => Terms | undefined> = new Map([
  ['custom postern grant', readGrantTerms],
  ['step-up', readStepUp],
]);

/**
 * Reads and checks all obligations of a permit; each one counts, in any order (profile section 3).
 * @param raw as the PDP sent it: the array itself is checked too (OE-9)
 * @throws Refusal DENIED with check `obligation …` when one cannot be complied with, by this gateway or (an acr value that the
 *   tenant does not accept) by any token; STEP_UP_REQUIRED, STEP_UP_IMPOSSIBLE, REASON_REQUIRED
 */
export function keep(raw: unknown, by: Fulfilment): Kept {
  const obligations = readObligations(raw);
  if (typeof obligations === 'string') throw cannotComply(obligations);
  const terms = obligations.map(knownTerms).reduce(strictest, GRANT_TERMS);
  const demand = demandOf(terms, by.acceptedAcr);
  if (demand === undefined) throw cannotComply('acr not accepted');
  checkSignIn(by.signIn, demand, by.time);
  if (terms.requiresReason && by.reason === undefined) {
    throw new Refusal('REASON_REQUIRED', {
      check: 'obligation requires_reason',
      detail: 'The policy asks why: send the reason in X-Access-Reason.',
    });
  }
  return { obligations, terms };
}

/**
 * A deny stays one, whatever stands beside it (profile section 4.2). Where the PDP asks for a sign-in that the token has not, this says
 * so; a token that has it was denied for another reason, and is never sent to sign in once more.
 *
 * @throws Refusal STEP_UP_REQUIRED, STEP_UP_IMPOSSIBLE
 */
export function checkAsked(denied: { readonly obligations: unknown; readonly context: unknown }, by: Fulfilment): void {
  const obligations = readObligations(denied.obligations);
  const terms = typeof obligations === 'string' ? [] : obligations.map((each) => termsOf(each) ?? GRANT_TERMS);
  const demand = demandOf(terms.reduce(strictest, askedIn(denied.context)), by.acceptedAcr);
  if (demand !== undefined) checkSignIn(by.signIn, demand, by.time);
}

/** @returns what is wrong with the array, in a word */
function readObligations(raw: unknown): readonly Obligation[] | string {
  if (!Array.isArray(raw)) return 'array';
  const obligations: Obligation[] = [];
  for (const each of raw) {
    const read = readObligation(each);
    if (typeof read === 'string') return read;
    obligations.push(read);
  }
  return new Set(obligations.map(({ id }) => id)).size === obligations.length ? obligations : 'duplicate id';
}

function readObligation(raw: unknown): Obligation | string {
  if (!isJsonObject(raw)) return 'element';
  const { id, type, properties } = raw;
  if (
    typeof id !== 'string' ||
    id === '' ||
    typeof type !== 'string' ||
    properties === undefined ||
    !isJsonObject(properties)
  ) {
    return 'members';
  }
  return { id, type, properties };
}

function knownTerms(obligation: Obligation): Terms {
  const terms = termsOf(obligation);
  if (terms === undefined) throw cannotComply(isKnown(obligation) ? 'properties' : 'unknown');
  return terms;
}

function termsOf({ type, properties }: Obligation): Terms | undefined {
  return KNOWN.get(nameOf(type, properties))?.(properties);
}

function isKnown({ type, properties }: Obligation): boolean {
  return KNOWN.has(nameOf(type, properties));
}

/** Custom obligations are told apart by vendor and action; `custom` alone is nobody's. */
function nameOf(type: string, { vendor, action }: JsonObject): string {
  if (type !== 'custom') return type;
  return typeof vendor === 'string' && typeof action === 'string' ? `custom ${vendor} ${action}` : 'custom';
}

function cannotComply(what: string): Refusal {
  return new Refusal('DENIED', { check: `obligation ${what}` });
}
