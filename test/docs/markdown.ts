import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { packageRoot } from '#src/config/disk.js';

/** A page of the repository. */
export interface Page {
  /** From the root, such as `docs/errors.md`. */
  readonly path: string;
  readonly text: string;
}

const NOT_OURS = new Set(['node_modules', 'dist', 'var', 'coverage', '.git']);

export function page(path: string): Page {
  return { path, text: readFileSync(join(packageRoot(), path), 'utf8') };
}

/** Every Markdown page. */
export function pages(folder = ''): readonly Page[] {
  return readdirSync(join(packageRoot(), folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : pages(path);
    return entry.name.endsWith('.md') ? [page(path)] : [];
  });
}

/** The fenced blocks of one language. */
export function blocks({ text }: Page, language: string): readonly string[] {
  return [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].flatMap(([, name, block = '']) =>
    name === language ? block : [],
  );
}

/** Without fenced blocks, in which nothing is a link. */
export function prose({ text }: Page): string {
  return text.replaceAll(/^```[^]*?^```$/gm, '');
}

export interface Link {
  /** Relative to the page; empty for a place on the page itself. */
  readonly target: string;
  readonly anchor: string | undefined;
}

/** Links inside the repository. */
export function linksOf(of: Page): readonly Link[] {
  return [...prose(of).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#', 2);
      return { target: path, anchor };
    });
}

/** As GitHub makes them: lower case, spaces to hyphens, punctuation away; a second equal heading gets a number. */
export function anchorsOf(of: Page): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const anchors = [...prose(of).matchAll(/^#{1,6} (.+)$/gm)].map(([, title = '']) => {
    const slug = title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return before === 0 ? slug : `${slug}-${before}`;
  });
  return new Set(anchors);
}

export function exists(path: string): boolean {
  return existsSync(join(packageRoot(), path));
}

/** A program that a person of the README has and a small image may not. */
export function isInstalled(program: string, asked = '--version'): boolean {
  try {
    execFileSync(program, [asked], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
