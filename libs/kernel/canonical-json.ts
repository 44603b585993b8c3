import type { Json } from './json.js';

/**
 * RFC 8785 (JCS): one text for one value. Members are ordered by the UTF-16 code units of their names, numbers and strings are
 * written as ECMAScript writes them, and there is no white space. It runs on each audit record: a value whose members stand in
 * order already takes the engine's own way, which writes the same text several times faster.
 *
 * @throws TypeError for what has no canonical text: NaN, the infinities, a lone surrogate (in a name too), and, past the compiler,
 * `undefined`, a bigint, a function or a symbol. The value is not repeated in the message.
 */
export function canonicalJson(value: Json): string {
  return isInOrder(value) ? JSON.stringify(value) : textOf(value);
}

/** Whether `JSON.stringify` writes this value's canonical text: it keeps the order that it finds, and escapes as RFC 8785 does. */
function isInOrder(value: Json | undefined): boolean {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed();
    case 'number':
      return Number.isFinite(value);
    case 'boolean':
      return true;
    case 'object':
      if (value === null) return true;
      return isArray(value) ? elementsAreInOrder(value) : membersAreInOrder(value);
    default:
      return false;
  }
}

function elementsAreInOrder(elements: readonly Json[]): boolean {
  // by index: iteration methods pass holes over
  for (let at = 0; at < elements.length; at += 1) {
    if (!isInOrder(elements[at])) return false;
  }
  return true;
}

function membersAreInOrder(members: { readonly [name: string]: Json }): boolean {
  let before = '';
  for (const name of Object.keys(members)) {
    if (before > name) return false;
    if (!name.isWellFormed() || !isInOrder(members[name])) return false;
    before = name;
  }
  return true;
}

function textOf(value: Json | undefined): string {
  switch (typeof value) {
    case 'string':
      return stringText(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError('A number that is not finite has no canonical JSON.');
      return String(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      return isArray(value) ? arrayText(value) : objectText(value);
    default:
      throw new TypeError(`There is no canonical JSON of type ${typeof value}.`);
  }
}

function arrayText(elements: readonly Json[]): string {
  let text = '[';
  for (let at = 0; at < elements.length; at += 1) text += `${at === 0 ? '' : ','}${textOf(elements[at])}`;
  return `${text}]`;
}

function objectText(members: { readonly [name: string]: Json }): string {
  // the default sort compares strings by UTF-16 code units, as RFC 8785 section 3.2.3 wants
  const names = Object.keys(members).sort();
  return `{${names.map((name) => `${stringText(name)}:${textOf(members[name])}`).join(',')}}`;
}

function stringText(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('A lone surrogate has no canonical JSON.');
  return JSON.stringify(text);
}

/** `Array.isArray` does not narrow a readonly array. */
function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
