import { isJsonObject, type Json, type JsonObject } from '#libs/kernel/json.js';

/** Limits as the obligations ask for them, before configuration clamps them. */
export interface Limits {
  readonly ttlSeconds?: number;
  readonly maxUses?: number;
  readonly quota?: Quota;
  readonly oneHolder: boolean;
  /** Seconds since auth_time. */
  readonly maxAuthAge?: number;
}

/** At most so many releases in the period, however often the grant is issued anew. */
export interface Quota {
  readonly uses: number;
  readonly periodSeconds: number;
}

/** All that obligations can ask for. */
export interface Terms extends Limits {
  readonly requiresReason: boolean;
  /** Of each step-up the acr values that will do, sorted, with spaces between them; see `step-up-demand.ts`. Sorted, each once. */
  readonly acrDemands: readonly string[];
}

/** No demand at all: where combining starts. */
export const GRANT_TERMS: Terms = { oneHolder: false, requiresReason: false, acrDemands: [] };

/** Ten years: far above any configured limit, far below where sums of seconds lose exactness. */
const SECONDS_MAX = 315_360_000;
const USES_MAX = 1_000_000_000;

type Part = Partial<Terms> | undefined;

/**
 * The members of the custom grant obligation (spec, "Policy decision point: Obligations"). A member without a row is unknown, so
 * the whole obligation is: `audit: "remote"` has none until an audit sink outside this machine can be waited for.
 */
const MEMBERS: Readonly<Record<string, (value: Json) => Part>> = {
  ttl_seconds: (value) => (isCount(value, SECONDS_MAX) ? { ttlSeconds: value } : undefined),
  max_uses: (value) => (isCount(value, USES_MAX) ? { maxUses: value } : undefined),
  quota: readQuota,
  one_holder: (value) => (typeof value === 'boolean' ? { oneHolder: value } : undefined),
  max_auth_age: (value) => (isCount(value, SECONDS_MAX) ? { maxAuthAge: value } : undefined),
  requires_reason: (value) => (typeof value === 'boolean' ? { requiresReason: value } : undefined),
};

/** @returns undefined when a member is unknown, ill-typed or out of range */
export function readGrantTerms(properties: JsonObject): Terms | undefined {
  let terms = GRANT_TERMS;
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'vendor' || name === 'action') continue;
    const part = Object.hasOwn(MEMBERS, name) ? MEMBERS[name]?.(value) : undefined;
    if (part === undefined) return undefined;
    terms = { ...terms, ...part };
  }
  return terms;
}

/** Field by field the smaller number; of quotas the fewest uses and the longest period; of demands and of step-ups all. */
export function strictest(one: Terms, other: Terms): Terms {
  const ttlSeconds = smaller(one.ttlSeconds, other.ttlSeconds);
  const maxUses = smaller(one.maxUses, other.maxUses);
  const maxAuthAge = smaller(one.maxAuthAge, other.maxAuthAge);
  const quota = stricterQuota(one.quota, other.quota);
  return {
    ...(ttlSeconds !== undefined && { ttlSeconds }),
    ...(maxUses !== undefined && { maxUses }),
    ...(quota !== undefined && { quota }),
    oneHolder: one.oneHolder || other.oneHolder,
    ...(maxAuthAge !== undefined && { maxAuthAge }),
    requiresReason: one.requiresReason || other.requiresReason,
    acrDemands: [...new Set([...one.acrDemands, ...other.acrDemands])].sort(),
  };
}

export function stricterQuota(one: Quota | undefined, other: Quota | undefined): Quota | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return {
    uses: Math.min(one.uses, other.uses),
    periodSeconds: Math.max(one.periodSeconds, other.periodSeconds),
  };
}

export function smaller(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}

function readQuota(value: Json): Part {
  if (!isJsonObject(value)) return undefined;
  const { uses, period_seconds: periodSeconds, ...rest } = value;
  if (Object.keys(rest).length > 0) return undefined;
  return isCount(uses, USES_MAX) && isCount(periodSeconds, SECONDS_MAX)
    ? { quota: { uses, periodSeconds } }
    : undefined;
}

/** A limit of zero would be a deny in disguise, and reads like "unlimited" elsewhere: refused. */
function isCount(value: Json | undefined, max: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= max;
}
