import { isJsonObject, type Json, type JsonObject } from '#libs/kernel/json.js';
import { Refusal } from '#libs/kernel/refusal.js';

import { algorithmNamed, type Algorithm } from './algorithms.js';
import { parseCompactJws, parseJsonObject, type CompactJws } from './compact-jws.js';
import { invalidProof, invalidToken } from './faults.js';
import { namesTarget, parseHtu } from './htu.js';
import { currentNonce, isCurrentNonce } from './nonce.js';
import type { Presented } from './presented.js';
import type { ProofKeys } from './proof-keys.js';
import { importPublicJwk, keyFault, thumbprint } from './public-jwk.js';
import { PROOF_WINDOW, type Epoch, type FreshProof } from './replay-guard.js';

/** What a proof must be about beside the request, and the rules that it is judged by. None of it comes from the proof. */
export interface ProofDemands {
  /** `cnf.jkt` of the verified token. */
  readonly jkt: string;
  /** base64url(SHA-256) of the token as presented. */
  readonly tokenHash: string;
  readonly origins: readonly string[];
  readonly nonceKey: Uint8Array;
  readonly nonces: 'required' | 'off';
  readonly epoch: Epoch;
  readonly proofKeys: ProofKeys;
}

interface ProofHeader {
  readonly algorithm: Algorithm;
  readonly verify: NonNullable<Algorithm['proof']>;
  readonly jwk: JsonObject;
}

interface ProofClaims {
  readonly jti: string;
  readonly htm: string;
  readonly htu: string;
  readonly iat: number;
  readonly ath: string;
  readonly all: JsonObject;
}

const MAX_PROOF = 4096;
const MAX_JTI = 128;

/**
 * Verifies a DPoP proof at a resource server: the twelve checks of RFC 9449 section 4.3. Cheap before dear, so the public members
 * of the key (7) and the token's binding to it (12) come before the signature (6); the nonce (10) comes last, so that only a proof
 * that is otherwise good is told a new one.
 *
 * Not checked: that `jti` is fresh (11.1). Only the store can, in the same step that takes the use.
 *
 * @throws Refusal INVALID_DPOP_PROOF; INVALID_TOKEN when the token is bound to another key; USE_DPOP_NONCE
 */
export function verifyProof(presented: Presented, demands: ProofDemands, nowMs: number): FreshProof {
  const jws = readJws(onlyLine(presented.dpop)); //      4.3 (1), (2)
  const header = readHeader(jws); //                     4.3 (3), (4), (5), (7)
  const claims = readClaims(jws); //                     4.3 (3)
  checkKey(header, demands); //                          4.3 (12), second half
  checkSignature(jws, header, demands); //               4.3 (6)
  checkMethod(claims, presented); //                     4.3 (8)
  checkTarget(claims, presented, demands.origins); //    4.3 (9)
  checkToken(claims, demands); //                        4.3 (12), first half
  checkTime(claims, nowMs); //                           4.3 (11)
  const nonce = checkNonce(claims, demands, nowMs); //   4.3 (10)
  return { jkt: demands.jkt, jti: claims.jti, iat: Math.floor(claims.iat), nonce };
}

/** D1, section 4.3 (1): counted in field lines, since a joined header hides the second. */
function onlyLine(lines: readonly string[]): string {
  const [line, ...more] = lines;
  if (line === undefined)
    throw invalidProof('D1 missing', 'A token under the scheme DPoP needs one DPoP proof header.');
  if (more.length > 0) throw invalidProof('D1 repeated', 'Send exactly one DPoP header.');
  return line;
}

/** D2, sections 4.1 and 4.3 (2). A comma, with which two lines may have been joined, is outside the alphabet. */
function readJws(line: string): CompactJws {
  if (line.length > MAX_PROOF) throw invalidProof('D2 length', `A proof has at most ${MAX_PROOF} characters.`);
  const jws = parseCompactJws(line);
  if (jws === undefined) throw invalidProof('D2 spelling', 'The proof is not one compact JWS in canonical base64url.');
  return jws;
}

/** D3, D4, D5, D7, D8: sections 4.2 and 4.3 (3), (4), (5), (7). */
function readHeader(jws: CompactJws): ProofHeader {
  const header = parseJsonObject(jws.header);
  if (header === undefined) throw invalidProof('D3 header', "The proof's header is not one strict JSON object.");
  const { typ, alg, jwk } = header;
  if (typ !== 'dpop+jwt') throw invalidProof('D4 typ', 'The header typ of a proof must be dpop+jwt.');
  if ('crit' in header || 'b64' in header) throw invalidProof('D8 crit', 'A proof must not use crit or b64.');
  const algorithm = algorithmNamed(alg);
  if (algorithm?.proof === undefined)
    throw invalidProof('D5 alg', 'The header alg of a proof must be ES256 or Ed25519.');
  if (!isJsonObject(jwk)) throw invalidProof('D3 jwk', 'The header jwk of a proof must be a public key.');
  const fault = keyFault(jwk, algorithm);
  if (fault !== undefined) throw invalidProof(fault.check, fault.detail);
  if (jws.signature.length !== algorithm.proof.signatureBytes) {
    throw invalidProof('D6 signature', "The proof's signature has the wrong length.");
  }
  return { algorithm, verify: algorithm.proof, jwk };
}

