/** One provider instance as the grammar sees it: its canonical name and the engine that may follow `+`. */
export interface ProviderName {
  /** Lower-case name that stands before `+` or `://`. */
  readonly name: string;
  /** `kv2` for OpenBao and HashiCorp, absent for yaml. */
  readonly engine?: string;
}

/** The provider names that one tenant may spell, aliases included (`vault` → the row of `hashicorp`). Keys are lower case. */
export type ProviderNames = ReadonlyMap<string, ProviderName>;

/** A parsed secret URI: one spelling for one secret. Only `parseSecretUri` makes one. */
export class SecretUri {
  readonly #made = true;

  private constructor(
    readonly provider: string,
    readonly engine: string | undefined,
    readonly mount: string,
    readonly path: readonly string[],
    readonly key: string | undefined,
    readonly version: number | undefined,
  ) {}

  static parse(this: void, _text: string, _providers: ProviderNames): SecretUri {
    throw new Error('in work');
  }

  static is(value: unknown): value is SecretUri {
    return typeof value === 'object' && value !== null && #made in value;
  }

  /** The canonical form: `provider+engine://mount/path?version=N#key`. */
  toString(): string {
    return '';
  }

  /** Canonical, without version: what a grant, a resource_ref and a policy name. */
  unversioned(): string {
    return '';
  }

  /** Canonical, without version and key: the whole map. */
  wholeMap(): string {
    return '';
  }
}

export const parseSecretUri: (text: string, providers: ProviderNames) => SecretUri = SecretUri.parse;
