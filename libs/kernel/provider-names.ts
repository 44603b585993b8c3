/** One provider instance as the grammar sees it: its canonical name and the engine that may follow `+`. */
export interface ProviderName {
  /** Lower-case name that stands before `+` or `://`. */
  readonly name: string;
  /** `kv2` for OpenBao and HashiCorp, absent for yaml. */
  readonly engine?: string;
}

/** The provider names that one tenant may spell, aliases included (`vault` → the row of `hashicorp`). Keys are lower case. */
export type ProviderNames = ReadonlyMap<string, ProviderName>;

/** Spellings that are folded to another name; an alias cannot be the name of an instance. */
const ALIASES = { vault: 'hashicorp' } as const;

const NAME = /^[a-z][a-z0-9-]*$/;
const ENGINE = /^[a-z][a-z0-9]*$/;

/**
 * The table for the configured instances, with `vault` beside `hashicorp` when that one is configured.
 *
 * @throws TypeError for a name or engine that no URI can spell, a name given twice, or an alias taken as a name: faults of the
 * configuration, never of a request
 */
export function providerNames(instances: Iterable<ProviderName>): ProviderNames {
  const table = new Map<string, ProviderName>();
  for (const { name, engine } of instances) {
    if (!NAME.test(name)) throw new TypeError(`Provider name ${JSON.stringify(name)} is not a-z, then a-z, 0-9 or -.`);
    if (Object.hasOwn(ALIASES, name))
      throw new TypeError(`Provider name ${name} is another spelling; take another name.`);
    if (engine !== undefined && !ENGINE.test(engine)) {
      throw new TypeError(`Engine ${JSON.stringify(engine)} of provider ${name} is not a-z, then a-z or 0-9.`);
    }
    if (table.has(name)) throw new TypeError(`Provider name ${name} is configured twice.`);
    table.set(name, engine === undefined ? { name } : { name, engine });
  }
  for (const [alias, name] of Object.entries(ALIASES)) {
    const row = table.get(name);
    if (row !== undefined) table.set(alias, row);
  }
  return table;
}
