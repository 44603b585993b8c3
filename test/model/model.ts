/**
 * The reference model of our decision: token × binding × grant × quota × policy × obligations, as plainly as it can be said. Pure: it
 * takes a state and an attempt, and answers what the gateway must answer. It shares no code with the gateway.
 */
export interface Rule {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  /** Absent: everybody. */
  readonly group?: string;
  /** Whole segments below the mount: `a` covers `a/x`, not `ab`. */
  readonly folder: string;
  readonly purposes: readonly string[];
  readonly ttl?: number;
  readonly maxUses?: number;
  readonly quota?: number;
  readonly oneHolder?: boolean;
  readonly reason?: boolean;
  readonly maxAuthAge?: number;
  /** Acr values of which one will do. On a forbid: with one of them it does not match. */
  readonly stepUp?: readonly string[];
}

export interface Attempt {
  readonly token: {
    readonly fault?: 'expired' | 'audience' | 'signature';
    readonly sub: string;
    readonly groups: readonly string[];
    readonly tenant: string;
    readonly scope: boolean;
    /** The key that it is bound to. */
    readonly key?: string;
    /** Seconds before now. */
    readonly authAge?: number;
    readonly acr?: string;
    /** Whether a user is behind it; a service otherwise. */
    readonly user: boolean;
    readonly jti: string;
  } | null;
  readonly scheme: 'DPoP' | 'Bearer';
  readonly proof: {
    readonly key: string;
    readonly fault?: 'method' | 'path' | 'token' | 'old';
    readonly jti: string;
  } | null;
  readonly purpose: string;
  readonly mount: string;
  readonly path: string;
  readonly reason?: string;
}

interface Grant {
  readonly left: number;
  readonly endsAt: number;
  readonly quota: number | undefined;
}

/** Times in seconds. */
export interface State {
  readonly now: number;
  readonly spent: ReadonlySet<string>;
  readonly grants: ReadonlyMap<string, Grant>;
  readonly holders: ReadonlyMap<string, { readonly key: string; readonly endsAt: number }>;
  readonly counters: ReadonlyMap<string, number>;
}

export interface World {
  readonly rules: readonly Rule[];
  readonly secrets: ReadonlySet<string>;
  readonly quotaPeriod: number;
  readonly tenant: string;
  readonly mount: string;
  /** The tenant's acr values, weakest first. */
  readonly acrs: readonly string[];
}

export const FRESH = { spent: new Set<string>(), grants: new Map(), holders: new Map(), counters: new Map() } as const;

/** `OK`, or the code of the refusal; and the state after it. */
export function judge(world: World, state: State, attempt: Attempt): readonly [verdict: string, State] {
  const { token, proof, scheme } = attempt;
  if (token === null) return ['CREDENTIALS_REQUIRED', state];
  if (token.fault !== undefined) return ['INVALID_TOKEN', state];
  if ((token.key === undefined) !== (scheme === 'Bearer')) return ['INVALID_TOKEN', state];
  if (token.key === undefined && proof !== null) return ['INVALID_REQUEST', state];
  if (token.key !== undefined && proof === null) return ['INVALID_DPOP_PROOF', state];
  if (token.key !== undefined && proof?.key !== token.key) return ['INVALID_TOKEN', state];
  if (proof?.fault !== undefined) return ['INVALID_DPOP_PROOF', state];
  if (!token.scope) return ['INSUFFICIENT_SCOPE', state];
  if (token.tenant !== world.tenant) return ['DENIED', state];
  if (attempt.mount !== world.mount) return ['TENANT_MOUNT_MISMATCH', state];
  if (proof === null) return use(world, state, attempt, token);
  // Per caller: a proof names its token's hash, so that it fits no other caller's.
  const seen = `${token.sub} ${proof.key} ${proof.jti}`;
  if (state.spent.has(seen)) return ['PROOF_REPLAYED', state];
  return use(world, { ...state, spent: new Set([...state.spent, seen]) }, attempt, token);
}

