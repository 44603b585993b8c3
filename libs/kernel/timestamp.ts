/** The last second that was written, and its text up to the dot. */
let second = Number.NaN;
let text = '';

/**
 * RFC 3339 in UTC with milliseconds, as `Date` writes it. Several are written for each request, nearly all in the second of the one
 * before, whose text is kept.
 *
 * @param ms since the epoch, whole
 * @throws RangeError for a time that `Date` does not know
 */
export function timestamp(ms: number): string {
  const of = Math.floor(ms / 1000);
  if (of !== second) {
    text = new Date(of * 1000).toISOString().slice(0, -4);
    second = of;
  }
  return `${text}${String(ms - of * 1000).padStart(3, '0')}Z`;
}
