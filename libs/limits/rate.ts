/**
 * So many requests a second in the long run, and so many at once after a pause. In whole numbers, so that every store counts alike:
 * one token is TOKEN units, and a bucket gains `perMs` units in each millisecond.
 */
export interface Rate {
  /** Thousandths of a request in a second, which is units in a millisecond: 1 to 10^9. */
  readonly perMs: number;
  /** Tokens in a full bucket: 1 to 10^6. */
  readonly burst: number;
}

/** What is known of one bucket. One that nobody knows is full. */
export interface Bucket {
  /** 0 to burst × TOKEN. */
  readonly units: number;
  /** When that was so: whole milliseconds of the clock that the bucket is kept by. */
  readonly atMs: number;
}

/** What became of a request: a token was taken, or how long until one is there. Either way `bucket` is what is known now. */
export type Drawn =
  | { readonly kind: 'drawn'; readonly bucket: Bucket }
  | { readonly kind: 'limited'; readonly bucket: Bucket; readonly retryAfterMs: number };

/** Units in a token. */
export const TOKEN = 1_000_000;

/**
 * The token bucket: it gains by time, up to its burst, and each request takes one token or waits. A clock that was set back gains
 * nothing and takes nothing away; the bucket goes on from there.
 *
 * Exact: `units` never exceeds 10^12, hence nothing is rounded but `retryAfterMs`, which is the first whole millisecond at which a
 * token is there if nobody else takes one.
 */
export function draw(rate: Rate, before: Bucket | undefined, nowMs: number): Drawn {
  const atMs = Math.floor(nowMs);
  const units = unitsAt(rate, before, atMs);
  if (units >= TOKEN) return { kind: 'drawn', bucket: { units: units - TOKEN, atMs } };
  return { kind: 'limited', bucket: { units, atMs }, retryAfterMs: Math.ceil((TOKEN - units) / rate.perMs) };
}

/** When a bucket will be full again, if nobody takes from it: from then on it need not be known. */
export function fullAtMs({ perMs, burst }: Rate, { units, atMs }: Bucket): number {
  return atMs + Math.ceil((burst * TOKEN - units) / perMs);
}

/**
 * `rate/burst`, such as `50/100` or `0.5/5`: the rate a decimal number of at most three places from 0.001 to 1000000, the burst a
 * whole number from 1 to 1000000.
 */
export function parseRate(text: string): Rate | undefined {
  const [, whole = '', places = '', burst = ''] =
    /^(0|[1-9][0-9]{0,6})(?:\.([0-9]{1,3}))?\/([1-9][0-9]{0,6})$/.exec(text) ?? [];
  const rate = { perMs: Number(whole) * 1000 + Number(places.padEnd(3, '0')), burst: Number(burst) };
  return rate.perMs >= 1 && rate.perMs <= 1e9 && rate.burst >= 1 && rate.burst <= 1e6 ? rate : undefined;
}

function unitsAt({ perMs, burst }: Rate, before: Bucket | undefined, atMs: number): number {
  const full = burst * TOKEN;
  if (before === undefined) return full;
  const passed = Math.max(0, atMs - before.atMs);
  // Compared before it is multiplied: a pause of years stays within what a number holds exactly.
  return passed >= (full - before.units) / perMs ? full : before.units + passed * perMs;
}
