import type { VerifiedClaims } from '#libs/identity/access-token.js';
import type { Limits } from '#libs/decision/decide.js';
import { Refusal } from '#libs/kernel/refusal.js';

/** At most so many releases in each period; periods are aligned: see `windowOf`. */
export type Quota = {
  readonly uses: number;
  readonly periodSeconds: number;
};

/** A decision's limits after the configuration has clamped them: what a grant lives by. */
export type GrantLimits = {
  readonly ttlSeconds: number;
  readonly maxUses: number;
  readonly quota: Quota | null;
  readonly oneHolder: boolean;
  /** Seconds since auth_time. */
  readonly maxAuthAge: number | null;
};

/**
 * What never changes in a grant (spec, "Grants: what a grant is"). The MAC covers every member; `left` and `use_no`, which change,
 * stand beside it in the store. A type, not an interface, so that it is a JSON object to the canonical form.
 */
export type GrantRecord = {
  /** `<partition>.<key hash>.<random>`: says, under the MAC, which key it was made for. */
  readonly id: string;
  readonly tenant: string;
  readonly iss: string;
  readonly sub: string;
  readonly clientId: string;
  readonly purpose: string;
  /** Canonical, without version. */
  readonly uri: string;
  /** The version that the request pinned. */
  readonly pin: number | null;
  readonly binding: string;
  readonly facts: string;
  readonly decisionId: string;
  readonly policyVersion: string;
  readonly policyIds: readonly string[];
  readonly limits: GrantLimits;
  /** Milliseconds since the epoch by the store's clock. */
  readonly expiresAtMs: number;
  readonly epoch: string;
};

/** GRANT_TTL_* and GRANT_MAX_USES_*. */
export interface LimitBounds {
  readonly ttlDefaultSeconds: number;
  readonly ttlMaxSeconds: number;
  readonly maxUsesDefault: number;
  readonly maxUsesMax: number;
}

/**
 * Never above the maximum, whoever asked for more; a default above the maximum is clamped too. The quota is not clamped: it is a
 * ceiling already, and none is lower than the one a policy wrote.
 *
 * @throws Refusal DENIED for a limit that is no whole number above zero: an obligation that cannot be kept is a deny
 */
export function clampLimits(wanted: Limits, bounds: LimitBounds): GrantLimits {
  const { ttlSeconds = bounds.ttlDefaultSeconds, maxUses = bounds.maxUsesDefault, quota } = wanted;
  // in canonical order, as they stand under the MAC
  return {
    maxAuthAge: wanted.maxAuthAge === undefined ? null : counted('max_auth_age', wanted.maxAuthAge),
    maxUses: Math.min(counted('max_uses', maxUses), bounds.maxUsesMax),
    oneHolder: wanted.oneHolder,
    quota:
      quota === undefined
        ? null
        : { periodSeconds: counted('quota', quota.periodSeconds), uses: counted('quota', quota.uses) },
    ttlSeconds: Math.min(counted('ttl', ttlSeconds), bounds.ttlMaxSeconds),
  };
}

/** A hundred years in seconds: far above any limit, and still exact in milliseconds. */
const MOST = 100 * 366 * 86_400;

function counted(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= MOST) return value;
  throw new Refusal('DENIED', { check: `obligation ${name}` });
}

/**
 * When a grant issued now ends: after its TTL, never after the token, and with `max_auth_age` never after auth_time + that age.
 * A token that only the leeway still accepts gets what is left of the leeway; an age of exactly `max_auth_age` whole seconds, which
 * passes, gets the rest of that second.
 *
 * @param nowMs by the store's clock, so that no gateway's clock lengthens a grant
 * @throws Refusal STEP_UP_REQUIRED when the authentication is older than `max_auth_age` or of unknown age; INVALID_TOKEN when the
 *   token has ended by the store's clock
 */
export function expiryOf(limits: GrantLimits, claims: VerifiedClaims, leewaySeconds: number, nowMs: number): number {
  const tokenEnd = endOf(claims.exp * 1000, leewaySeconds * 1000, nowMs);
  if (tokenEnd <= nowMs) {
    throw new Refusal('INVALID_TOKEN', { check: 'token ended', detail: 'The token has expired: get a new one.' });
  }
  const end = Math.min(nowMs + limits.ttlSeconds * 1000, tokenEnd);
  if (limits.maxAuthAge === null) return end;
  const authEnd = endOf(((claims.authTime ?? -Infinity) + limits.maxAuthAge) * 1000, 1000, nowMs);
  if (authEnd <= nowMs) {
    throw new Refusal('STEP_UP_REQUIRED', { check: 'max_auth_age', maxAge: limits.maxAuthAge });
  }
  return Math.min(end, authEnd);
}

function endOf(strictMs: number, graceMs: number, nowMs: number): number {
  return strictMs > nowMs ? strictMs : strictMs + graceMs;
}

/** Quota windows are floor(TIME / period): aligned, so that every instance and every rebuild names the same one. */
export function windowOf(periodSeconds: number, nowMs: number): number {
  return Math.floor(nowMs / (periodSeconds * 1000));
}

/** First millisecond of a window; the end of one is the start of the next. */
export function windowStart(periodSeconds: number, window: number): number {
  return window * periodSeconds * 1000;
}
