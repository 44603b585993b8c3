import type { Obligation } from '#libs/decision/authzen.js';
import { smaller, stricterQuota } from '#libs/decision/terms.js';

import type { Duties } from './annotations.js';

/** What all satisfied permits ask for together: field by field the strictest, of the rest the union. */
interface Together {
  readonly limits: Duties;
  readonly stepUps: ReadonlySet<string>;
  readonly notify: ReadonlySet<string>;
  readonly approvals: ReadonlySet<string>;
}

/**
 * AuthZEN obligations of the policies that decided, in any order of theirs the same. Grant limits are one custom obligation (spec,
 * "Policy decision point"); the rest is one obligation each, which a PEP that cannot execute it answers with a deny.
 */
export function obligationsOf(deciding: readonly Duties[]): readonly Obligation[] {
  const { limits, stepUps, notify, approvals } = together(deciding);
  const properties = grantProperties(limits);
  return [
    ...(Object.keys(properties).length > 0 ? [custom('grant', 'grant', properties)] : []),
    ...numbered(stepUps, 'step-up').map(([acrs, id]): Obligation => ({
      id,
      type: 'step-up',
      properties: stepUpProperties(acrs.split(' ')),
    })),
    ...[...notify].sort().map((name) => custom(`notify-${name}`, 'notify', { name })),
    ...[...approvals].sort().map((template) => custom(`approval-${template}`, 'approval', { template })),
  ];
}

function together(permits: readonly Duties[]): Together {
  return {
    limits: permits.reduce<Duties>(stricter, {}),
    stepUps: valuesOf(permits, 'stepUp'),
    notify: valuesOf(permits, 'notify'),
    approvals: valuesOf(permits, 'approval'),
  };
}

function stricter(one: Duties, other: Duties): Duties {
  const ttlSeconds = smaller(one.ttlSeconds, other.ttlSeconds);
  const maxUses = smaller(one.maxUses, other.maxUses);
  const maxAuthAge = smaller(one.maxAuthAge, other.maxAuthAge);
  const quota = stricterQuota(one.quota, other.quota);
  return {
    ...(ttlSeconds !== undefined && { ttlSeconds }),
    ...(maxUses !== undefined && { maxUses }),
    ...(quota !== undefined && { quota }),
    ...((one.oneHolder ?? other.oneHolder) && { oneHolder: true }),
    ...(maxAuthAge !== undefined && { maxAuthAge }),
    ...((one.requiresReason ?? other.requiresReason) && { requiresReason: true }),
    ...((one.auditRemote ?? other.auditRemote) && { auditRemote: true }),
  };
}

function grantProperties(limits: Duties): Obligation['properties'] {
  const { ttlSeconds, maxUses, quota, oneHolder, maxAuthAge, requiresReason, auditRemote } = limits;
  return {
    ...(ttlSeconds !== undefined && { ttl_seconds: ttlSeconds }),
    ...(maxUses !== undefined && { max_uses: maxUses }),
    ...(quota !== undefined && { quota: { uses: quota.uses, period_seconds: quota.periodSeconds } }),
    ...(oneHolder === true && { one_holder: true }),
    ...(maxAuthAge !== undefined && { max_auth_age: maxAuthAge }),
    ...(requiresReason === true && { requires_reason: true }),
    ...(auditRemote === true && { audit: 'remote' }),
  };
}

/** `acr_value` is all that the profile knows; a PEP that reads no more than it demands the first one. */
function stepUpProperties([first = '', ...others]: readonly string[]): Obligation['properties'] {
  return { acr_value: first, ...(others.length > 0 && { acr_values: [first, ...others] }) };
}

function custom(id: string, action: string, properties: Obligation['properties']): Obligation {
  return { id, type: 'custom', properties: { vendor: 'postern', action, ...properties } };
}

/** Ids must differ within one answer: `step-up`, `step-up-2`, … */
function numbered(values: ReadonlySet<string>, id: string): readonly (readonly [string, string])[] {
  return [...values].sort().map((value, index) => [value, index === 0 ? id : `${id}-${index + 1}`]);
}

function valuesOf(permits: readonly Duties[], name: 'stepUp' | 'notify' | 'approval'): ReadonlySet<string> {
  return new Set(permits.map((duties) => duties[name]).filter((value) => value !== undefined));
}
