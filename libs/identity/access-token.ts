import { Refusal } from '#libs/kernel/refusal.js';

import type { TrustedIssuer } from './issuers.js';
import type { Presented } from './presented.js';

/** What a verified token says, every member typed and bounded (RFC 9068 section 2.2, RFC 7800, RFC 8705 section 3.1, RFC 9449 section 6.1). */
export interface VerifiedClaims {
  readonly iss: string;
  readonly sub: string;
  readonly clientId: string;
  readonly jti: string;
  /** Seconds since the epoch. */
  readonly iat: number;
  readonly exp: number;
  readonly audience: readonly string[];
  readonly scopes: ReadonlySet<string>;
  /** From the claim that the issuer's configuration names; absent when the token has none. */
  readonly tenant?: string;
  readonly subjectType: 'service' | 'user' | 'agent';
  readonly groups: readonly string[];
  readonly acr?: string;
  readonly amr?: readonly string[];
  readonly authTime?: number;
  /** `act.sub` of RFC 8693 section 4.1, when there. */
  readonly actor?: string;
  readonly confirmation: { readonly jkt?: string; readonly x5t?: string };
}

/** Whom a verified token speaks for. The first proof of the line. */
export class Caller {
  readonly #made = true;

  private constructor(
    readonly claims: VerifiedClaims,
    /** The scheme the token came under. */
    readonly scheme: 'DPoP' | 'Bearer',
    /** base64url(SHA-256) of the token as presented: its only spelling. */
    readonly tokenHash: string,
  ) {}

  static async authenticate(this: void, _presented: Presented, _rules: TokenRules, _nowMs: number): Promise<Caller> {
    throw new Refusal('CREDENTIALS_REQUIRED');
  }

  static is(value: unknown): value is Caller {
    return typeof value === 'object' && value !== null && #made in value;
  }
}

export interface TokenRules {
  /** By exact `iss`. */
  readonly issuers: ReadonlyMap<string, TrustedIssuer>;
  /** CLOCK_LEEWAY_SECONDS. */
  readonly leewaySeconds: number;
}

export const authenticate: (presented: Presented, rules: TokenRules, nowMs: number) => Promise<Caller> =
  Caller.authenticate;
