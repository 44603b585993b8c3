import { Refusal } from './refusal.js';
import { schemeOf, type ProviderNames, type SecretUri } from './secret-uri.js';
import { MAX_URI_CHARACTERS, readUri, tooLong, type UriParts } from './uri-grammar.js';

/** Where a listing or a search looks: a secret URI whose path may be missing, without key and version. */
export class SecretPrefix {
  readonly #made = true;
  readonly #canonical: string;

  readonly provider: string;
  readonly engine: string | undefined;
  readonly mount: string;
  /** Empty for the whole mount. */
  readonly path: readonly string[];

  private constructor(parts: UriParts) {
    this.provider = parts.provider;
    this.engine = parts.engine;
    this.mount = parts.mount;
    this.path = parts.path;
    this.#canonical = `${schemeOf(parts)}://${[parts.mount, ...parts.path].join('/')}`;
  }

  /** @throws Refusal 400, as for a secret URI; KEY_NOT_ALLOWED and VERSION_NOT_ALLOWED for what a prefix cannot have */
  static parse(this: void, text: string, providers: ProviderNames): SecretPrefix {
    const parts = readUri(text, providers);
    if (parts.key !== undefined) {
      throw new Refusal('KEY_NOT_ALLOWED', { check: 'prefix key', detail: 'A prefix has no #key.' });
    }
    if (parts.version !== undefined) {
      throw new Refusal('VERSION_NOT_ALLOWED', { check: 'prefix version', detail: 'A prefix has no ?version.' });
    }
    const prefix = new SecretPrefix(parts);
    if (prefix.#canonical.length > MAX_URI_CHARACTERS) throw tooLong('prefix canonical length');
    return prefix;
  }

  static is(value: unknown): value is SecretPrefix {
    return typeof value === 'object' && value !== null && #made in value;
  }

  /** By whole segments: `secret/app` covers `secret/app` and `secret/app/api`, not `secret/apple`. */
  covers(uri: SecretUri): boolean {
    return (
      uri.provider === this.provider &&
      uri.engine === this.engine &&
      uri.mount === this.mount &&
      this.path.every((segment, at) => segment === uri.path[at])
    );
  }

  /** The canonical form: `provider+engine://mount` or `provider+engine://mount/path`. */
  toString(): string {
    return this.#canonical;
  }
}

export const parseSecretPrefix: (text: string, providers: ProviderNames) => SecretPrefix = SecretPrefix.parse;
