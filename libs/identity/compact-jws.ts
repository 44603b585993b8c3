import { decodeBase64url, isBase64url } from '#libs/kernel/base64url.js';
import { isJsonObject, type JsonObject } from '#libs/kernel/json.js';
import { parseStrictJson, StrictJsonError } from '#libs/kernel/strict-json.js';

/** The three parts of a JWS in compact serialization (RFC 7515 section 7.1); nothing is verified yet. */
export interface CompactJws {
  /** In canonical spelling, not decoded: whoever knows the text need not read it again. */
  readonly header: string;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  /** What the signature is over: header and payload as they were sent. */
  readonly signed: string;
}

/**
 * Reads the one spelling that a JWS has. Decoders are lenient (padding, white space, other alphabets, trailing bits), so that
 * anybody could respell a token and slip past everything that is keyed on its text; here each segment has one.
 * JWE (five parts) and detached payloads do not fit and are refused with the rest.
 *
 * The caller caps the length first.
 *
 * @returns undefined when the text is not a compact JWS in canonical spelling
 */
export function parseCompactJws(text: string): CompactJws | undefined {
  const [header, body, seal, ...more] = text.split('.', 4);
  if (header === undefined || body === undefined || seal === undefined || more.length > 0) return undefined;
  const [payload, signature] = [decodeSegment(body), decodeSegment(seal)];
  if (header === '' || !isBase64url(header) || payload === undefined || signature === undefined) return undefined;
  return { header, payload, signature, signed: text.slice(0, text.lastIndexOf('.')) };
}

/**
 * A header or payload as JSON. RFC 7515 section 4 leaves duplicate names to the reader; they are refused here, since two readers
 * would disagree about what was signed (RFC 7493 section 2.3), and so is all that is not UTF-8 (RFC 8725 section 3.7).
 *
 * @param part its bytes, or its segment
 * @returns undefined when the part is not one strict JSON object
 */
export function parseJsonObject(part: Uint8Array | string): JsonObject | undefined {
  const bytes = typeof part === 'string' ? decodeBase64url(part) : part;
  if (bytes === undefined) return undefined;
  try {
    const value = parseStrictJson(bytes);
    return isJsonObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof StrictJsonError) return undefined;
    throw error;
  }
}

function decodeSegment(segment: string): Uint8Array | undefined {
  return segment === '' ? undefined : decodeBase64url(segment);
}
