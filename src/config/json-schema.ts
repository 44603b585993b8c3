import type { Json, JsonObject } from '#libs/kernel/json.js';

import { NOT_YET, NOT_YET_MEMBERS, NOT_YET_SECRETS } from './not-yet.js';
import { SECTIONS, SETTINGS } from './schema.js';
import type { Setting } from './setting.js';

/**
 * `config/postern.schema.json`, made from the same table as the loader and the page: what editors complete and underline in a
 * configuration file. Draft 07, which editors know best. It says less than the loader does (nothing about two settings at once but a
 * secret beside its file), and never calls wrong what the loader takes, with one exception: text where a file means a number or a flag.
 */
export function renderJsonSchema(): string {
  const schema: JsonObject = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'urn:postern:configuration',
    title: 'Postern configuration file',
    description: 'Made from src/config/schema.ts by `npx postern config schema --write`. Do not edit.',
    ...closed(Object.values(SETTINGS), '_FILE', {
      ...Object.fromEntries(Object.entries(SECTIONS).map(([name, section]) => [name, sectionOf(name, section)])),
      ...Object.fromEntries([...NOT_YET, ...secretFiles()].map((name) => [name, UNSUPPORTED])),
    }),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

const UNSUPPORTED: JsonObject = { description: 'Not supported yet: setting it is refused at start.', deprecated: true };

function secretFiles(): readonly string[] {
  return [...NOT_YET_SECRETS].map((name) => `${name}_FILE`);
}

type Rows = readonly Setting<unknown>[];

function sectionOf(section: string, { description, members }: { description: string; members: object }): JsonObject {
  const rows: Rows = Object.values(members);
  const later = [...NOT_YET_MEMBERS].filter((name) => name.startsWith(`${section}.`));
  const unsupported = later.map((name) => [name.slice(section.length + 1), UNSUPPORTED] as const);
  return { description, type: 'array', items: closed(rows, '_file', Object.fromEntries(unsupported)) };
}

/** A map of these settings, of these further members, and of nothing else. */
function closed(rows: Rows, fileSuffix: string, further: JsonObject): JsonObject {
  const required = rows.filter((row) => row.required === 'everywhere' && row.secret !== true).map(({ name }) => name);
  const eitherOr = rows
    .filter(({ secret }) => secret === true)
    .map(({ name }) => ({ not: { required: [name, `${name}${fileSuffix}`] } }));
  return {
    type: 'object',
    additionalProperties: false,
    ...(required.length > 0 && { required }),
    properties: { ...nested(rows.flatMap((row) => propertiesOf(row, fileSuffix))), ...further },
    ...(eitherOr.length > 0 && { allOf: eitherOr }),
  };
}

function propertiesOf(row: Setting<unknown>, fileSuffix: string): readonly (readonly [string, JsonObject])[] {
  const { kind, members } = row;
  const json =
    members === undefined ? kind.json : { type: 'array', items: closed(Object.values(members), '_file', {}) };
  const property: JsonObject = { description: describe(row), ...json, ...presetOf(row) };
  if (row.secret !== true) return [[row.name, property]];
  const file = { description: `Path of a file that holds ${row.name}.`, type: 'string', minLength: 1 };
  return [
    [row.name, property],
    [`${row.name}${fileSuffix}`, file],
  ];
}

function describe({ description, unit, secret, devAndTest }: Setting<unknown>): string {
  const words = [
    description,
    ...(unit === undefined ? [] : [`In ${unit}.`]),
    ...(devAndTest === undefined ? [] : [`In dev and test the default is ${JSON.stringify(devAndTest)}.`]),
    ...(secret === true ? ['A secret: better kept in a file of its own.'] : []),
  ];
  return words.join(' ');
}

function presetOf({ default: preset }: Setting<unknown>): JsonObject {
  return preset === undefined ? {} : { default: preset };
}

/** `claims.tenant` is the member `tenant` of the map `claims`. */
function nested(properties: readonly (readonly [string, JsonObject])[]): JsonObject {
  const outer: Record<string, Json> = {};
  const inner = new Map<string, Record<string, Json>>();
  for (const [name, property] of properties) {
    const [head = '', ...tail] = name.split('.');
    if (tail.length === 0) outer[head] = property;
    else inner.set(head, { ...inner.get(head), [tail.join('.')]: property });
  }
  for (const [head, members] of inner) {
    outer[head] = { type: 'object', additionalProperties: false, properties: members };
  }
  return outer;
}
