import type { KeyObject } from 'node:crypto';

import { Refusal } from '#libs/kernel/refusal.js';

import { invalidProof, invalidToken } from './faults.js';
import { isSpelledAlike, namesTarget, parseHtu } from './htu.js';
import { currentNonce, isCurrentNonce } from './nonce.js';
import type { Presented } from './presented.js';
import type { KnownKey, ProofKeys } from './proof-keys.js';
import { parseProof, seconds, type Proof } from './proof-shape.js';
import { importPublicJwk, thumbprint } from './public-jwk.js';
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
  const known = demands.proofKeys.recall(demands.jkt);
  const proof = parseProof(presented.dpop, known); //   4.3 (1) to (5), (7)
  checkKey(proof, demands, known); //                   4.3 (12), second half
  checkSignature(proof, demands, known); //             4.3 (6)
  checkMethod(proof, presented); //                     4.3 (8)
  checkTarget(proof, presented, demands.origins); //    4.3 (9)
  checkToken(proof, demands); //                        4.3 (12), first half
  checkTime(proof, nowMs); //                           4.3 (11)
  const nonce = checkNonce(proof, demands, nowMs); //   4.3 (10)
  const { jti, iat } = proof.claims;
  return { jkt: demands.jkt, jti, iat: Math.floor(iat), nonce };
}

/** D18, sections 6.1 and 7.1: the token is bound to this key and to no other. */
function checkKey({ header }: Proof, { jkt }: ProofDemands, known: KnownKey | undefined): void {
  if (header === known?.header) return;
  if (thumbprint(header.jwk, header.algorithm) !== jkt) {
    throw invalidToken('D18 jkt', 'The token is bound to another key than the one that signed the proof.');
  }
}

/**
 * D6, section 4.3 (6). T5: what OpenSSL throws on a hostile key or signature is of many classes; all of it is a bad proof and none
 * of it a defect of ours.
 */
function checkSignature(proof: Proof, { jkt, proofKeys }: ProofDemands, known: KnownKey | undefined): void {
  const { headerText: text, header, signed, signature } = proof;
  let key: KeyObject;
  let valid: boolean;
  try {
    // one thumbprint, one key, however the header around it is written
    key = known?.key ?? importPublicJwk(header.jwk, header.algorithm);
    valid = header.scheme.verify(Buffer.from(signed), key, signature);
  } catch (error) {
    throw invalidProof('T5 jwk', "The proof's key cannot be used.", error);
  }
  if (!valid) throw invalidProof('D6 signature', "The proof's signature does not fit its key.");
  if (header !== known?.header) proofKeys.remember(jkt, { text, header, key });
}

/** D9, section 4.3 (8): octet for octet; headers that override the method are not read. */
function checkMethod({ claims: { htm } }: Proof, { method }: Presented): void {
  if (htm !== method) throw invalidProof('D9 htm', 'The claim htm must be the method of this request, in upper case.');
}

/** D10, D11, section 4.3 (9). Nearly every client spells the target as it sends it; only other spellings are worth parsing. */
function checkTarget({ claims: { htu } }: Proof, { path }: Presented, origins: readonly string[]): void {
  if (isSpelledAlike(htu, origins, path)) return;
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
function checkToken({ claims: { ath } }: Proof, { tokenHash }: ProofDemands): void {
  if (ath !== tokenHash) throw invalidProof('D17 ath', 'The claim ath must be the hash of the access token sent.');
}

/** D12, sections 4.3 (11) and 11.1; D23: `exp` and `nbf` are not asked for, but are kept to when they are there. */
function checkTime({ claims: { iat, all } }: Proof, nowMs: number): void {
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
function checkNonce({ claims: { all } }: Proof, demands: ProofDemands, nowMs: number): boolean {
  const { nonceKey, nonces, epoch } = demands;
  const ours = isCurrentNonce(all['nonce'], nonceKey, epoch, nowMs);
  if (ours || nonces === 'off') return ours;
  throw new Refusal('USE_DPOP_NONCE', {
    check: 'nonce' in all ? 'D13 nonce old' : 'D13 nonce missing',
    detail: 'Sign a new proof with the nonce of the DPoP-Nonce header.',
    dpopNonce: currentNonce(nonceKey, epoch, nowMs),
  });
}
