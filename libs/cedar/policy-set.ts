import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';

import type { SourceFile } from './defects.js';
import type { Known } from './known-entities.js';
import type { Policy } from './read-policies.js';
import type { Shapes } from './shapes.js';

/** The texts of a policies folder (spec, "Policy decision point: Policies as files"). */
export interface PolicyTexts {
  readonly schema: SourceFile;
  readonly guardrails: SourceFile;
  readonly tenants: readonly { readonly tenant: string; readonly file: SourceFile }[];
  readonly entities: readonly SourceFile[];
  readonly cases: readonly SourceFile[];
  /** `policy-set.yaml`, or the serial that stands for it in dev. */
  readonly edition: SourceFile | number;
  /** The acr values that each tenant accepts. A tenant that is not here is not checked: nobody has said. */
  readonly acrValues?: ReadonlyMap<string, readonly string[]>;
}

/** A set that passed every check and is prepared in the engine. */
export interface PolicySet {
  /** `serial.hash`. */
  readonly version: string;
  /** Under which the engine holds the schema; of this load alone. */
  readonly name: string;
  readonly shapes: Shapes;
  /** Guardrails and the tenant's own policies, by tenant. A tenant without any is not here: nothing permits it. */
  readonly tenants: ReadonlyMap<string, TenantPolicies>;
  /** What the cases say, for whoever prints or runs them again. */
  readonly cases: readonly CaseOutcome[];
}

export interface TenantPolicies {
  readonly name: string;
  readonly policies: ReadonlyMap<string, Policy>;
  /** By id: forbids that may close one key, as a request for the whole map must see them. See `evaluate.ts`. */
  readonly forbidsByKey: ReadonlyMap<string, PolicyJson>;
  readonly known: Known;
}

export interface CaseOutcome {
  readonly sentence: string;
  readonly file: string;
  readonly line: number | undefined;
  /** Policies that decided. */
  readonly reached: readonly string[];
  /** What came out otherwise than the case says, in words; empty when it passes. */
  readonly failures: readonly string[];
}
