import type { ProviderNames } from './provider-names.js';
import { illegal, MAX_URI_CHARACTERS, readUri, tooLong, type UriParts } from './uri-grammar.js';

export type { ProviderName, ProviderNames } from './provider-names.js';

/** A parsed secret URI: one spelling for one secret (spec, "Secret URIs"). Only `parseSecretUri` makes one. */
export class SecretUri {
  readonly #made = true;
  readonly #canonical: string;
  readonly #unversioned: string;
  readonly #wholeMap: string;

  readonly provider: string;
  readonly engine: string | undefined;
  readonly mount: string;
  /** One segment or more. */
  readonly path: readonly string[];
  /** Absent means the whole map. */
  readonly key: string | undefined;
  /** 1 to 2^31-1; absent means the newest. */
  readonly version: number | undefined;

  private constructor(parts: UriParts) {
    this.provider = parts.provider;
    this.engine = parts.engine;
    this.mount = parts.mount;
    this.path = parts.path;
    this.key = parts.key;
    this.version = parts.version;
    const fragment = parts.key === undefined ? '' : `#${parts.key}`;
    this.#wholeMap = `${schemeOf(parts)}://${parts.mount}/${parts.path.join('/')}`;
    this.#unversioned = `${this.#wholeMap}${fragment}`;
    this.#canonical =
      parts.version === undefined ? this.#unversioned : `${this.#wholeMap}?version=${parts.version}${fragment}`;
  }

  /**
   * What it does not check: whether the mount is one of the tenant's (the guard), and whether the secret is there.
   *
   * @param providers the names that the caller's tenant may spell; see `providerNames`
   * @throws Refusal 400, with the code that the page's table gives
   */
  static parse(this: void, text: string, providers: ProviderNames): SecretUri {
    const parts = readUri(text, providers);
    if (parts.path.length === 0) throw illegal('uri path', 'A secret URI names a path after the mount.');
    const uri = new SecretUri(parts);
    // A spelling within the limit may leave out what its canonical form writes; that form must be readable too.
    if (uri.#canonical.length > MAX_URI_CHARACTERS) throw tooLong('uri canonical length');
    return uri;
  }

  static is(value: unknown): value is SecretUri {
    return typeof value === 'object' && value !== null && #made in value;
  }

  /** The canonical form: `provider+engine://mount/path?version=N#key`. */
  toString(): string {
    return this.#canonical;
  }

  /** Canonical, without version: what a grant, a resource_ref and a policy name. */
  unversioned(): string {
    return this.#unversioned;
  }

  /** Canonical, without version and key: the whole map. */
  wholeMap(): string {
    return this.#wholeMap;
  }
}

export const parseSecretUri: (text: string, providers: ProviderNames) => SecretUri = SecretUri.parse;

/** What stands before `://` in the canonical form. */
export function schemeOf({ provider, engine }: Pick<UriParts, 'provider' | 'engine'>): string {
  return engine === undefined ? provider : `${provider}+${engine}`;
}
