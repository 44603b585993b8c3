import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { parseSync } from '@swc/core';

export const ROOT = normalize(join(dirname(fileURLToPath(import.meta.url)), '..', '..'));

export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export function sourceFiles(...folders: readonly string[]): readonly SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => `${folder}/${name}`)
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts') && !path.includes('/dist/'))
      .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') })),
  );
}

/** Every syntax node of a file, with its `type`. Parsed without running anything. */
export function* nodesOf(file: SourceFile): Generator<Record<string, unknown>> {
  const queue: unknown[] = [parseSync(file.text, { syntax: 'typescript', decorators: true, target: 'es2024' })];
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    if (Array.isArray(node)) queue.push(...node.filter(isThing));
    else if (isThing(node)) {
      if (typeof node['type'] === 'string') yield node;
      queue.push(...Object.values(node).filter(isThing));
    }
  }
}

/** Static, type-only, re-exported, dynamic and `import('…')` type imports alike. */
export function importsOf(file: SourceFile): readonly string[] {
  const found: string[] = [];
  for (const node of nodesOf(file)) {
    if (isThing(node['source']) && typeof node['source']['value'] === 'string') found.push(node['source']['value']);
    if (node['type'] === 'TsImportType' && isThing(node['argument'])) found.push(String(node['argument']['value']));
    if (node['type'] === 'CallExpression' && isThing(node['callee']) && node['callee']['type'] === 'Import') {
      const [first] = node['arguments'] as { expression: { type: string; value?: unknown } }[];
      found.push(first?.expression.type === 'StringLiteral' ? String(first.expression.value) : 'computed import');
    }
  }
  return found;
}

/** An import of ours as a path from the root (`.ts`), or undefined for a package. */
export function resolveOurs(from: SourceFile, specifier: string): string | undefined {
  if (specifier.startsWith('#libs/') || specifier.startsWith('#src/'))
    return specifier.slice(1).replace(/\.js$/u, '.ts');
  if (!specifier.startsWith('.')) return undefined;
  return relative('/', join('/', dirname(from.path), specifier)).replace(/\.js$/u, '.ts');
}

function isThing(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
