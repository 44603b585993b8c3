import type { Code } from '#libs/kernel/codes.js';
import { canonicalJson } from '#libs/kernel/canonical-json.js';
import { sha256 } from '#libs/kernel/digest.js';
import { isJsonObject, type Json, type JsonObject } from '#libs/kernel/json.js';

/** Fields are added to a version, never changed; a reader skips what it does not know (spec, "Audit: what is recorded"). */
export const RECORD_VERSION = 1;

export type RecordType = 'open' | 'refusal' | 'intent' | 'result' | 'grant' | 'policy' | 'suppressed' | 'close';
export type Effect = 'permit' | 'deny' | 'error';
export type Outcome = 'sent' | 'aborted' | 'not_released' | 'unknown';

/** What is said of one event. The chain adds its place: `v`, `ts`, `w`, `seq`, `prev`. */
export interface RecordFields extends JsonObject {
  readonly type: RecordType;
}

/** A record as it stands in the trail. Of the members of `RecordFields` each type has its own; `docs/audit-schema.json` lists them. */
export interface AuditRecord extends RecordFields {
  readonly v: number;
  /** RFC 3339, UTC, milliseconds: the writer's wall clock, which proves nothing; the order is `seq`. */
  readonly ts: string;
  readonly w: string;
  readonly seq: number;
  readonly prev: string;
}

/** A record's place in its chain. */
export type Place = Pick<AuditRecord, 'v' | 'ts' | 'w' | 'seq' | 'prev'>;

/**
 * The canonical JSON (RFC 8785) of what may stand in a record: names that are not in the table are left out, and values that do not
 * fit are replaced by their hash. So neither a caller's bytes nor a slip in the gateway can put a path, a value or a line break into
 * the trail, and no record is refused for what a caller sent. Written in one pass over the table, which is in canonical order.
 */
export function recordText(fields: RecordFields, place: Place): string {
  let text = '';
  for (const { name, label, shape } of ROWS) {
    const value = shape === undefined ? place[name] : fields[name];
    if (value === undefined) continue;
    text += `${text === '' ? '{' : ','}${label}${shape === undefined ? canonicalJson(value) : shape(value)}`;
  }
  return `${text}}`;
}

/** Stands for a value that does not fit: the same value always looks the same. */
export function replaced(value: Json): string {
  return `sha256.${sha256(typeof value === 'string' ? value : JSON.stringify(value))}`;
}

/** Whether a refusal is the caller's doing, or the gateway could not do its work. */
export function effectOf(code: Code): Effect {
  return ERRORS.has(code) ? 'error' : 'deny';
}

/** The codes of 500, 502 and 503 in spec, "Refusal codes". */
const ERRORS: ReadonlySet<Code> = new Set<Code>([
  'INTERNAL',
  'BAD_PROVIDER_ANSWER',
  'UNAVAILABLE',
  'GRANT_CONTENTION',
  'QUOTA_UNKNOWN',
  'RESULT_UNRECORDED',
]);

/** The canonical JSON of a value, or of what stands for it when it does not fit. */
type Shape = (value: Json) => string;

/** For values without anything that JSON escapes, lone surrogates included. */
const plain = (value: string): string => `"${value}"`;

/** A pattern whose matches JSON writes as they are. */
const matching =
  (pattern: RegExp): Shape =>
  (value) =>
    plain(typeof value === 'string' && pattern.test(value) ? value : replaced(value));

