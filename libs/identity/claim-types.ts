import { isBase64url } from '#libs/kernel/base64url.js';
import { isJsonObject, type Json, type JsonObject } from '#libs/kernel/json.js';

import { invalidToken } from './faults.js';

/** What a claim must look like: a type guard, and the words that tell a caller what was expected. */
export interface ClaimType<T extends Json> {
  readonly is: (value: Json) => value is T;
  readonly words: string;
}

const MAX_NAME = 256;
const MAX_LIST = 256;
/** No control, format, unassigned or private characters, no lone surrogates, no line or paragraph separators. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;
/** RFC 6749 section 3.3: scope tokens with one space between them. The empty string, which some servers send, names none. */
const SCOPE = /^(?:[!#-[\]-~]+(?: [!#-[\]-~]+)*)?$/;
const ONE_SCOPE = /^[!#-[\]-~]+$/;

/** A claim of its type, undefined when it is not there; `null` is there and has no type that is asked for. */
export function claim<T extends Json>(
  from: JsonObject,
  name: string,
  type: ClaimType<T>,
  check: string,
): T | undefined {
  const value = from[name];
  if (value === undefined || type.is(value)) return value;
  throw invalidToken(check, `The claim ${name} of the token must be ${type.words}.`);
}

/** An identifier: compared octet for octet, shown to policies, written to the audit. */
export const NAME: ClaimType<string> = { is: isName, words: `a printable string of 1 to ${MAX_NAME} characters` };

export const NAMES: ClaimType<readonly string[]> = {
  is: (value): value is readonly string[] => Array.isArray(value) && value.length <= MAX_LIST && value.every(isName),
  words: `an array of at most ${MAX_LIST} printable strings of 1 to ${MAX_NAME} characters`,
};

export const NAME_OR_NAMES: ClaimType<string | readonly string[]> = {
  is: (value): value is string | readonly string[] => isName(value) || NAMES.is(value),
  words: `a printable string or an array of at most ${MAX_LIST} of them`,
};

/** RFC 7519 section 2, NumericDate; whole seconds here, since fractions have no use in them and infinity passes a comparison. */
export const SECONDS: ClaimType<number> = {
  is: (value): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0,
  words: 'a whole number of seconds',
};

export const SCOPES: ClaimType<string> = {
  is: (value): value is string => typeof value === 'string' && SCOPE.test(value),
  words: 'one string of scopes with single spaces between them',
};

/** For claims other than `scope`: Entra ID's `roles`, Auth0's `permissions`, Okta's `scp` are arrays. */
export const SCOPES_OR_LIST: ClaimType<string | readonly string[]> = {
  is: (value): value is string | readonly string[] =>
    SCOPES.is(value) || (NAMES.is(value) && value.every((name) => ONE_SCOPE.test(name))),
  words: 'one string of scopes with single spaces between them, or an array of scopes',
};

export const OBJECT: ClaimType<JsonObject> = {
  is: (value): value is JsonObject => isJsonObject(value),
  words: 'an object',
};

/** RFC 7638 and RFC 8705 section 3.1: SHA-256 in base64url, hence 43 characters with the last one canonical. */
export const DIGEST: ClaimType<string> = {
  is: (value): value is string => typeof value === 'string' && value.length === 43 && isBase64url(value),
  words: 'a SHA-256 digest in base64url, of 43 characters',
};

function isName(value: Json): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME && !UNPRINTABLE.test(value);
}
