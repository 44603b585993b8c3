import type { CedarValueJson, EntityJson, StatefulAuthorizationCall } from '@cedar-policy/cedar-wasm/nodejs';

import type { AuthzenEntity, EvaluationRequest } from '#libs/decision/authzen.js';
import type { Json, JsonObject } from '#libs/kernel/json.js';

import type { Known } from './known-entities.js';
import { entityKey, type Head, type Heads } from './policy-head.js';
import { isText, projectRecord } from './projection.js';
import type { ActionShape, Shapes } from './shapes.js';

/** A request in Cedar's terms: what the call is made of, and what the heads of policies are matched against. */
export interface Slice {
  readonly call: Omit<StatefulAuthorizationCall, 'preparsedPolicySetId' | 'preparsedSchemaName'>;
  readonly heads: Heads;
}

type Uid = { readonly type: string; readonly id: string };

/**
 * The entities of one request (spec, "Policy decision point: The secrets domain in Cedar"): principal and resource, each with all its
 * ancestors as direct parents, so that Cedar reads two entities instead of a chain. Ids are `{type, id}` objects, never text that
 * Cedar would parse.
 *
 * @returns undefined for whatever the schema or the tenant does not know: nothing can permit it, and Cedar is not asked
 */
export function sliceOf(tenant: string, request: EvaluationRequest, shapes: Shapes, known: Known): Slice | undefined {
  const { subject, action, resource } = request;
  const declared = shapes.actions.get(action.name);
  if (declared?.principals.has(subject.type) !== true || !declared.resources.has(resource.type)) return undefined;
  if (subject.properties?.['tenant'] !== tenant || resource.properties?.['tenant'] !== tenant) return undefined;

  const groups = groupsOf(subject, known);
  const folders = foldersOf(resource);
  if (!isText(subject.id) || groups === undefined || folders === undefined) return undefined;
  const home: Uid = { type: 'Tenant', id: tenant };
  const principal = entityOf(subject, [...groups, home], known.attributes.get(entityKey(subject)), shapes);
  const target = entityOf(resource, [...folders, home], undefined, shapes);
  const context = projectRecord(request.context ?? {}, declared.context);
  if (principal === undefined || target === undefined || context === undefined) return undefined;

  return {
    call: {
      principal: uidOf(subject),
      action: { type: 'Action', id: action.name },
      resource: uidOf(resource),
      context,
      validateRequest: true,
      entities: [principal, target],
    },
    heads: {
      principal: headOf(subject, [...groups, home]),
      action: actionHead(action.name, declared),
      resource: headOf(resource, [...folders, home]),
    },
  };
}

/** Claimed groups belong to their issuer, `<iss>#<name>`; those of the policy folder have names without `#`. */
function groupsOf({ id, properties = {} }: AuthzenEntity, known: Known): readonly Uid[] | undefined {
  const { iss, groups = [] } = properties;
  if (!isText(iss) || iss.includes('#') || !Array.isArray(groups) || groups.length > GROUPS_MAX) return undefined;
  const claimed: string[] = [];
  for (const name of groups) {
    if (!isText(name)) return undefined;
    claimed.push(`${iss}#${name}`);
  }
  return [...new Set([...claimed, ...(known.groups.get(id) ?? [])])].map((name) => ({ type: 'Group', id: name }));
}

const GROUPS_MAX = 1_024;
const SEGMENT = /^[A-Za-z0-9._-]{1,128}$/u;
const SCHEME = /^[a-z][a-z0-9-]*$/u;
const ENGINE = /^[a-z][a-z0-9]*$/u;

/**
 * Prefixes of the secret by whole segments: its own path, every folder above it, the mount. Built from the parts, which must spell
 * the id; an id and parts that disagree are no secret at all.
 */
function foldersOf({ id, properties = {} }: AuthzenEntity): readonly Uid[] | undefined {
  const { provider, engine, mount, path, key } = properties;
  if (!matches(SCHEME, provider) || !matches(SEGMENT, mount) || typeof path !== 'string') return undefined;
  if ((engine !== undefined && !matches(ENGINE, engine)) || (key !== undefined && !matches(SEGMENT, key)))
    return undefined;
  const segments = path.split('/');
  if (!segments.every((segment) => matches(SEGMENT, segment)) || segments.length > 16) return undefined;
  const root = `${provider}${engine === undefined ? '' : `+${engine}`}://${mount}`;
  if (id !== `${root}/${path}${key === undefined ? '' : `#${key}`}`) return undefined;
  const folders = segments.map((_, index) => ({
    type: 'Folder',
    id: `${root}/${segments.slice(0, index + 1).join('/')}`,
  }));
  return [...folders.toReversed(), { type: 'Mount', id: root }];
}

function matches(pattern: RegExp, value: Json | undefined): value is string {
  return typeof value === 'string' && pattern.test(value);
}

/** What the request says wins over what is known; a member that it says wrongly is missing, and what is known does not return. */
function entityOf(
  entity: AuthzenEntity,
  parents: readonly Uid[],
  stored: JsonObject | undefined,
  shapes: Shapes,
): EntityJson | undefined {
  const shape = shapes.entities.get(entity.type);
  if (shape === undefined) return undefined;
  const attrs: Record<string, CedarValueJson> | undefined = projectRecord({ ...stored, ...entity.properties }, shape);
  return attrs && { uid: uidOf(entity), attrs, parents: parents.map(uidOf) };
}

function uidOf({ type, id }: Uid): Uid {
  return { type, id };
}

function headOf(entity: Uid, ancestors: readonly Uid[]): Head {
  return {
    type: entity.type,
    self: entityKey(entity),
    within: new Set([entity, ...ancestors].map(entityKey)),
  };
}

function actionHead(name: string, { groups }: ActionShape): Head {
  return {
    type: 'Action',
    self: entityKey({ type: 'Action', id: name }),
    within: new Set([...groups].map((id) => entityKey({ type: 'Action', id }))),
  };
}
