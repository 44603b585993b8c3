import type { Kind, Raw } from './kinds.js';

export type Environment = 'dev' | 'test' | 'staging' | 'production';

/** What a setting is when nobody sets it. */
export interface Preset {
  /** Written as a file would write it; read by the setting's kind. */
  readonly default?: Raw;
  /** Instead of `default` in dev and test. */
  readonly devAndTest?: Raw;
  /** Where a missing value is a fault. */
  readonly required?: 'everywhere' | 'outside dev' | 'outside dev and test';
}

/** One row of the schema: everything that is known of one setting. */
export interface Setting<T> extends Preset {
  /** In a file and in the environment alike: one name for one thing. */
  readonly name: string;
  readonly kind: Kind<T>;
  readonly unit?: string;
  /** Read from `<name>_FILE` too, and never printed. */
  readonly secret?: true;
  /** Of a list of maps inside a row: what each of them may hold. */
  readonly members?: Readonly<Record<string, Setting<unknown>>>;
  readonly description: string;
}

/** A setting's row with its name in front. */
export function setting<T>(name: string, kind: Kind<T>, rest: Omit<Setting<T>, 'name' | 'kind'>): Setting<T> {
  return { name, kind, ...rest };
}

/** What this setting is in this environment when nobody sets it. */
export function presetOf({ default: usual, devAndTest }: Preset, environment: Environment): Raw | undefined {
  return relaxed(environment) && devAndTest !== undefined ? devAndTest : usual;
}

export function isRequired({ required }: Preset, environment: Environment): boolean {
  if (required === undefined) return false;
  if (required === 'outside dev') return environment !== 'dev';
  return required === 'everywhere' || !relaxed(environment);
}

/** dev and test, where a laptop's shortcuts are allowed. Staging rehearses production, hence keeps its rules. */
export function relaxed(environment: Environment): boolean {
  return environment === 'dev' || environment === 'test';
}
