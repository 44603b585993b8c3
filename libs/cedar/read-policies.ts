import type { DetailedError, PolicyJson, PolicyToJsonAnswer, ValidationError } from '@cedar-policy/cedar-wasm/nodejs';

import { readAnnotations, type Duties } from './annotations.js';
import type { Defects, SourceFile } from './defects.js';
import { CedarFault, type Engine } from './engine.js';
import { resourceReads } from './policy-head.js';
import { lineAt, splitPolicies } from './split-policies.js';

/** One policy, read and checked by itself. */
export interface Policy {
  readonly id: string;
  readonly text: string;
  readonly json: PolicyJson;
  readonly duties: Duties;
  readonly resourceReads: ReadonlySet<string>;
  readonly file: string;
  readonly line: number;
}

const ID = /^[a-z0-9-]{1,64}$/u;
/** A policy is a page, not a book. Cedar's parser recurses over chains: 5,000 times `&&` is the end of an instance. */
const TEXT_MAX = 8_192;

/** Reads one file; what is wrong goes to `defects`, and the policy that it is wrong with is left out. */
export function readPolicies({ path: file, text }: SourceFile, engine: Engine, defects: Defects): readonly Policy[] {
  const parts = splitPolicies(text);
  if ('tooDeepAt' in parts) {
    defects.add(file, parts.tooDeepAt, 'nesting is deeper than any policy needs: split the condition');
    return [];
  }
  const policies = parts.flatMap((part): readonly Policy[] => {
    if (part.text.length > TEXT_MAX) {
      defects.add(file, part.line, `the policy is longer than ${TEXT_MAX} characters: split it`);
      return [];
    }
    const answer = parsed(part.text, engine);
    if (answer === undefined) {
      defects.add(file, part.line, 'Cedar ran out of its stack over this policy: split its condition');
      return [];
    }
    if (answer.type === 'failure') {
      for (const error of answer.errors) defects.add(file, lineOf(error, part), worded(error));
      return [];
    }
    return checked({ ...part, file, json: answer.json }, defects);
  });
  if (policies.length === parts.length) checkCount({ path: file, text }, parts.length, engine, defects);
  return policies;
}

/** The engine has replaced its instance by then. */
function parsed(text: string, engine: Engine): PolicyToJsonAnswer | undefined {
  try {
    return engine.call((cedar) => cedar.policyToJson(text));
  } catch (error) {
    if (error instanceof CedarFault) return undefined;
    throw error;
  }
}

/** A policy that the splitter overlooked would be a forbid that is not there. */
function checkCount({ path, text }: SourceFile, found: number, engine: Engine, defects: Defects): void {
  const answer = engine.call((cedar) => cedar.policySetTextToParts(text));
  const really = answer.type === 'success' ? answer.policies.length + answer.policy_templates.length : undefined;
  if (found !== really)
    defects.add(path, undefined, 'Cedar reads other policies here than this gateway: write one after the other');
}

interface Parsed {
  readonly text: string;
  readonly file: string;
  readonly line: number;
  readonly json: PolicyJson;
}

function checked(parsed: Parsed, defects: Defects): readonly Policy[] {
  const { json, file, line } = parsed;
  const annotations: Readonly<Record<string, string | null>> = json.annotations ?? {};
  const id = annotations['id'] ?? '';
  if (!ID.test(id)) {
    defects.add(file, line, 'the policy has no proper @id: give it @id("…") of 1 to 64 of a-z, 0-9 and -');
    return [];
  }
  const { duties, problems } = readAnnotations(json.effect, annotations);
  for (const problem of problems) defects.add(file, line, `policy ${id}: ${problem}`);
  const reads = resourceReads(json);
  for (const name of tellingAnnotations(json.effect, duties)) {
    if (reads.size === 0) continue;
    defects.add(
      file,
      line,
      `policy ${id}: @${name} would tell of the secret, since it reads resource.${[...reads][0]}`,
    );
  }
  if (exceptsByKey(json)) {
    defects.add(
      file,
      line,
      `policy ${id}: an exception by resource.key does not hold for a whole map: write it as a forbid`,
    );
  }
  return [{ ...parsed, id, duties, resourceReads: reads }];
}

/** What a caller learns from a forbid before anything permitted it. */
function tellingAnnotations(effect: PolicyJson['effect'], { denyHint, stepUp }: Duties): readonly string[] {
  if (effect === 'permit') return [];
  return [...(denyHint === undefined ? [] : ['deny_hint']), ...(stepUp === undefined ? [] : ['step_up'])];
}

/** `permit … unless { resource.key == "root" }` would permit the whole map, root included. */
function exceptsByKey({ effect, conditions }: PolicyJson): boolean {
  return (
    effect === 'permit' && resourceReads({ conditions: conditions.filter(({ kind }) => kind === 'unless') }).has('key')
  );
}

/**
 * Strict validation of all policies against the schema. Warnings count as defects: they tell of policies that can never match, and a
 * forbid that never matches is an open door with a sign on it.
 */
export function validatePolicies(policies: readonly Policy[], schema: string, engine: Engine, defects: Defects): void {
  const answer = engine.call((cedar) =>
    cedar.validate({
      validationSettings: { mode: 'strict' },
      schema,
      policies: { staticPolicies: Object.fromEntries(policies.map(({ text }, index) => [String(index), text])) },
    }),
  );
  if (answer.type === 'failure') {
    for (const error of answer.errors) defects.add('schema.cedarschema', undefined, worded(error));
    return;
  }
  const found: readonly ValidationError[] = [...answer.validationErrors, ...answer.validationWarnings];
  for (const { policyId, error } of found) {
    const policy = policies[Number(policyId)];
    if (policy === undefined) continue;
    const problem = worded(error).replace(/^for policy `\d+`, /u, '');
    defects.add(policy.file, lineOf(error, policy), `policy ${policy.id}: ${problem}`);
  }
}

/** A step-up that the tenant accepts from nobody would refuse everybody, one by one, at request time. */
export function checkStepUps(
  policies: readonly Policy[],
  accepted: readonly string[] | undefined,
  defects: Defects,
): void {
  if (accepted === undefined) return;
  for (const { id, duties, file, line } of policies) {
    const strange = duties.stepUp?.split(' ').filter((acr) => !accepted.includes(acr)) ?? [];
    if (strange.length > 0)
      defects.add(file, line, `policy ${id}: @step_up names ${strange.join(' ')}, no acr value of this tenant's`);
  }
}

/** Each id once in the whole set, other tenants' policies included: audit records name policies by nothing else. */
export function checkUniqueIds(policies: readonly Policy[], defects: Defects): void {
  const first = new Map<string, Policy>();
  for (const policy of policies) {
    const other = first.get(policy.id);
    if (other === undefined) first.set(policy.id, policy);
    else defects.add(policy.file, policy.line, `@id("${policy.id}") is taken by ${other.file}:${other.line}`);
  }
}

function worded({ message, help, sourceLocations }: DetailedError): string {
  const label = sourceLocations?.[0]?.label;
  return [message, label, help].filter((part) => part !== null && part !== undefined).join('; ');
}

/** Cedar counts bytes of UTF-8 from the start of the policy. */
function lineOf({ sourceLocations }: DetailedError, part: { readonly text: string; readonly line: number }): number {
  const bytes = sourceLocations?.[0]?.start ?? 0;
  const before = Buffer.from(part.text).subarray(0, bytes).toString();
  return part.line + lineAt(`${before}x`, before.length) - 1;
}
