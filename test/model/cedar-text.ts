import type { Rule } from './model.js';

/** A model's rules as a policy author would write them. @param issuer whose groups they speak of */
export function cedarOf(rules: readonly Rule[], { issuer, mount }: { issuer: string; mount: string }): string {
  return rules.map((rule) => policyOf(rule, issuer, mount)).join('\n');
}

function policyOf(rule: Rule, issuer: string, mount: string): string {
  const { id, effect, group, folder, purposes, ttl, maxUses, quota, oneHolder, reason, maxAuthAge, stepUp } = rule;
  const annotations = [
    `@id("${id}")`,
    ttl !== undefined && `@ttl_seconds("${ttl}")`,
    maxUses !== undefined && `@max_uses("${maxUses}")`,
    quota !== undefined && `@quota("${quota}/10m")`,
    oneHolder === true && '@one_holder',
    reason === true && '@requires_reason',
    maxAuthAge !== undefined && `@max_auth_age("${maxAuthAge}")`,
    stepUp !== undefined && `@step_up("${stepUp.join(' ')}")`,
  ].filter((line) => line !== false);
  // A forbid that asks for a sign-in goes with it.
  const escape =
    effect === 'forbid' && stepUp !== undefined
      ? ` unless { context has acr && ${JSON.stringify(stepUp)}.contains(context.acr) }`
      : '';
  const principal = group === undefined ? 'principal' : `principal in Group::"${issuer}#${group}"`;
  const actions = purposes.map((purpose) => `Action::"${purpose}"`).join(', ');
  return `${annotations.join('\n')}\n${effect} (${principal}, action in [${actions}], resource in Folder::"${mount}/${folder}")${escape};\n`;
}
