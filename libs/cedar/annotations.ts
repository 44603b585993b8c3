import type { Quota } from '#libs/decision/terms.js';

/** What a policy's annotations say (spec, "Policy decision point: The secrets domain in Cedar"). */
export interface Duties {
  readonly ttlSeconds?: number;
  readonly maxUses?: number;
  readonly quota?: Quota;
  readonly oneHolder?: boolean;
  readonly maxAuthAge?: number;
  readonly requiresReason?: boolean;
  readonly auditRemote?: boolean;
  /** Acr values that will do, with spaces between them. */
  readonly stepUp?: string;
  readonly notify?: string;
  readonly approval?: string;
  readonly denyHint?: string;
}

interface Rule {
  /** Obligations stand on permits, the hint on forbids; a step-up on a forbid says how to get past it. */
  readonly on: 'permit' | 'forbid' | 'either';
  /** How it is written, for the author who wrote it otherwise. */
  readonly form: string;
  /** @param value null when there are no parentheses; undefined means ill-formed */
  read(value: string | null): Duties | undefined;
}

const RULES: Readonly<Record<string, Rule>> = {
  ttl_seconds: number('@ttl_seconds("300")', (ttlSeconds) => ({ ttlSeconds })),
  max_uses: number('@max_uses("5")', (maxUses) => ({ maxUses })),
  max_auth_age: number('@max_auth_age("900")', (maxAuthAge) => ({ maxAuthAge })),
  quota: {
    on: 'permit',
    form: '@quota("5/24h"), with s, m, h or d',
    read: (value) => {
      const quota = readQuota(value ?? '');
      return quota && { quota };
    },
  },
  one_holder: flag('@one_holder', { oneHolder: true }),
  requires_reason: flag('@requires_reason', { requiresReason: true }),
  audit: {
    on: 'permit',
    form: '@audit("remote")',
    read: (value) => (value === 'remote' ? { auditRemote: true } : undefined),
  },
  step_up: {
    on: 'either',
    form: '@step_up("acr"), or @step_up("one another") where any of up to 16 will do, each once',
    read: (value) => (value !== null && isAcrs(value.split(' ')) ? { stepUp: value } : undefined),
  },
  notify: word('@notify("name")', /^[a-z0-9-]{1,64}$/u, (notify) => ({ notify })),
  approval: word('@approval("template")', /^[a-z0-9-]{1,64}$/u, (approval) => ({ approval })),
  deny_hint: {
    on: 'forbid',
    form: '@deny_hint("one sentence of printable ASCII, at most 256 characters")',
    read: (value) => (value !== null && /^[\x20-\x7e]{1,256}$/u.test(value) ? { denyHint: value } : undefined),
  },
};

/** @returns what the annotations say, and what is wrong with them, in words */
export function readAnnotations(
  effect: 'permit' | 'forbid',
  annotations: Readonly<Record<string, string | null>>,
): { readonly duties: Duties; readonly problems: readonly string[] } {
  const problems: string[] = [];
  let duties: Duties = {};
  for (const [name, value] of Object.entries(annotations)) {
    if (name === 'id') continue;
    const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
    const fits = rule?.on === effect || rule?.on === 'either';
    const read = fits ? rule.read(value) : undefined;
    if (rule === undefined) problems.push(`@${name} is not known; known are ${KNOWN_NAMES}`);
    else if (!fits) problems.push(`@${name} stands on a ${effect}; it belongs on a ${rule.on}`);
    else if (read === undefined) problems.push(`@${name} is ill-formed; write ${rule.form}`);
    else duties = { ...duties, ...read };
  }
  return { duties, problems };
}

const KNOWN_NAMES = ['id', ...Object.keys(RULES)].map((name) => `@${name}`).join(', ');
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

function number(form: string, put: (value: number) => Duties): Rule {
  return {
    on: 'permit',
    form,
    read: (value) =>
      value !== null && /^[1-9]\d{0,8}$/u.test(value) && Number(value) <= 315_360_000 ? put(Number(value)) : undefined,
  };
}

function flag(form: string, duties: Duties): Rule {
  return { on: 'permit', form, read: (value) => (value === null || value === '' ? duties : undefined) };
}

function word(form: string, pattern: RegExp, put: (value: string) => Duties): Rule {
  return { on: 'permit', form, read: (value) => (value !== null && pattern.test(value) ? put(value) : undefined) };
}

/** As a challenge can quote them (RFC 9470 section 3). */
function isAcrs(values: readonly string[]): boolean {
  const each = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/u;
  return values.length <= 16 && new Set(values).size === values.length && values.every((value) => each.test(value));
}

function readQuota(value: string): Quota | undefined {
  const [, uses = '', count = '', unit = ''] = /^([1-9]\d{0,8})\/([1-9]\d{0,5})([smhd])$/u.exec(value) ?? [];
  const periodSeconds = Number(count) * (SECONDS[unit] ?? 0);
  return uses === '' || periodSeconds > 315_360_000 ? undefined : { uses: Number(uses), periodSeconds };
}
