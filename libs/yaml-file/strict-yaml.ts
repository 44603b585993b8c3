import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type ParsedNode } from 'yaml';

/** Where something stands in a text; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A YAML text as a tree that remembers places. Maps keep their own names only: nothing is inherited. */
export type YamlTree = YamlMap | YamlList | YamlScalar;
export interface YamlMap {
  readonly kind: 'map';
  readonly place: Place;
  readonly entries: ReadonlyMap<string, YamlEntry>;
}
export interface YamlEntry {
  /** Where the name stands. */
  readonly place: Place;
  readonly value: YamlTree;
}
export interface YamlList {
  readonly kind: 'list';
  readonly place: Place;
  readonly items: readonly YamlTree[];
}
export interface YamlScalar {
  readonly kind: 'scalar';
  readonly place: Place;
  readonly value: string | number | boolean | null;
}

/** What is wrong with a text. The sentence quotes nothing of the text, since the text may hold secrets. */
export class YamlFault extends Error {
  override readonly name = 'YamlFault';

  constructor(
    readonly what: string,
    readonly place: Place,
  ) {
    super(`line ${place.line}, column ${place.column}: ${what}`);
  }
}

/** Far above any file written by hand, far below what would stall a start. */
export const MAX_YAML_BYTES = 1024 * 1024;
const MAX_DEPTH = 32;

/**
 * Reads the part of YAML 1.2 that has one meaning: one document of maps, lists and plain values. Refused: aliases and anchors
 * (a few lines of them expand to gigabytes), tags, directives, repeated names, names that are not text, depth over 32 and
 * texts over 1 MiB.
 * Answers undefined for a text without any content.
 * @throws YamlFault
 */
export function parseStrictYaml(text: string): YamlTree | undefined {
  if (Buffer.byteLength(text) > MAX_YAML_BYTES) throw new YamlFault('larger than 1 MiB', { line: 1, column: 1 });
  const lines = new LineCounter();
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  // The package's own check for repeated names is quadratic (10 s for a map of 30,000) and its pretty errors quote the text.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    version: '1.2',
    schema: 'core',
    // `silent` would let a second document pass.
    logLevel: 'error',
  });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined) throw new YamlFault(sentenceOf(fault.code), placeOf(fault.pos[0]));
  if (document.directives.yaml.explicit === true) throw new YamlFault('directives are not allowed', placeOf(0));
  return document.contents === null ? undefined : treeOf(document.contents, placeOf, 0);
}

function treeOf(node: ParsedNode, placeOf: (offset: number) => Place, depth: number): YamlTree {
  const place = placeOf(node.range[0]);
  if (isAlias(node)) throw new YamlFault('aliases (*name) are not allowed', place);
  if (node.anchor !== undefined) throw new YamlFault('anchors (&name) are not allowed', place);
  if (node.tag !== undefined) throw new YamlFault('tags (!name) are not allowed; binaries neither', place);
  if (depth > MAX_DEPTH) throw new YamlFault(`nested deeper than ${MAX_DEPTH} levels`, place);
  if (isScalar(node)) return { kind: 'scalar', place, value: plain(node.value, place) };
  if (isSeq(node)) return { kind: 'list', place, items: node.items.map((item) => treeOf(item, placeOf, depth + 1)) };
  if (!isMap(node)) throw new YamlFault('neither map, list nor value', place);

  const entries = new Map<string, YamlEntry>();
  for (const { key, value } of node.items) {
    const name = treeOf(key, placeOf, depth + 1);
    if (name.kind !== 'scalar' || typeof name.value !== 'string')
      throw new YamlFault('a name must be text', name.place);
    if (entries.has(name.value)) throw new YamlFault('this name stands twice in one map', name.place);
    const tree: YamlTree =
      value === null ? { kind: 'scalar', place: name.place, value: null } : treeOf(value, placeOf, depth + 1);
    entries.set(name.value, { place: name.place, value: tree });
  }
  return { kind: 'map', place, entries };
}

function plain(value: unknown, place: Place): YamlScalar['value'] {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  throw new YamlFault('not a plain value', place);
}

/** The package's messages may quote the text, its codes cannot. */
function sentenceOf(code: string): string {
  switch (code) {
    case 'MULTIPLE_DOCS':
      return 'more than one document (---)';
    case 'TAB_AS_INDENT':
      return 'a tab as indentation: use spaces';
    case 'MISSING_CHAR':
      return 'a closing quote, bracket or colon is missing';
    case 'BAD_INDENT':
      return 'the indentation does not fit';
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'two names on one line: quote a text that holds ": "';
    case 'RESOURCE_EXHAUSTION':
      return `nested deeper than ${MAX_DEPTH} levels`;
    case 'TAG_RESOLVE_FAILED':
      return 'tags (!name) are not allowed';
    default:
      return `not YAML (${code})`;
  }
}
