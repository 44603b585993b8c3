import type { HostileRequest } from './requests.js';
import type { Outcome } from './send.js';

/** What bytes of an attacker may end in (spec, Security, I19). */
export const THEIRS: ReadonlySet<number> = new Set([
  400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 417, 421, 429, 431,
]);

export interface Limits {
  /** What counts as a hang, from the last byte of a request that was ended, in milliseconds. */
  readonly hangMs: number;
  /** Texts that no answer to a hostile request may hold: values, keys. */
  readonly secrets: readonly string[];
}

/** Everything that is wrong with an outcome, in words; nothing: it is as it must be. */
export function faultsOf(
  request: HostileRequest,
  { statuses, text, ms, hung }: Outcome,
  limits: Limits,
): readonly string[] {
  const faults: string[] = [];
  if (hung) faults.push(request.manner === 'held' ? 'was never cut off' : 'hung');
  else if (request.manner !== 'held' && ms > limits.hangMs) faults.push(`took ${Math.round(ms)} ms`);
  for (const status of new Set(statuses)) if (!THEIRS.has(status)) faults.push(`answered ${status}`);
  if (limits.secrets.some((secret) => text.includes(secret))) faults.push('told a value');
  if (/^(?:server|x-powered-by|via|set-cookie|access-control-[a-z-]+):/imu.test(text)) faults.push('told what answers');
  if (statuses.length > 0 && (text.match(/^cache-control: no-store\r$/gimu) ?? []).length < statuses.length)
    faults.push('may be stored');
  return faults;
}

/** What is wrong with a line of the log, once the gateway serves: it is one JSON object, of an answer that is no fault, with nothing in it that was sent. */
export function faultOfLogLine(line: string): string | undefined {
  if (!/^\{[^\p{Cc}\p{Zl}\p{Zp}]*\}$/u.test(line)) return 'is not one line of printable JSON';
  const said = parsed(line);
  if (said === undefined) return 'is no JSON object';
  if (said['level'] !== 'info' || typeof said['msg'] !== 'string') return `says ${String(said['level'])}`;
  const { status } = said;
  if (said['msg'] === 'answered' && !(status === 0 || status === 200 || THEIRS.has(Number(status))))
    return `tells of a ${String(status)}`;
  const words = Object.values(said)
    .filter((value) => typeof value === 'string')
    .join(' ');
  // Ids have at most 64 characters; tokens and proofs are longer words.
  if (/[\w-]{65,}/u.test(words)) return 'holds what may be a token';
  return undefined;
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
