import { canonicalJson } from '#libs/kernel/canonical-json.js';
import { sha256 } from '#libs/kernel/digest.js';
import type { Json } from '#libs/kernel/json.js';

import { readCases } from './cases.js';
import { Defects } from './defects.js';
import type { Engine } from './engine.js';
import { NOBODY, readKnown, type Known } from './known-entities.js';
import { forbidByKey } from './policy-head.js';
import type { PolicySet, PolicyTexts, TenantPolicies } from './policy-set.js';
import { checkStepUps, checkUniqueIds, readPolicies, validatePolicies, type Policy } from './read-policies.js';
import { runCases } from './run-cases.js';
import { readSchema, type Schema } from './schema.js';
import { readSerial } from './serial.js';
import { isJson } from './yaml-text.js';

/** Distinguishes two loads of one edition inside an engine. */
let loads = 0;

/**
 * Reads, checks and prepares a set: whole or not at all. Another tenant's policies are not in a tenant's prepared set, so they cannot
 * permit there, whatever they say.
 *
 * @throws PolicySetRefused with every defect that reading and validating find, or else with every case that fails
 */
export function preparePolicySet(engine: Engine, texts: PolicyTexts): PolicySet {
  const { cases, ...content } = readTexts(engine, texts);
  const set = prepared(engine, texts, content);
  try {
    const outcomes = runCases(engine, set, cases);
    const defects = new Defects();
    for (const { file, line, sentence, failures } of outcomes) {
      for (const failure of failures) defects.add(file, line, `case "${sentence}": ${failure}`);
    }
    defects.throwAny();
    return { ...set, cases: outcomes };
  } catch (error) {
    forgetPolicySet(engine, set);
    throw error;
  }
}

/** Frees what `preparePolicySet` prepared. The set must not be asked afterwards. */
export function forgetPolicySet(engine: Engine, { name, tenants }: Pick<PolicySet, 'name' | 'tenants'>): void {
  for (const own of tenants.values()) engine.forgetPolicies(own.name);
  engine.forgetSchema(name);
}

interface Content {
  readonly serial: number;
  readonly schema: Schema;
  readonly guardrails: readonly Policy[];
  readonly owned: readonly Owned[];
  readonly known: ReadonlyMap<string, Known>;
}

interface Owned {
  readonly tenant: string;
  readonly policies: readonly Policy[];
}

/** @throws PolicySetRefused */
function readTexts(engine: Engine, texts: PolicyTexts): Content & { readonly cases: ReturnType<typeof readCases> } {
  const defects = new Defects();
  const serial = readSerial(texts.edition, defects);
  const schema = readSchema(texts.schema, engine, defects);
  const guardrails = readPolicies(texts.guardrails, engine, defects);
  const owned = texts.tenants.map(({ tenant, file }) => ({ tenant, policies: readPolicies(file, engine, defects) }));
  const all = [...guardrails, ...owned.flatMap(({ policies }) => policies)];
  checkUniqueIds(all, defects);
  for (const { tenant, policies } of owned) checkStepUps(policies, texts.acrValues?.get(tenant), defects);
  if (schema !== undefined) validatePolicies(all, texts.schema.text, engine, defects);
  const known = schema && readKnown(texts.entities, schema.shapes, defects);
  const cases = readCases(texts.cases, defects);
  defects.throwAny();
  if (schema === undefined || known === undefined || serial === undefined) {
    throw new TypeError('What could not be read must have left a defect.');
  }
  return { serial, schema, guardrails, owned, known, cases };
}

function prepared(engine: Engine, texts: PolicyTexts, content: Content): PolicySet {
  const { serial, schema, guardrails, owned, known } = content;
  loads += 1;
  const version = `${serial}.${hashOf(content)}`;
  const name = `${version}/${loads}`;
  const tenants = new Map<string, TenantPolicies>();
  engine.prepareSchema(name, texts.schema.text);
  for (const tenant of new Set(owned.map((own) => own.tenant))) {
    const policies = owned.filter((own) => own.tenant === tenant).flatMap((own) => own.policies);
    const set = tenantPolicies(`${name}/${tenant}`, [...guardrails, ...policies], known.get(tenant) ?? NOBODY);
    engine.preparePolicies(set.name, Object.fromEntries([...set.policies].map(([id, { text }]) => [id, text])));
    tenants.set(tenant, set);
  }
  return { version, name, shapes: schema.shapes, tenants, cases: [] };
}

function tenantPolicies(name: string, policies: readonly Policy[], known: Known): TenantPolicies {
  return {
    name,
    policies: new Map(policies.map((policy) => [policy.id, policy])),
    forbidsByKey: new Map(
      policies.flatMap(({ id, json }) => {
        const seen = forbidByKey(json);
        return seen === undefined ? [] : [[id, seen] as const];
      }),
    ),
    known,
  };
}

/**
 * Of what decides: schema, policies and known entities as they were understood, so that neither a comment nor the order of files
 * makes another version. 96 bits: versions are compared, not relied on for integrity.
 */
function hashOf({ schema, guardrails, owned, known }: Content): string {
  const policies = [
    ...guardrails.map((policy) => ({ policy, tenant: '' })),
    ...owned.flatMap(({ tenant, policies: own }) => own.map((policy) => ({ policy, tenant }))),
  ];
  const content = {
    schema: asJson(schema.json),
    policies: Object.fromEntries(
      policies.map(({ policy, tenant }) => [policy.id, { tenant, policy: asJson(policy.json) }]),
    ),
    known: Object.fromEntries(
      [...known].map(([tenant, { groups, attributes }]) => [
        tenant,
        {
          groups: Object.fromEntries([...groups].map(([id, names]) => [id, [...names].sort()])),
          attributes: Object.fromEntries(attributes),
        },
      ]),
    ),
  };
  return sha256(canonicalJson(content)).slice(0, 16);
}

/** Cedar's JSON forms are JSON; their types say so less plainly. */
function asJson(value: object): Json {
  const json: unknown = JSON.parse(JSON.stringify(value));
  if (!isJson(json)) throw new TypeError('Parsed JSON is JSON.');
  return json;
}