/** Ids as they may stand in records and logs (spec, "Security", N18). */
const id = matching(/^[A-Za-z0-9._-]{1,64}$/);
/** Printable, one line: no control or format characters (which may turn text around), no lone surrogates, no line separators. */
const TEXT = /^[^\p{C}\p{Zl}\p{Zp}]{1,256}$/u;
/** Nearly all text is this, and is written as it is. */
const PLAIN_TEXT = /^[ !#-[\]-~]{1,256}$/;
const text: Shape = (value) => {
  if (typeof value !== 'string') return plain(replaced(value));
  if (PLAIN_TEXT.test(value)) return plain(value);
  return TEXT.test(value) ? canonicalJson(value) : plain(replaced(value));
};
/** `<key id>.<hash>` or a bare hash. */
const hash = matching(/^[A-Za-z0-9._-]{1,128}$/);

const whole: Shape = (value) =>
  typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : plain(replaced(value));

/** At most this many members of a list or map; more are cut, and the cut is told by `more`. */
const MEMBERS = 64;

const listOf =
  (shape: Shape): Shape =>
  (value) => {
    if (!isList(value)) return plain(replaced(value));
    const kept = value.slice(0, MEMBERS).map((each) => shape(each));
    if (value.length > MEMBERS) kept.push(plain(`more.${value.length - MEMBERS}`));
    return `[${kept.join(',')}]`;
  };

const mapOf =
  (shape: Shape): Shape =>
  (value) => {
    if (!isJsonObject(value)) return plain(replaced(value));
    const members = Object.keys(value)
      .slice(0, MEMBERS)
      .map((name) => `${plain(NAME.test(name) ? name : replaced(name))}:${shape(value[name] ?? null)}`);
    // Names hold no character below the quote that ends them, so that members sort as their names do.
    return `{${inOrder(members).join(',')}}`;
  };

/** Sorts only what is not sorted: most maps are made in order. */
function inOrder(members: string[]): string[] {
  return members.every((member, at) => at === 0 || (members[at - 1] ?? '') < member) ? members : members.sort();
}

/** Begins with a letter: `__proto__` is no member. */
const NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Obligations: an id, or a map of scalars. */
const scalarOrText: Shape = (value) => (typeof value === 'string' ? text(value) : whole(value));

const SHAPES: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ['request_id', id],
  ['correlation_id', id],
  ['trace_id', id],
  ['span_id', id],
  ['tenant', id],
  ['iss', text],
  ['sub', text],
  ['client_id', text],
  ['actor', text],
  ['purpose', id],
  ['action', text],
  ['effect', id],
  ['code', id],
  ['check', text],
  ['resource_ref', hash],
  ['path_ref', hash],
  ['version', whole],
  ['provider', id],
  ['decision_id', id],
  ['policy_version', hash],
  ['policy_ids', listOf(id)],
  ['obligations', listOf((value) => (isJsonObject(value) ? mapOf(scalarOrText)(value) : text(value)))],
  // the store's partition, the grant's key and a random: longer than a request's ids
  ['grant_id', hash],
  ['use_no', whole],
  ['request_hash', hash],
  // a kind, of one key or of two (`dpop+mtls`), and thumbprints
  ['binding', mapOf(matching(/^[A-Za-z0-9_+-]{1,64}$/))],
  ['token_jti_hash', hash],
  ['reason', text],
  ['acr', text],
  ['address_prefix', matching(/^[0-9a-fA-F.:/]{1,64}$/)],
  ['latency_us', mapOf(whole)],
  ['outcome', id],
  ['committed_by', id],
  ['cause', hash],
  // of `grant` and `policy`
  ['event', id],
  ['max_uses', whole],
  ['expires_at', text],
  ['policies', whole],
  // of `suppressed`
  ['counts', mapOf(whole)],
  ['since', text],
  // of every record of a process with a switch off (dev and test only): the settings' names
  ['switches_off', listOf(id)],
  // of `open`
  ['instance', id],
  ['software', text],
  ['environment', id],
  ['signing', id],
  ['heads', listOf(matching(/^[A-Za-z0-9_-]{1,64}\.\d{1,16}\.[A-Za-z0-9_-]{43}$/))],
]);

/** Every member that a writer may give; the chain adds its own. */
export const MEMBERS_OF_RECORDS: readonly string[] = [...SHAPES.keys()];

/** Every member of a record by name, as canonical JSON orders them; those without a shape are the chain's own. */
const ROWS: readonly (Given | Placed)[] = [
  ...[...SHAPES, ['type', id] as const].map(([name, shape]) => ({ name, shape, label: `"${name}":` })),
  ...(['v', 'ts', 'w', 'seq', 'prev'] as const).map((name) => ({ name, shape: undefined, label: `"${name}":` })),
].sort(({ name: one }, { name: other }) => (one < other ? -1 : 1));

interface Given {
  readonly name: string;
  /** The name as it stands in the text, with its colon. */
  readonly label: string;
  readonly shape: Shape;
}

interface Placed {
  readonly name: keyof Place;
  readonly label: string;
  readonly shape: undefined;
}
