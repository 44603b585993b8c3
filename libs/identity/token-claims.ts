import type { Json, JsonObject } from '#libs/kernel/json.js';

import {
  claim,
  DIGEST,
  NAME,
  NAME_OR_NAMES,
  NAMES,
  OBJECT,
  SCOPES,
  SCOPES_OR_LIST,
  SECONDS,
  type ClaimType,
} from './claim-types.js';
import type { StandIns } from './compat-profile.js';
import { invalidToken } from './faults.js';
import type { SubjectType, TrustedIssuer } from './issuers.js';

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
  readonly subjectType: SubjectType;
  readonly groups: readonly string[];
  readonly acr?: string;
  readonly amr?: readonly string[];
  readonly authTime?: number;
  /** `act.sub` of RFC 8693 section 4.1, when there. */
  readonly actor?: string;
  readonly confirmation: { readonly jkt?: string; readonly x5t?: string };
}

const SUBJECT_TYPES: readonly SubjectType[] = ['service', 'user', 'agent'];

/**
 * Types every claim that the gateway reads (RFC 9068 section 2.2) and checks those that do not depend on the time. Claims that it
 * does not read are ignored (RFC 7519 section 4); a claim that is there in another type than its own is refused, never passed over.
 *
 * @param standIns for claims that the issuer's profile lets a token leave out; none under RFC 9068
 * @throws Refusal INVALID_TOKEN
 */
export function parseTokenClaims(
  payload: JsonObject,
  { issuer, audience, claims: named, everyToken }: TrustedIssuer,
  standIns: StandIns = {},
): VerifiedClaims {
  const required = <T extends Json>(check: string, name: string, type: ClaimType<T>) =>
    claim(payload, name, type, check) ?? absent(check, name);
  const optional = <T extends Json>(check: string, name: string | undefined, type: ClaimType<T>) =>
    name === undefined ? undefined : claim(payload, name, type, check);

  const sub = required('A3 sub', 'sub', NAME);
  const clientId =
    optional('A3 client_id', 'client_id', NAME) ?? standIns.clientId?.() ?? absent('A3 client_id', 'client_id');
  const jti = optional('A3 jti', 'jti', NAME) ?? standIns.jti?.() ?? absent('A3 jti', 'jti');
  const exp = required('A3 exp', 'exp', SECONDS);
  const iat = optional('A3 iat', 'iat', SECONDS) ?? standIns.iat?.(exp) ?? absent('A3 iat', 'iat');
  const audiences = [required('A3 aud', 'aud', NAME_OR_NAMES)].flat();
  const scopes = everyToken?.scopes ?? scopesIn(payload, named.scope);
  const tenant = optional('A3 tenant', named.tenant, NAME);
  const subjectType = optional('A3 subject type', named.subjectType, NAME);
  const groups = optional('A8 groups', named.groups, NAMES);
  const acr = optional('A7 acr', 'acr', NAME);
  const amr = optional('A7 amr', 'amr', NAMES);
  const authTime = optional('A7 auth_time', 'auth_time', SECONDS);
  const act = optional('A3 act', 'act', OBJECT);
  const cnf = optional('D18 cnf', 'cnf', OBJECT);

  if (!audiences.includes(audience)) throw invalidToken('A5 aud', 'The token is for another audience.');
  return {
    iss: issuer,
    sub,
    clientId,
    jti,
    iat,
    exp,
    audience: audiences,
    scopes: new Set(scopes),
    subjectType: subjectTypeOf(subjectType ?? everyToken?.subjectType, sub, clientId),
    groups: groups ?? [],
    confirmation: confirmationOf(cnf),
    ...(tenant !== undefined && { tenant }),
    ...(acr !== undefined && { acr }),
    ...(amr !== undefined && { amr }),
    ...(authTime !== undefined && { authTime }),
    ...(act !== undefined && { actor: actorOf(act) }),
  };
}

function absent(check: string, name: string): never {
  throw invalidToken(check, `The token needs the claim ${name}.`);
}

/** A8: `scope` is one string (RFC 9068 section 2.2.3); a claim that was configured in its place may also be a list. */
function scopesIn(payload: JsonObject, name = 'scope'): readonly string[] {
  const type: ClaimType<string | readonly string[]> = name === 'scope' ? SCOPES : SCOPES_OR_LIST;
  const said = claim(payload, name, type, 'A8 scope') ?? '';
  return typeof said === 'string' ? said.split(' ').filter((scope) => scope !== '') : said;
}

/**
 * Without a claim that says so, a token whose subject is its own client speaks for a service (RFC 9068 section 2.2: client
 * credentials), any other for a user. A client that was registered under a user's name (RFC 9700 section 4.15) gets no user's
 * rights by that: its tokens are a service's.
 */
function subjectTypeOf(named: string | undefined, sub: string, clientId: string): VerifiedClaims['subjectType'] {
  if (named === undefined) return sub === clientId ? 'service' : 'user';
  const known = SUBJECT_TYPES.find((type) => type === named);
  if (known === undefined) {
    throw invalidToken('A3 subject type', 'The subject type of the token must be service, user or agent.');
  }
  return known;
}

/** RFC 8693 section 4.1: the outermost actor is the one that acts now; one that has no name cannot be held to account. */
function actorOf(act: JsonObject): string {
  return claim(act, 'sub', NAME, 'A3 act') ?? absent('A3 act', 'act.sub');
}

/**
 * RFC 7800 section 3.1. Members that are not understood are ignored beside one that is; alone they say that the token is bound in
 * a way that cannot be checked here, and that must not pass for unbound.
 */
function confirmationOf(cnf: JsonObject | undefined): VerifiedClaims['confirmation'] {
  if (cnf === undefined) return {};
  const jkt = claim(cnf, 'jkt', DIGEST, 'D18 jkt');
  const x5t = claim(cnf, 'x5t#S256', DIGEST, 'M2 x5t#S256');
  if (jkt === undefined && x5t === undefined) {
    throw invalidToken('D18 cnf', 'The token is bound in a way that is not known here: cnf needs jkt.');
  }
  return { ...(jkt !== undefined && { jkt }), ...(x5t !== undefined && { x5t }) };
}
