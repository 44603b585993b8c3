/** One policy as it stands in its file. */
export interface PolicyText {
  readonly text: string;
  /** Of its first character; lines count from 1. */
  readonly line: number;
}

/** Nesting this deep is no policy that a person wrote, and Cedar's parser recurses: 500 parentheses kill the instance. */
const DEPTH_MAX = 64;

/**
 * Cuts a file into its policies, so that each can be named by file and line. Cedar's own splitter loses both. A `;` ends a policy
 * except inside a string or a comment (Cedar grammar: `//` to the end of the line, a lone CR included; strings in double quotes with `\` escapes).
 * What each part means is left to Cedar.
 *
 * @returns the line where nesting is too deep, instead of parts
 */
export function splitPolicies(source: string): readonly PolicyText[] | { readonly tooDeepAt: number } {
  const parts: PolicyText[] = [];
  let start = 0;
  let depth = 0;
  for (const { index, 0: token } of source.matchAll(TOKENS)) {
    if (OPENING.has(token)) depth += 1;
    if (CLOSING.has(token)) depth -= 1;
    if (depth > DEPTH_MAX) return { tooDeepAt: lineAt(source, index) };
    if (token !== ';') continue;
    addPart(parts, source, start, index + 1);
    start = index + 1;
    depth = 0;
  }
  addPart(parts, source, start, source.length);
  return parts;
}

/** A string (closed or not), a comment, or one character that counts. */
const TOKENS = /"(?:[^"\\]|\\[\s\S])*"?|\/\/[^\n\r]*|[;()[\]{}]/gu;
const OPENING: ReadonlySet<string> = new Set(['(', '[', '{']);
const CLOSING: ReadonlySet<string> = new Set([')', ']', '}']);

/** Blank lines and comments before a policy belong to nobody; what is left after the last `;` is a part only if it says something. */
function addPart(parts: PolicyText[], source: string, start: number, end: number): void {
  const raw = source.slice(start, end);
  const lead = /^(?:\s|\/\/[^\n\r]*)*/u.exec(raw)?.[0].length ?? 0;
  const text = raw.slice(lead);
  if (text !== '') parts.push({ text, line: lineAt(source, start + lead) });
}

/** The line of a position in a text, counted from 1. */
export function lineAt(source: string, index: number): number {
  let line = 1;
  for (let at = source.indexOf('\n'); at !== -1 && at < index; at = source.indexOf('\n', at + 1)) line += 1;
  return line;
}
