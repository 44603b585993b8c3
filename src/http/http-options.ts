import type { ResourceTerms } from './protected-resource.js';
import type { ReadingRules } from './secret-request.js';
import type { Timeouts } from './server.js';
import type { TlsParts } from './tls.js';

/** What HTTP needs of configuration. Injected under this token. */
export const HTTP_OPTIONS = Symbol('HTTP_OPTIONS');

export interface HttpOptions extends ReadingRules {
  /** The public origins, such as `https://secrets.example`: whose `Host` is ours. */
  readonly origins: readonly string[];
  /** Dev and test: the loopback names of the port listened on are ours too. */
  readonly localNames: boolean;
  /** What the metadata and the challenges say. */
  readonly resource: ResourceTerms;
  /** REQUIRE_URI_IN_PATH. */
  readonly uriInPathOnly: boolean;
  readonly timeouts: Timeouts;
  /** TLS_CERT, TLS_KEY and TLS_CLIENT_CA. Undefined: the listener speaks plain HTTP. */
  readonly tls: TlsParts | undefined;
}
