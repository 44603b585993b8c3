import type { PolicyJson, PrincipalConstraint, ResourceConstraint } from '@cedar-policy/cedar-wasm/nodejs';

/** Principal, action and resource of a request, each with everything it is in, spelled by `entityKey`. */
export interface Heads {
  readonly principal: Head;
  readonly action: Head;
  readonly resource: Head;
}

export interface Head {
  readonly type: string;
  /** The entity itself first, then its ancestors. */
  readonly within: ReadonlySet<string>;
  readonly self: string;
}

/** Unambiguous, since a type name holds no space. */
export function entityKey({ type, id }: { readonly type: string; readonly id: string }): string {
  return `${type} ${id}`;
}

/** Whether a policy's head (not its conditions) matches: what cannot match by its head can never contribute. */
export function headMatches({ principal, action, resource }: PolicyJson, asked: Heads): boolean {
  return (
    scopeMatches(principal, asked.principal) &&
    actionMatches(action, asked.action) &&
    scopeMatches(resource, asked.resource)
  );
}

type Scope = PrincipalConstraint | ResourceConstraint;
type EntityJson = { readonly __entity: { type: string; id: string } } | { readonly type: string; readonly id: string };

/** A slot is a template's; templates are refused at load, and one that came through would match: more forbids are candidates. */
function scopeMatches(scope: Scope, head: Head): boolean {
  switch (scope.op) {
    case 'All':
      return true;
    case '==':
      return 'slot' in scope || keyOf(scope.entity) === head.self;
    case 'in':
      return 'slot' in scope || head.within.has(keyOf(scope.entity));
    case 'is':
      if (scope.entity_type !== head.type) return false;
      return scope.in === undefined || 'slot' in scope.in || head.within.has(keyOf(scope.in.entity));
  }
}

function actionMatches(action: PolicyJson['action'], head: Head): boolean {
  switch (action.op) {
    case 'All':
      return true;
    case '==':
      return 'slot' in action || keyOf(action.entity) === head.self;
    case 'in':
      return ('entities' in action ? action.entities : [action.entity]).some((entity) =>
        head.within.has(keyOf(entity)),
      );
  }
}

function keyOf(entity: EntityJson): string {
  return entityKey('__entity' in entity ? entity.__entity : entity);
}

/**
 * A forbid as a request for the whole map must see it, when what it closes may be one key: it reads `resource.key`, or names a secret
 * with its key. The key is taken off its head, so that `resource == secret::"…/app#root"` matches the map that holds `root`.
 *
 * @returns undefined when the forbid has nothing to do with keys
 */
export function forbidByKey(json: PolicyJson): PolicyJson | undefined {
  if (json.effect !== 'forbid') return undefined;
  const { resource } = json;
  if (!namesKey(resource)) return resourceReads(json).has('key') || namesKey(json.conditions) ? json : undefined;
  if (resource.op !== '==' || 'slot' in resource) return { ...json, resource: { op: 'All' } };
  const { type, id } = '__entity' in resource.entity ? resource.entity.__entity : resource.entity;
  return { ...json, resource: { op: '==', entity: { type, id: id.split('#')[0] ?? '' } } };
}

/** Whether `secret::"…#key"` stands anywhere below. */
function namesKey(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(namesKey);
  if (!isNode(node)) return false;
  const { type, id } = node;
  return (type === 'secret' && typeof id === 'string' && id.includes('#')) || Object.values(node).some(namesKey);
}

/** Names of the resource's attributes that a policy's conditions read, `has` included. */
export function resourceReads({ conditions }: Pick<PolicyJson, 'conditions'>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { body } of conditions) collectReads(body, found);
  return found;
}

/**
 * Reads more rather than less: any access whose left side has to do with `resource` at all counts, so that a detour through a record
 * or an `if` is not overlooked. Literals are data and hold no variables.
 */
function collectReads(node: unknown, found: Set<string>): void {
  if (Array.isArray(node)) {
    for (const each of node) collectReads(each, found);
    return;
  }
  if (!isNode(node)) return;
  for (const [operator, operand] of Object.entries(node)) {
    if (operator === 'Value') continue;
    if (ACCESS.has(operator) && isNode(operand) && namesResource(operand['left'])) {
      for (const name of attributeNames(operand)) found.add(name);
    }
    collectReads(operand, found);
  }
}

const ACCESS: ReadonlySet<string> = new Set(['.', 'has', 'getTag', 'hasTag']);

function attributeNames({ attr }: Readonly<Record<string, unknown>>): readonly string[] {
  if (typeof attr === 'string') return [attr];
  if (Array.isArray(attr)) return attr.filter((name) => typeof name === 'string');
  return ['(tag)'];
}

function namesResource(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(namesResource);
  if (!isNode(node)) return false;
  return Object.entries(node).some(
    ([operator, operand]) =>
      operator !== 'Value' && ((operator === 'Var' && operand === 'resource') || namesResource(operand)),
  );
}

function isNode(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
