import type { Awaitable } from '#libs/kernel/deadline.js';
import type { SecretUri } from '#libs/kernel/secret-uri.js';

/** A secret's value: one string (or a binary wrapped as `{"$base64": …}`), or the whole map. */
export type SecretValue = string | Readonly<Record<string, string>>;

/** Expected outcomes are values; anything else a provider does is thrown and becomes 503. */
export type ReadAnswer =
  | { readonly kind: 'value'; readonly value: SecretValue; readonly version?: number }
  /** No such path, or no such key in it. */
  | { readonly kind: 'not_found' }
  | { readonly kind: 'version_deleted' }
  | { readonly kind: 'version_destroyed' }
  /** This provider keeps no versions: a pin cannot be served. */
  | { readonly kind: 'version_unsupported' }
  /** The answer made no sense: 502. */
  | { readonly kind: 'bad_answer' };

/**
 * Port: where values live.
 *
 * - MUST read exactly the secret that the parsed URI names, from its segments, never by joining the URI's text.
 * - MUST answer the key's string for a URI with a key, the whole map for one without.
 * - MUST NOT cache, log, or put a value, a path or a key into an error.
 * - MUST throw when it is unreachable, sealed, throttled or late; MUST honour the signal.
 * - MUST answer a pinned version as that version or not at all.
 */
export interface SecretProvider {
  read(uri: SecretUri, signal: AbortSignal): Awaitable<ReadAnswer>;
}
