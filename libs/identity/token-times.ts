import type { JsonObject } from '#libs/kernel/json.js';

import { SECONDS } from './claim-types.js';
import { invalidToken } from './faults.js';

/** What a token's times are judged by. */
export interface TimeRules {
  readonly nowMs: number;
  /** For exp, nbf and iat alike: clocks differ both ways. */
  readonly leewaySeconds: number;
  /** The longest life that a token may have been given. */
  readonly maxTokenAgeSeconds: number;
}

/**
 * A6, T3: RFC 9068 section 4, RFC 7519 sections 4.1.4 to 4.1.6. A token is good from iat (and nbf, where it has one) until before
 * exp, and was never given a longer life than its issuer may give. From these bounds follows the one on `exp - now`: no token is
 * accepted for longer than `maxTokenAgeSeconds` and twice the leeway from now on.
 *
 * @throws Refusal INVALID_TOKEN
 */
export function checkTimes(payload: JsonObject, { iat, exp }: { iat: number; exp: number }, rules: TimeRules): void {
  const { leewaySeconds, maxTokenAgeSeconds } = rules;
  const now = rules.nowMs / 1000;
  if (now >= exp + leewaySeconds) throw invalidToken('A6 exp', 'The token has expired.');
  if (iat > now + leewaySeconds) throw invalidToken('T3 iat', 'The token was issued in the future.');
  if (exp <= iat) throw invalidToken('T3 lifetime', 'The token expires before it was issued.');
  if (exp - iat > maxTokenAgeSeconds) {
    throw invalidToken('T3 lifetime', `The token lives longer than the ${maxTokenAgeSeconds} s that are accepted.`);
  }
  const { nbf } = payload;
  if (nbf === undefined) return;
  if (!SECONDS.is(nbf)) throw invalidToken('A6 nbf', `The claim nbf of the token must be ${SECONDS.words}.`);
  if (nbf > now + leewaySeconds) throw invalidToken('A6 nbf', 'The token is not valid yet.');
}
