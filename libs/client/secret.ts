/** A value as JSON can hold it; the value of one key is mostly a string. */
export type SecretValue =
  string | number | boolean | null | readonly SecretValue[] | { readonly [name: string]: SecretValue };

/** One secret that was read. Member names are those of the API. */
export interface Secret {
  /** The canonical URI. */
  readonly uri: string;
  /** Absent when the whole map was asked for. */
  readonly key?: string;
  /** The value of the key, or the map. */
  readonly value: SecretValue;
  /** Absent where the provider keeps no versions. */
  readonly version?: number;
  /** The grant that paid for this read; `expires_at` is RFC 3339. */
  readonly grant: { readonly id: string; readonly expires_at: string; readonly uses_left: number };
  /** Names the audit record of the intent. */
  readonly receipt: string;
}

/** Says whether an answer's JSON is a secret as the API writes one; members that it does not know are let through. */
export function isSecret(value: unknown): value is Secret {
  if (!isRecord(value) || !isRecord(value['grant'])) return false;
  const { uri, key, version, receipt, grant } = value;
  return (
    typeof uri === 'string' &&
    (key === undefined || typeof key === 'string') &&
    value['value'] !== undefined &&
    (version === undefined || typeof version === 'number') &&
    typeof grant['id'] === 'string' &&
    typeof grant['expires_at'] === 'string' &&
    typeof grant['uses_left'] === 'number' &&
    typeof receipt === 'string'
  );
}

/** Whether members can be asked for; arrays too have none of the names that are asked for here. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
