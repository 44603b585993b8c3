import { parseStrictYaml, YamlFault, type YamlEntry, type YamlTree } from './strict-yaml.js';

/** One level of a vault: a mount, or a folder in it. Only own names are ever found: Maps inherit nothing. */
export interface Folder {
  readonly folders: ReadonlyMap<string, Folder>;
  readonly keys: ReadonlyMap<string, string>;
  /** The strings that stand directly here, ready to be answered; undefined when there is none. Frozen. */
  readonly whole: Readonly<Record<string, string>> | undefined;
}

/** As spec, "Secret URIs: Grammar": what no URI can name is an error here, not a secret nobody finds. */
const SEGMENT = /^[A-Za-z0-9._-]{1,128}$/;
const NEVER: ReadonlySet<string> = new Set(['.', '..', '__proto__', 'prototype', 'constructor']);

/**
 * A vault file: top level = mount, then folders, then keys with strings.
 * @throws YamlFault naming line and column; it quotes nothing of the file
 */
export function parseVault(text: string): Folder {
  const tree = parseStrictYaml(text);
  // An editor that truncates before it writes shows an empty file for a moment: that is not a vault without secrets.
  if (tree === undefined) throw new YamlFault('the file is empty; an empty vault is {}', { line: 1, column: 1 });
  const root = folderOf(tree, 0);
  return root;
}

/** @param depth 0 = the list of mounts, 1 = inside a mount */
function folderOf(tree: YamlTree, depth: number): Folder {
  if (tree.kind !== 'map') throw new YamlFault('expected a map', tree.place);
  const folders = new Map<string, Folder>();
  const keys = new Map<string, string>();
  for (const [name, entry] of tree.entries) {
    checkName(name, entry);
    if (entry.value.kind === 'map') folders.set(name, folderOf(entry.value, depth + 1));
    else keys.set(name, secretOf(entry, depth));
  }
  return { folders, keys, whole: keys.size === 0 ? undefined : Object.freeze(Object.fromEntries(keys)) };
}

function checkName(name: string, { place }: YamlEntry): void {
  if (!SEGMENT.test(name) || NEVER.has(name)) {
    throw new YamlFault('no secret URI can spell this name: use 1 to 128 of A-Z a-z 0-9 . _ -', place);
  }
}

function secretOf({ place, value }: YamlEntry, depth: number): string {
  if (depth === 0) throw new YamlFault('the top level holds mounts, and a mount is a map', place);
  if (depth === 1) throw new YamlFault('a key needs a folder: mount, then folders, then keys', place);
  if (value.kind !== 'scalar') throw new YamlFault('a secret is a string, not a list', value.place);
  if (typeof value.value !== 'string') throw new YamlFault('a secret is a string: put it in quotes', value.place);
  return value.value;
}
