import * as fc from 'fast-check';

/**
 * Any text at all, halves of surrogate pairs included. The unit `binary` of fast-check means nearly the same, but first builds a table
 * of a million characters for each suite: more than a second, and far more under mutation.
 */
export function anyText(size: { readonly maxLength?: number } = {}): fc.Arbitrary<string> {
  const point = fc.oneof(fc.nat(0x7f), fc.nat(0xffff), fc.nat(0x10ffff));
  return fc.array(point, size).map((points) => String.fromCodePoint(...points));
}
