import { sha256 } from '#libs/kernel/digest.js';
import type { JsonObject } from '#libs/kernel/json.js';

import { presentsNothing } from './anonymous.js';
import { parseCompactJws, parseJsonObject, type CompactJws } from './compact-jws.js';
import { invalidToken } from './faults.js';
import type { TrustedIssuer } from './issuers.js';
import { presentedToken, type PresentedToken } from './presented-token.js';
import type { Presented } from './presented.js';
import type { RememberedTokens } from './remembered-tokens.js';
import { parseTokenClaims, type VerifiedClaims } from './token-claims.js';
import { checkAlgorithm, parseTokenHeader } from './token-header.js';
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
  static async authenticate(this: void, presented: Presented, rules: TokenRules, nowMs: number): Promise<Caller> {
    if (rules.anonymous !== undefined && presentsNothing(presented)) return Caller.anonymous(rules.anonymous);
    const { scheme, token } = presentedToken(presented);
    const tokenHash = sha256(token);
    const known = rules.remembered.recall(tokenHash, nowMs);
    if (known !== undefined) return new Caller(known, scheme, tokenHash);
    const claims = await verifiedClaims(token, rules, nowMs);
    rules.remembered.remember(tokenHash, claims, nowMs);
    return new Caller(claims, scheme, tokenHash);
  }

  /** The other way to be somebody: where configuration says whom nobody speaks for. It is bound to nothing, as its claims say. */
  private static anonymous(claims: VerifiedClaims): Caller {
    return new Caller(claims, 'Bearer', sha256(''));
  }

  static is(value: unknown): value is Caller {
    return typeof value === 'object' && value !== null && #made in value;
  }
}

export const authenticate: (presented: Presented, rules: TokenRules, nowMs: number) => Promise<Caller> =
  Caller.authenticate;

/** RFC 9068 section 4, with what RFC 8725 adds. Nothing of a token is believed before its signature. */
async function verifiedClaims(token: string, rules: TokenRules, nowMs: number): Promise<VerifiedClaims> {
  const jws = parseJws(token); //                                    T1, A9, J3, J12, J13, J14
  const header = parseTokenHeader(parseJson(jws.header)); //         A1, A2, A10, J2, J5, J9, J10, J11, T22, T23
  const payload = parseJson(jws.payload); //                         T4, J6
  const issuer = trustedIssuer(payload, rules.issuers); //           A4, J7
  checkAlgorithm(header, issuer); //                                 J1
  const key = await issuerKey(header, issuer); //                    J7, J9, T18
  await checkSignature(token, header, key); //                       J3, J4
  const claims = parseTokenClaims(payload, issuer); //               A3, A5, A7, A8, A12, J8, T2
  checkTimes(payload, claims, timeRules(issuer, rules, nowMs)); //   A6, T3
  return claims;
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