function use(
  world: World,
  state: State,
  attempt: Attempt,
  token: NonNullable<Attempt['token']>,
): readonly [string, State] {
  const { now, grants, holders, counters } = state;
  const { purpose, path, reason } = attempt;
  const binding = token.key ?? `token ${token.jti}`;
  const about = JSON.stringify([token.sub, purpose, path]);
  const authTime = token.authAge === undefined ? null : now - token.authAge;
  const key = JSON.stringify([about, binding, token.groups, token.user, token.acr ?? null, reason ?? null, authTime]);
  const counter = `${about} ${Math.floor(now / world.quotaPeriod)}`;
  const spent = (quota: number | undefined): boolean => quota !== undefined && (counters.get(counter) ?? 0) >= quota;

  const holder = holders.get(about);
  if (holder !== undefined && holder.endsAt > now && holder.key !== binding) return ['BINDING_CHANGED', state];

  let grant = grants.get(key);
  let held = holders;
  if (grant === undefined || grant.endsAt <= now || grant.left < 1) {
    const deciding = world.rules.filter((rule) => matches(rule, token, attempt));
    const permits = deciding.filter(({ effect }) => effect === 'permit');
    const forbids = deciding.filter(({ effect }) => effect === 'forbid');
    if (forbids.length > 0 && forbids.every((rule) => rule.stepUp !== undefined))
      return [unmet(world, forbids, token) ?? 'DENIED', state];
    if (permits.length === 0 || forbids.length > 0) return ['DENIED', state];
    const least = (pick: (rule: Rule) => number | undefined): number | undefined =>
      permits
        .map(pick)
        .reduce((low, value) => (low === undefined || (value !== undefined && value < low) ? value : low), undefined);
    const maxAuthAge = least((rule) => rule.maxAuthAge);
    const lacking = unmet(world, permits, token);
    if (lacking !== undefined) return [lacking, state];
    if (permits.some((rule) => rule.reason === true) && reason === undefined) return ['REASON_REQUIRED', state];
    const ends = [now + (least((rule) => rule.ttl) ?? 300)];
    if (maxAuthAge !== undefined && authTime !== null) ends.push(Math.max(authTime + maxAuthAge, now + 1));
    grant = { left: least((rule) => rule.maxUses) ?? 1, endsAt: Math.min(...ends), quota: least((rule) => rule.quota) };
    if (spent(grant.quota)) return ['QUOTA_EXHAUSTED', state];
    if (permits.some((rule) => rule.oneHolder === true)) {
      const endsAt = Math.max(grant.endsAt, holder?.endsAt ?? 0);
      held = new Map([...holders, [about, { key: binding, endsAt }]]);
    }
  } else if (spent(grant.quota)) return ['QUOTA_EXHAUSTED', state];

  // What is not there gives the use back; the grant stands all the same.
  const there = world.secrets.has(path);
  const after: State = {
    ...state,
    holders: held,
    grants: new Map([...grants, [key, { ...grant, left: grant.left - (there ? 1 : 0) }]]),
    counters:
      there && grant.quota !== undefined
        ? new Map([...counters, [counter, (counters.get(counter) ?? 0) + 1]])
        : counters,
  };
  return [there ? 'OK' : 'NOT_FOUND', after];
}

/** What a sign-in that is demanded and not there comes to; undefined when none is demanded, or it is there. */
function unmet({ acrs }: World, rules: readonly Rule[], token: NonNullable<Attempt['token']>): string | undefined {
  const ages = rules.flatMap(({ maxAuthAge }) => maxAuthAge ?? []);
  const sets = rules.flatMap(({ stepUp }) =>
    stepUp === undefined ? [] : [stepUp.filter((acr) => acrs.includes(acr))],
  );
  if (ages.length === 0 && sets.length === 0) return undefined;
  if (sets.some((set) => set.length === 0)) return 'DENIED';
  if (!token.user) return 'STEP_UP_IMPOSSIBLE';
  const inAll = acrs.filter((acr) => sets.every((set) => set.includes(acr)));
  const last = acrs.findLast((acr) => sets.some((set) => set.includes(acr)));
  const wanted = inAll.length > 0 ? inAll : [last];
  if (sets.length > 0 && !wanted.includes(token.acr)) return 'STEP_UP_REQUIRED';
  // the leeway of five seconds is for clocks that are ahead
  if (token.authAge !== undefined && token.authAge < -5) return 'STEP_UP_REQUIRED';
  if (ages.length > 0 && (token.authAge === undefined || token.authAge > Math.min(...ages))) return 'STEP_UP_REQUIRED';
  return undefined;
}

function matches(
  { effect, group, folder, purposes, stepUp }: Rule,
  { groups, acr }: NonNullable<Attempt['token']>,
  { path, purpose }: Attempt,
): boolean {
  if (effect === 'forbid' && stepUp !== undefined && acr !== undefined && stepUp.includes(acr)) return false;
  const place = path.split('#', 1)[0] ?? '';
  const below = place === folder || place.startsWith(`${folder}/`);
  return below && purposes.includes(purpose) && (group === undefined || groups.includes(group));
}
