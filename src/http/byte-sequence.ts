import { parseItem, serializeItem } from 'structured-headers';

/**
 * A field that is one byte sequence without parameters (RFC 9651 sections 3.3.5 and 4.2.7), and nothing but that. Only the spelling
 * that a serializer writes is taken: a parser may let missing padding and spare bits pass, and then one value has many spellings.
 *
 * @returns undefined for everything else, whatever the package throws about it
 */
export function parseByteSequence(value: string): Uint8Array | undefined {
  try {
    const item: readonly unknown[] = parseItem(value);
    const [bytes] = item;
    if (!(bytes instanceof ArrayBuffer) || serializeItem([bytes, new Map()]) !== value) return undefined;
    return new Uint8Array(bytes);
  } catch {
    return undefined;
  }
}
