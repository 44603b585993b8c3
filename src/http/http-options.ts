import type { Timeouts } from './server.js';

/** What HTTP needs of configuration. Injected under this token. */
export const HTTP_OPTIONS = Symbol('HTTP_OPTIONS');

export interface HttpOptions {
  /** The public origins, such as `https://secrets.example`: whose `Host` is ours. */
  readonly origins: readonly string[];
  /** Dev and test: the loopback names of the port listened on are ours too. */
  readonly localNames: boolean;
  /** ALLOW_UNBOUND_TOKENS: whether a challenge offers `Bearer`. */
  readonly allowUnbound: boolean;
  /** REQUIRE_URI_IN_PATH. */
  readonly uriInPathOnly: boolean;
  /** REASON_PATTERN, anchored. */
  readonly reasonPattern: RegExp;
  readonly timeouts: Timeouts;
}
