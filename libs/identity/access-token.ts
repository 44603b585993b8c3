import { sha256 } from '#libs/kernel/digest.js';
import type { JsonObject } from '#libs/kernel/json.js';

import type { Admitted } from './admit.js';
import { presentsNothing } from './anonymous.js';
import { parseCompactJws, parseJsonObject, type CompactJws } from './compact-jws.js';
import { checkAccessToken, standInsOf } from './compat-profile.js';
import { invalidToken } from './faults.js';
import type { TrustedIssuer } from './issuers.js';
import { presentedToken, type PresentedToken } from './presented-token.js';
import type { RememberedTokens, Verified } from './remembered-tokens.js';
import { parseTokenClaims, type VerifiedClaims } from './token-claims.js';
import { checkAlgorithm, checkType, parseTokenHeader } from './token-header.js';
import { checkSignature, issuerKey, trustedIssuer } from './token-signature.js';
import { checkTimes, type TimeRules } from './token-times.js';

export type { VerifiedClaims };

export interface TokenRules {
  /** By exact `iss`. */
  readonly issuers: ReadonlyMap<string, TrustedIssuer>;
  /** CLOCK_LEEWAY_SECONDS. */
  readonly leewaySeconds: number;
  /** Of these rules and no others. */
  readonly remembered: RememberedTokens;
  /** Whom a request speaks for that presents nothing. Absent: nobody, and it is refused (SECRETS_API_REQUIRE_AUTH). */
  readonly anonymous?: VerifiedClaims;
}

/** Whom a verified token speaks for. The first proof of the line. */
export class Caller {
  readonly #made = true;

  private constructor(
    readonly claims: VerifiedClaims,
    /** The scheme the token came under. */
    readonly scheme: PresentedToken['scheme'],
    /** base64url(SHA-256) of the token as presented: its only spelling. */
    readonly tokenHash: string,
  ) {}

  /**
   * Verifies the access token of a request. Whether its sender is the one that it was issued to is not checked here: `bind` does.
   * Nor is it checked whether the token was revoked: blocks live in the store.
   *
   * @throws Refusal CREDENTIALS_REQUIRED, INVALID_REQUEST, INVALID_TOKEN; UNAVAILABLE when the issuer's keys cannot be had
   */
  static async authenticate(this: void, admitted: Admitted, rules: TokenRules, nowMs: number): Promise<Caller> {
    const { presented } = admitted;
    if (rules.anonymous !== undefined && presentsNothing(presented)) return Caller.anonymous(rules.anonymous);
    const { scheme, token } = presentedToken(presented);
    const tokenHash = sha256(token);
    const known = rules.remembered.recall(tokenHash, nowMs);
    if (known !== undefined) return new Caller(known, scheme, tokenHash);
    const verified = await verify(token, rules, nowMs);
    rules.remembered.remember(tokenHash, verified, nowMs);
    return new Caller(verified.claims, scheme, tokenHash);
  }

  /** The other way to be somebody: where configuration says whom nobody speaks for. It is bound to nothing, as its claims say. */
  private static anonymous(claims: VerifiedClaims): Caller {
    return new Caller(claims, 'Bearer', sha256(''));
  }

  static is(value: unknown): value is Caller {
    return typeof value === 'object' && value !== null && #made in value;
  }
}

export const authenticate: (admitted: Admitted, rules: TokenRules, nowMs: number) => Promise<Caller> =
  Caller.authenticate;

/** RFC 9068 section 4, with what RFC 8725 adds. Nothing of a token is believed before its signature. */
async function verify(token: string, rules: TokenRules, nowMs: number): Promise<Verified> {
  const jws = parseJws(token); //                                    T1, A9, J3, J12, J13, J14
  const header = parseTokenHeader(parseJson(jws.header)); //         A1, A2, A10, J2, J5, J9, J10, J11, T22, T23
  const payload = parseJson(jws.payload); //                         T4, J6
  const issuer = trustedIssuer(payload, rules.issuers); //           A4, J7
  checkType(header, issuer); //                                      A1, A10
  checkAlgorithm(header, issuer); //                                 J1
  const { keys } = issuer;
  const { generation } = keys;
  const key = await issuerKey(header, issuer); //                    J7, J9, T18
  await checkSignature(token, header, key); //                       J3, J4
  checkAccessToken(payload, issuer); //                              A10 where the header cannot tell
  const standIns = standInsOf(payload, issuer, jws);
  const claims = parseTokenClaims(payload, issuer, standIns); //     A3, A5, A7, A8, A12, J8, T2
  checkTimes(payload, claims, timeRules(issuer, rules, nowMs)); //   A6, T3
  return { claims, keys, generation };
}

function timeRules({ maxTokenAgeSeconds }: TrustedIssuer, { leewaySeconds }: TokenRules, nowMs: number): TimeRules {
  return { nowMs, leewaySeconds, maxTokenAgeSeconds };
}

/** One spelling for one token, or everything that is keyed on its text can be walked around. */
function parseJws(token: string): CompactJws {
  if (token.split('.', 6).length === 5) throw invalidToken('A9 encrypted', 'Encrypted tokens are not accepted.');
  const jws = parseCompactJws(token);
  if (jws === undefined) throw invalidToken('T1 spelling', 'The token is not one compact JWS in canonical base64url.');
  return jws;
}

function parseJson(part: Uint8Array | string): JsonObject {
  const value = parseJsonObject(part);
  if (value === undefined) throw invalidToken('T4 json', 'A part of the token is not one strict JSON object.');
  return value;
}
