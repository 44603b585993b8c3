import { isJsonObject, type Json, type JsonObject } from '#libs/kernel/json.js';

import type { Defects, SourceFile } from './defects.js';
import { isText, project } from './projection.js';
import type { Shapes } from './shapes.js';
import { readYaml, unknownMembers, type YamlText } from './yaml-text.js';

/** What the PDP knows of one tenant's subjects beyond the request. */
export interface Known {
  /** Names of the groups that list a subject, by subject id (`<iss>#<sub>`). */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** Attributes beyond those of the request, by subject type and id. */
  readonly attributes: ReadonlyMap<string, JsonObject>;
}

export const NOBODY: Known = { groups: new Map(), attributes: new Map() };

/** Facts of the token. A file that could name them would contradict a verified claim. */
const FROM_THE_TOKEN: readonly string[] = ['tenant', 'iss', 'sub', 'client_id', 'groups', 'actor'];
/** No `#`: the name of a group that a token claims always has one, so neither can pass for the other. */
const GROUP = /^[a-z0-9-]{1,64}$/u;

/**
 * Reads `entities/*.yaml`:
 * ```yaml
 * tenant: local
 * groups:
 *   on-call: ["https://issuer.example#alice"]        # Group::"on-call", members by subject id
 * subjects:
 *   "https://issuer.example#alice":
 *     type: user
 *     attributes: { team: payments }                  # as the schema declares them
 * ```
 */
export function readKnown(files: readonly SourceFile[], shapes: Shapes, defects: Defects): ReadonlyMap<string, Known> {
  const known = new Map<string, Collected>();
  for (const file of files) {
    const yaml = readYaml(file, defects);
    if (yaml === undefined) continue;
    const { tenant, groups = {}, subjects = {} } = yaml.value;
    for (const name of unknownMembers(yaml.value, ['tenant', 'groups', 'subjects'])) {
      defects.add(file.path, yaml.lineOf([name]), `${name} is not known here; known are tenant, groups, subjects`);
    }
    if (typeof tenant !== 'string' || tenant === '') {
      defects.add(file.path, yaml.lineOf(['tenant']), 'say whose entities these are: tenant: <id>');
      continue;
    }
    if (file.owner !== undefined && file.owner !== tenant) {
      defects.add(
        file.path,
        yaml.lineOf(['tenant']),
        `this folder is tenant ${file.owner}'s: it cannot speak of ${tenant}`,
      );
      continue;
    }
    const own: Collected = known.get(tenant) ?? { groups: new Map(), attributes: new Map() };
    known.set(tenant, own);
    readGroups({ file, yaml, defects }, groups, own.groups);
    readSubjects({ file, yaml, defects, shapes }, subjects, own.attributes);
  }
  return known;
}

interface Collected {
  readonly groups: Map<string, string[]>;
  readonly attributes: Map<string, JsonObject>;
}

interface Reading {
  readonly file: SourceFile;
  readonly yaml: YamlText;
  readonly defects: Defects;
}

function readGroups({ file, yaml, defects }: Reading, groups: Json, into: Map<string, string[]>): void {
  const entries = isJsonObject(groups) ? Object.entries(groups) : [];
  if (!isJsonObject(groups)) defects.add(file.path, yaml.lineOf(['groups']), 'groups is a mapping of name to members');
  for (const [name, members] of entries) {
    const line = yaml.lineOf(['groups', name]);
    if (!GROUP.test(name)) defects.add(file.path, line, `group ${name}: name it by 1 to 64 of a-z, 0-9 and -`);
    if (!Array.isArray(members) || !members.every(isSubjectId)) {
      defects.add(file.path, line, `group ${name}: list its members by subject id, "<issuer>#<sub>"`);
      continue;
    }
    for (const member of new Set(members.filter(isSubjectId))) into.set(member, [...(into.get(member) ?? []), name]);
  }
}

function readSubjects(
  { file, yaml, defects, shapes }: Reading & { readonly shapes: Shapes },
  subjects: Json,
  into: Map<string, JsonObject>,
): void {
  const entries = isJsonObject(subjects) ? Object.entries(subjects) : [];
  if (!isJsonObject(subjects))
    defects.add(file.path, yaml.lineOf(['subjects']), 'subjects is a mapping of id to subject');
  for (const [id, subject] of entries) {
    const wrong = (problem: string): void => {
      defects.add(file.path, yaml.lineOf(['subjects', id]), `subject ${id}: ${problem}`);
    };
    if (!isSubjectId(id)) wrong('name it "<issuer>#<sub>"');
    const { type, attributes = {}, ...rest } = isJsonObject(subject) ? subject : {};
    const shape = typeof type === 'string' ? shapes.entities.get(type) : undefined;
    if (typeof type !== 'string' || shape === undefined || Object.keys(rest).length > 0 || !isJsonObject(attributes)) {
      wrong('write type (as the schema declares it) and attributes, nothing else');
      continue;
    }
    for (const [name, value] of Object.entries(attributes)) {
      const member = shape.members.get(name);
      if (FROM_THE_TOKEN.includes(name)) wrong(`${name} comes from the token only`);
      else if (member === undefined) wrong(`the schema declares no attribute ${name} of ${type}`);
      else if (project(value, member.shape) === undefined) wrong(`${name} is not of the type that the schema declares`);
    }
    const key = `${type} ${id}`;
    if (into.has(key)) wrong('it is there twice');
    into.set(key, attributes);
  }
}

function isSubjectId(value: unknown): value is string {
  return isText(value) && /^[^#]+#.+$/su.test(value);
}
