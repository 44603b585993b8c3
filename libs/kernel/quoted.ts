const SHOWN = 64;

/**
 * What a caller sent, fit to stand in a `detail`: in quotes, cut after 64 characters, and only when all of it that is shown is
 * printable ASCII without `"` and `\` (the characters that RFC 6750 section 3 allows in a description). Anything else is named, not
 * repeated, so that no terminal, log or header is spoken to by an attacker.
 */
export function quoted(text: string): string {
  const shown = text.slice(0, SHOWN);
  for (let at = 0; at < shown.length; at += 1) {
    const unit = shown.charCodeAt(at);
    if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) return '(not printable)';
  }
  return shown.length < text.length ? `"${shown}..."` : `"${shown}"`;
}
