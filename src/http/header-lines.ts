/**
 * Fields that may stand once. Node keeps the first of some of them and joins others with a comma (spec, Security, T10): both hide
 * that there were two, and two readers that pick differently can be played against each other.
 */
const SINGLE = [
  'host',
  'authorization',
  'proxy-authorization',
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'expect',
  'upgrade',
  'traceparent',
  'idempotency-key',
  'x-access-reason',
  'x-correlation-id',
  'x-request-id',
] as const;

/**
 * Fields that may stand once too, but whose second line is refused inside the line, hence audited: a second `DPoP` is an invalid
 * proof (RFC 9449 section 4.3 (1)), a second `Client-Cert` somebody's attempt to get past a proxy that adds its own.
 */
const TOLD_LATER = ['dpop', 'client-cert'] as const;

/** Fields that may stand more than once: each proxy adds a line, or an item to the last one. */
const MANY = ['x-forwarded-for'] as const;

export type KnownField = (typeof SINGLE)[number] | (typeof TOLD_LATER)[number] | (typeof MANY)[number];

const REPEATABLE: ReadonlySet<string> = new Set([...TOLD_LATER, ...MANY]);
const KNOWN: ReadonlySet<string> = new Set<KnownField>([...SINGLE, ...TOLD_LATER, ...MANY]);

const NONE: readonly string[] = [];

/** The lines of the fields that this gateway reads, each line apart, from the raw list: read once per request. */
export class HeaderLines {
  readonly #lines: ReadonlyMap<string, readonly string[]>;

  private constructor(
    lines: ReadonlyMap<string, readonly string[]>,
    /** A field that stands twice although it may stand once. */
    readonly repeated: string | undefined,
    /** How many header lines there were, known ones or not. */
    readonly count: number,
  ) {
    this.#lines = lines;
  }

  /** @param raw name, value, name, value (`rawHeaders`) */
  static read(raw: readonly string[]): HeaderLines {
    const lines = new Map<string, string[]>();
    let repeated: string | undefined;
    for (let i = 0; i < raw.length; i += 2) {
      const name = (raw[i] ?? '').toLowerCase();
      if (!KNOWN.has(name)) continue;
      const value = raw[i + 1] ?? '';
      const before = lines.get(name);
      if (before === undefined) {
        lines.set(name, [value]);
        continue;
      }
      before.push(value);
      if (!REPEATABLE.has(name)) repeated ??= name;
    }
    return new HeaderLines(lines, repeated, raw.length / 2);
  }

  all(field: KnownField): readonly string[] {
    return this.#lines.get(field) ?? NONE;
  }

  /** The first line of a field; `repeated` says whether one has more. */
  one(field: KnownField): string | undefined {
    return this.#lines.get(field)?.[0];
  }
}
