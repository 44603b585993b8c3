import { isIP } from 'node:net';

import type { CedarValueJson } from '@cedar-policy/cedar-wasm/nodejs';

import { isJsonObject, type Json, type JsonObject } from '#libs/kernel/json.js';

import type { RecordShape, Shape } from './shapes.js';

/** Far above what a token or a request may hold; a set is walked element by element, on the event loop. */
const STRING_MAX = 16_384;
const SET_MAX = 1_024;

/**
 * The only way into Cedar (spec, "AuthZEN for implementers" 8.2 (3)): a value is converted by its *declared* type, declared members
 * only. So `{"__entity": …}` in a property is an object where a String was declared, hence nothing, and never a reference; nesting
 * is as deep as the schema, whatever was sent.
 *
 * @returns undefined when the value is not of that type
 */
export function project(value: Json | undefined, shape: Shape): CedarValueJson | undefined {
  switch (shape.kind) {
    case 'String':
      return isText(value) ? value : undefined;
    case 'Long':
      return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
    case 'Boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'Set':
      return Array.isArray(value) ? projectSet(value, shape.element) : undefined;
    case 'Record':
      return isJsonObject(value) ? projectRecord(value, shape) : undefined;
    case 'Entity':
      return isText(value) ? { __entity: { type: shape.type, id: value } } : undefined;
    case 'Extension':
      return isText(value) ? EXTENSIONS.get(shape.name)?.(value) : undefined;
  }
}

/**
 * A member that is ill-typed or undeclared is left out, so that a policy sees it as missing; a required one that is missing makes the
 * whole record nothing. One ill-typed element makes a set nothing: part of a set is another set.
 */
export function projectRecord(value: JsonObject, { members }: RecordShape): Record<string, CedarValueJson> | undefined {
  const projected: [string, CedarValueJson][] = [];
  for (const [name, { shape, required }] of members) {
    const member = Object.hasOwn(value, name) ? project(value[name], shape) : undefined;
    if (member !== undefined) projected.push([name, member]);
    else if (required) return undefined;
  }
  return Object.fromEntries(projected);
}

/** Text that Cedar can take: a lone surrogate makes the call throw, and a throw harms the instance. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= STRING_MAX && value.isWellFormed();
}

function projectSet(value: readonly Json[], element: Shape): CedarValueJson[] | undefined {
  if (value.length > SET_MAX) return undefined;
  const projected: CedarValueJson[] = [];
  for (const each of value) {
    const one = project(each, element);
    if (one === undefined) return undefined;
    projected.push(one);
  }
  return projected;
}

const EXTENSIONS: ReadonlyMap<string, (text: string) => CedarValueJson | undefined> = new Map([
  ['ipaddr', (text: string) => extension('ip', address(text))],
  ['datetime', (text: string) => extension('datetime', instant(text))],
  ['decimal', (text: string) => extension('decimal', /^-?\d{1,14}\.\d{1,4}$/u.test(text) ? text : undefined)],
  ['duration', (text: string) => extension('duration', /^-?\d{1,9}(?:ms|[dhms])$/u.test(text) ? text : undefined)],
]);

function extension(fn: string, arg: string | undefined): CedarValueJson | undefined {
  return arg === undefined ? undefined : { __extn: { fn, arg } };
}

/** A socket that speaks both families shows IPv4 peers as `::ffff:10.0.0.1`, which Cedar does not read. */
function address(text: string): string | undefined {
  const plain = text.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/iu, '');
  return isIP(plain) !== 0 && !plain.includes('%') ? plain : undefined;
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/u;

/** RFC 3339 in any of its spellings; Cedar reads one of them. */
function instant(text: string): string | undefined {
  const ms = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}
