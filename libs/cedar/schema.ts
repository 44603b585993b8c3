import type { SchemaJson } from '@cedar-policy/cedar-wasm/nodejs';

import type { Defects, SourceFile } from './defects.js';
import type { Engine } from './engine.js';
import { shapesOf, type Shapes } from './shapes.js';
import { lineAt } from './split-policies.js';

export interface Schema {
  readonly json: SchemaJson<string>;
  readonly shapes: Shapes;
}

/**
 * What a question carries (`libs/decision/question.ts`). An optional attribute that no question ever has would be missing for good,
 * and a `forbid … when { resource has classification && … }` would never close: such a schema is refused.
 */
const RESOURCE: ReadonlySet<string> = new Set([
  'tenant',
  'provider',
  'engine',
  'mount',
  'path',
  'folders',
  'key',
  'version',
]);
const CONTEXT: ReadonlySet<string> = new Set([
  'purpose',
  'reason',
  'time',
  'issuer',
  'client_id',
  'aud',
  'token_jti_hash',
  'acr',
  'amr',
  'auth_time',
  'token_age',
  'binding',
  'address',
  'environment',
  'correlation_id',
]);

export function readSchema(file: SourceFile, engine: Engine, defects: Defects): Schema | undefined {
  const answer = engine.call((cedar) => cedar.schemaToJsonWithResolvedTypes(file.text));
  if (answer.type === 'failure') {
    for (const { message, help, sourceLocations } of answer.errors) {
      const at = sourceLocations?.[0]?.start;
      const line = at === undefined ? undefined : lineAt(file.text, characters(file.text, at));
      defects.add(file.path, line, help === null ? message : `${message}; ${help}`);
    }
    return undefined;
  }
  try {
    const schema = { json: answer.json, shapes: shapesOf(answer.json) };
    checkAnswerable(schema.shapes, file, defects);
    return schema;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    defects.add(file.path, undefined, error.message);
    return undefined;
  }
}

function checkAnswerable({ entities, actions }: Shapes, { path }: SourceFile, defects: Defects): void {
  for (const name of entities.get('secret')?.members.keys() ?? []) {
    if (!RESOURCE.has(name))
      defects.add(path, undefined, `secret.${name} is no fact that a question carries: remove it`);
  }
  const context = new Set([...actions.values()].flatMap((action) => [...action.context.members.keys()]));
  for (const name of context) {
    if (!CONTEXT.has(name))
      defects.add(path, undefined, `context.${name} is no fact that a question carries: remove it`);
  }
}

/** Cedar counts bytes of UTF-8. */
function characters(text: string, bytes: number): number {
  return Buffer.from(text).subarray(0, bytes).toString().length;
}
