export interface Comparison {
  readonly medians: readonly [number, number];
  /** Welch's statistic, over the samples below the 90th percentile of both together: what the machine did beside is cut off. */
  readonly t: number;
  /** Two-sided, by the normal distribution, which the t distribution of thousands of samples is. */
  readonly p: number;
  /** Whether somebody who sees only times could tell the two apart. */
  readonly told: boolean;
}

/** Whether two sets of times come from two different waits. */
export function compared(one: readonly number[], other: readonly number[]): Comparison {
  const sorted = [...one, ...other].sort((a, b) => a - b);
  const cut = sorted[Math.floor(sorted.length * 0.9)] ?? Infinity;
  const [a, b] = [one, other].map((times) => moments(times.filter((time) => time <= cut))) as [Moments, Moments];
  const error = Math.sqrt(a.variance / a.count + b.variance / b.count);
  const t = error === 0 ? (a.mean === b.mean ? 0 : Infinity) : (a.mean - b.mean) / error;
  const p = twoSided(t);
  const medians = [median(one), median(other)] as const;
  const apart = Math.abs(medians[0] - medians[1]) / Math.min(...medians);
  return { medians, t, p, told: p < 0.001 && apart > 0.01 };
}

interface Moments {
  readonly count: number;
  readonly mean: number;
  readonly variance: number;
}

function moments(times: readonly number[]): Moments {
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  const variance = times.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (times.length - 1);
  return { count: times.length, mean, variance };
}

function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** 2 (1 − Φ(|t|)), by the approximation 26.2.17 of Abramowitz and Stegun: good to 1e-7. */
function twoSided(t: number): number {
  const x = Math.abs(t);
  if (!Number.isFinite(x)) return 0;
  const k = 1 / (1 + 0.2316419 * x);
  const series = ((((1.330274429 * k - 1.821255978) * k + 1.781477937) * k - 0.356563782) * k + 0.31938153) * k;
  return Math.min(1, 2 * series * (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)));
}
