import type { DetailedError, PolicyJson, ValidationError } from '@cedar-policy/cedar-wasm/nodejs';

import { readAnnotations, type Duties } from './annotations.js';
import type { Defects, SourceFile } from './defects.js';
import type { Engine } from './engine.js';
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
/** A policy is a page, not a book; Cedar's parser recurses over long chains. */
const TEXT_MAX = 32_768;

/** Reads one file; what is wrong goes to `defects`, and the policy that it is wrong with is left out. */
export function readPolicies({ path: file, text }: SourceFile, engine: Engine, defects: Defects): readonly Policy[] {
  const parts = splitPolicies(text);
  if ('tooDeepAt' in parts) {
    defects.add(file, parts.tooDeepAt, 'nesting is deeper than any policy needs: split the condition');
    return [];
  }
  return parts.flatMap((part) => {
    if (part.text.length > TEXT_MAX) {
      defects.add(file, part.line, `the policy is longer than ${TEXT_MAX} characters: split it`);
      return [];
    }
    const answer = engine.call((cedar) => cedar.policyToJson(part.text));
    if (answer.type === 'failure') {
      for (const error of answer.errors) defects.add(file, lineOf(error, part), worded(error));
      return [];
    }
    return checked({ ...part, file, json: answer.json }, defects);
  });
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
  if (duties.denyHint !== undefined && reads.size > 0) {
    defects.add(
      file,
      line,
      `policy ${id}: @deny_hint would tell of the secret, since it reads resource.${[...reads][0]}`,
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
