import { isNode, LineCounter, parseDocument } from 'yaml';

import { isJsonObject, type Json, type JsonObject } from '#libs/kernel/json.js';

import type { Defects, SourceFile } from './defects.js';

/** A YAML file as JSON, with the way back to its lines. */
export interface YamlText {
  readonly value: JsonObject;
  lineOf(path: readonly (string | number)[]): number | undefined;
}

/**
 * YAML 1.2, core schema, one mapping, no aliases, no repeated keys: a policy set is data, not a program.
 * @returns undefined when the text is none; what is wrong stands in `defects`
 */
export function readYaml({ path: file, text }: SourceFile, defects: Defects): YamlText | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true });
  const wrong = [...document.errors, ...document.warnings];
  for (const { message, pos } of wrong)
    defects.add(file, lines.linePos(pos[0]).line, `not YAML: ${firstLine(message)}`);
  if (wrong.length > 0) return undefined;
  const value = asJson(withoutAliases(() => document.toJS({ maxAliasCount: 0 })));
  if (value === undefined || !isJsonObject(value)) {
    defects.add(file, undefined, 'write one mapping of plain values, without aliases');
    return undefined;
  }
  return {
    value,
    lineOf: (path) => {
      const node: unknown = document.getIn(path, true);
      return isNode(node) && node.range ? lines.linePos(node.range[0]).line : undefined;
    },
  };
}

/** Names beyond those that are known: a misspelt member must not pass as an absent one. */
export function unknownMembers(value: JsonObject, known: readonly string[]): readonly string[] {
  return Object.keys(value).filter((name) => !known.includes(name));
}

/** The library throws a ReferenceError at the first alias. */
function withoutAliases(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function asJson(value: unknown): Json | undefined {
  return isJson(value) ? value : undefined;
}

/** Whether a foreign value is what a JSON text can hold. */
export function isJson(value: unknown): value is Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isJson);
  return typeof value === 'object' && Object.values(value).every(isJson);
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}