/** D3, sections 4.2 and 4.3 (3): each claim has the type that it must have; others are ignored (D23). */
function readClaims(jws: CompactJws): ProofClaims {
  const all = parseJsonObject(jws.payload);
  if (all === undefined) throw invalidProof('D3 claims', "The proof's payload is not one strict JSON object.");
  const jti = text(all, 'jti', 'D15 jti');
  if (jti === '' || jti.length > MAX_JTI) {
    throw invalidProof('D15 jti', `The claim jti of a proof must have 1 to ${MAX_JTI} characters.`);
  }
  return {
    jti,
    htm: text(all, 'htm', 'D3 htm'),
    htu: text(all, 'htu', 'D3 htu'),
    iat: seconds(all, 'iat', 'D3 iat'),
    ath: text(all, 'ath', 'D3 ath'),
    all,
  };
}

/** D18, sections 6.1 and 7.1: the token is bound to this key and to no other. */
function checkKey({ jwk, algorithm }: ProofHeader, { jkt }: ProofDemands): void {
  if (thumbprint(jwk, algorithm) !== jkt) {
    throw invalidToken('D18 jkt', 'The token is bound to another key than the one that signed the proof.');
  }
}

/**
 * D6, section 4.3 (6). T5: what OpenSSL throws on a hostile key or signature is of many classes; all of it is a bad proof and none
 * of it a defect of ours.
 */
function checkSignature(
  jws: CompactJws,
  { algorithm, verify, jwk }: ProofHeader,
  { jkt, proofKeys }: ProofDemands,
): void {
  let valid: boolean;
  try {
    const key = proofKeys.find(jkt, () => importPublicJwk(jwk, algorithm));
    valid = verify.verify(Buffer.from(jws.signed), key, jws.signature);
  } catch (error) {
    throw invalidProof('T5 jwk', "The proof's key cannot be used.", error);
  }
  if (!valid) throw invalidProof('D6 signature', "The proof's signature does not fit its key.");
}

/** D9, section 4.3 (8): octet for octet; headers that override the method are not read. */
function checkMethod({ htm }: ProofClaims, { method }: Presented): void {
  if (htm !== method) throw invalidProof('D9 htm', 'The claim htm must be the method of this request, in upper case.');
}

/** D10, D11, section 4.3 (9). */
function checkTarget({ htu }: ProofClaims, { path }: Presented, origins: readonly string[]): void {
  const named = parseHtu(htu);
  if (named === undefined) {
    throw invalidProof(
      'T13 htu',
      'The claim htu must be an absolute http or https URI, without userinfo, spaces or backslashes.',
    );
  }
  if (!namesTarget(named, origins, path)) {
    throw invalidProof('D10 htu', "The claim htu must be this server's public origin and the path of this request.");
  }
}

/** D17, sections 4.2, 4.3 (12) and 7. */
function checkToken({ ath }: ProofClaims, { tokenHash }: ProofDemands): void {
  if (ath !== tokenHash)
    throw invalidProof('D17 ath', 'The claim ath must be the hash of the access token that is sent.');
}

/** D12, sections 4.3 (11) and 11.1; D23: `exp` and `nbf` are not asked for, but are kept to when they are there. */
function checkTime({ iat, all }: ProofClaims, nowMs: number): void {
  const now = nowMs / 1000;
  if (iat < now - PROOF_WINDOW.past || iat > now + PROOF_WINDOW.future) {
    throw invalidProof(
      'D12 iat',
      `The proof is from another time: iat must be at most ${PROOF_WINDOW.past} s old and ${PROOF_WINDOW.future} s ahead.`,
    );
  }
  if ('exp' in all && seconds(all, 'exp', 'D23 exp') <= now) throw invalidProof('D23 exp', 'The proof has expired.');
  if ('nbf' in all && seconds(all, 'nbf', 'D23 nbf') > now + PROOF_WINDOW.future) {
    throw invalidProof('D23 nbf', 'The proof is not valid yet.');
  }
}

/**
 * D13, sections 4.3 (10) and 9.
 *
 * @returns whether the proof carried a nonce of ours. Where nonces are off a good one still counts, since the store asks for one
 *   after it has lost data; one that is not ours is then ignored like any other claim.
 */
function checkNonce({ all }: ProofClaims, demands: ProofDemands, nowMs: number): boolean {
  const { nonceKey, nonces, epoch } = demands;
  const ours = isCurrentNonce(all['nonce'], nonceKey, epoch, nowMs);
  if (ours || nonces === 'off') return ours;
  throw new Refusal('USE_DPOP_NONCE', {
    check: 'nonce' in all ? 'D13 nonce old' : 'D13 nonce missing',
    detail: 'Sign a new proof with the nonce of the DPoP-Nonce header.',
    dpopNonce: currentNonce(nonceKey, epoch, nowMs),
  });
}

function text(claims: JsonObject, name: string, check: string): string {
  const value = claims[name];
  if (typeof value !== 'string') throw invalidProof(check, `The claim ${name} of a proof must be a string.`);
  return value;
}

/** RFC 7519 section 2, NumericDate: seconds, with or without a fraction. */
function seconds(claims: JsonObject, name: string, check: string): number {
  const value: Json | undefined = claims[name];
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw invalidProof(check, `The claim ${name} of a proof must be a number of seconds.`);
  }
  return value;
}
