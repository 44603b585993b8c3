import type { SchemaJson } from '@cedar-policy/cedar-wasm/nodejs';

/** A declared type, with names resolved: what a value must be to reach Cedar. */
export type Shape =
  | { readonly kind: 'String' | 'Long' | 'Boolean' }
  | { readonly kind: 'Set'; readonly element: Shape }
  | { readonly kind: 'Record'; readonly members: ReadonlyMap<string, Member> }
  | { readonly kind: 'Entity'; readonly type: string }
  | { readonly kind: 'Extension'; readonly name: string };

export type RecordShape = Extract<Shape, { kind: 'Record' }>;

export interface Member {
  readonly shape: Shape;
  readonly required: boolean;
}

export interface ActionShape {
  readonly principals: ReadonlySet<string>;
  readonly resources: ReadonlySet<string>;
  readonly context: RecordShape;
  /** The action itself and every group it is in, direct or not. */
  readonly groups: ReadonlySet<string>;
}

/** What the schema declares, in the form in which a request is measured against it. */
export interface Shapes {
  readonly entities: ReadonlyMap<string, RecordShape>;
  readonly actions: ReadonlyMap<string, ActionShape>;
}

const NOTHING: RecordShape = { kind: 'Record', members: new Map() };
const EXTENSIONS: ReadonlySet<string> = new Set(['ipaddr', 'decimal', 'datetime', 'duration']);

/**
 * @param schema as `schemaToJsonWithResolvedTypes` gives it
 * @throws TypeError for what this gateway does not read: a namespace, or a type it has never heard of
 */
export function shapesOf(schema: SchemaJson<string>): Shapes {
  const named = Object.keys(schema).find((namespace) => namespace !== '');
  if (named !== undefined) throw new TypeError(`it declares the namespace ${named}: declare the types without one`);
  const { entityTypes = {}, actions = {}, commonTypes = {} } = schema[''] ?? {};
  const read = readerOf(new Map(Object.entries(commonTypes)));
  return {
    entities: new Map(
      Object.entries(entityTypes).map(([name, declared]) => [
        name,
        'shape' in declared && declared.shape !== undefined ? asRecord(read(declared.shape)) : NOTHING,
      ]),
    ),
    actions: new Map(
      Object.entries(actions).map(([name, { appliesTo }]) => [
        name,
        {
          principals: new Set(appliesTo?.principalTypes ?? []),
          resources: new Set(appliesTo?.resourceTypes ?? []),
          context: appliesTo?.context === undefined ? NOTHING : asRecord(read(appliesTo.context)),
          groups: groupsOf(name, actions),
        },
      ]),
    ),
  };
}

/** The JSON form of a type; one interface for all its variants, since only some members are there for each. */
interface Declared {
  readonly type?: unknown;
  readonly name?: unknown;
  readonly element?: unknown;
  readonly attributes?: unknown;
  readonly required?: unknown;
}

function readerOf(common: ReadonlyMap<string, unknown>): (declared: unknown) => Shape {
  return function read(declared: unknown): Shape {
    if (!isDeclared(declared)) throw unknownType(declared);
    const { type, name } = declared;
    if (type === 'Set') return { kind: 'Set', element: read(declared.element) };
    if (type === 'Record') return { kind: 'Record', members: membersOf(declared.attributes, read) };
    if (type === 'Entity' && typeof name === 'string') return { kind: 'Entity', type: name };
    const plain = type === 'Extension' || type === 'EntityOrCommon' ? name : type;
    if (typeof plain !== 'string') throw unknownType(plain);
    return byName(plain.replace(/^__cedar::/u, ''));
  };

  function byName(name: string): Shape {
    if (common.has(name)) return readerOf(common)(common.get(name));
    if (name === 'String' || name === 'Long') return { kind: name };
    if (name === 'Bool' || name === 'Boolean') return { kind: 'Boolean' };
    if (EXTENSIONS.has(name)) return { kind: 'Extension', name };
    throw unknownType(name);
  }
}

function membersOf(attributes: unknown, read: (declared: unknown) => Shape): ReadonlyMap<string, Member> {
  const entries = typeof attributes === 'object' && attributes !== null ? Object.entries(attributes) : [];
  return new Map(
    entries.map(([name, declared]: [string, unknown]) => [
      name,
      { shape: read(declared), required: !(isDeclared(declared) && declared.required === false) },
    ]),
  );
}

function asRecord(shape: Shape): RecordShape {
  if (shape.kind !== 'Record') throw unknownType(shape.kind);
  return shape;
}

function groupsOf(
  name: string,
  actions: Readonly<Record<string, { readonly memberOf?: readonly { readonly id: string }[] }>>,
): ReadonlySet<string> {
  const found = new Set<string>();
  const queue = [name];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    queue.push(...(actions[next]?.memberOf ?? []).map(({ id }) => id));
  }
  return found;
}

function isDeclared(value: unknown): value is Declared {
  return typeof value === 'object' && value !== null;
}

function unknownType(declared: unknown): TypeError {
  return new TypeError(`it uses a type that this gateway does not read: ${JSON.stringify(declared)}`);
}
