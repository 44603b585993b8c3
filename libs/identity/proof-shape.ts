import { isJsonObject, type JsonObject } from '#libs/kernel/json.js';

import { algorithmNamed, PROOF_ALGORITHMS, type Algorithm } from './algorithms.js';
import { parseCompactJws, parseJsonObject, type CompactJws } from './compact-jws.js';
import { invalidProof } from './faults.js';
import { keyFault } from './public-jwk.js';

/** A DPoP proof whose shape is in order (RFC 9449 section 4.2). Nothing of it is verified. */
export interface Proof {
  readonly headerText: string;
  readonly header: ProofHeader;
  readonly claims: ProofClaims;
  readonly signed: string;
  readonly signature: Uint8Array;
}

export interface ProofHeader {
  readonly algorithm: Algorithm;
  readonly scheme: NonNullable<Algorithm['proof']>;
  readonly jwk: JsonObject;
}

/** A header that was read before. All that is checked of it depends on its text alone. */
export interface KnownHeader {
  /** Its segment, as it was sent. */
  readonly text: string;
  readonly header: ProofHeader;
}

export interface ProofClaims {
  readonly jti: string;
  readonly htm: string;
  readonly htu: string;
  readonly iat: number;
  readonly ath: string;
  /** Every claim as it was sent; for `nonce`, `exp` and `nbf`, which need not be there. */
  readonly all: JsonObject;
}

const MAX_PROOF = 4096;
const MAX_JTI = 128;

/**
 * Reads the one proof of a request as far as that needs no key and no hash: RFC 9449 section 4.3 (1) to (5) and (7).
 *
 * @param lines every `DPoP` field line
 * @param known what the caller's key was known by before; a header of the same text is not read again
 * @throws Refusal INVALID_DPOP_PROOF
 */
export function parseProof(lines: readonly string[], known?: KnownHeader): Proof {
  const jws = parseJws(onlyLine(lines)); //                                             4.3 (1), (2)
  const header = jws.header === known?.text ? known.header : parseHeader(jws.header); //  4.3 (3), (4), (5), (7)
  checkLength(jws.signature, header);
  const claims = parseClaims(jws); //                                                   4.3 (3)
  return { headerText: jws.header, header, claims, signed: jws.signed, signature: jws.signature };
}

/** D1, section 4.3 (1): counted in field lines, since a joined header hides the second. */
function onlyLine(lines: readonly string[]): string {
  const [line, ...more] = lines;
  if (line === undefined) throw invalidProof('D1 missing', 'The scheme DPoP needs a proof in the DPoP header.');
  if (more.length > 0) throw invalidProof('D1 repeated', 'Send exactly one DPoP header.');
  return line;
}

/** D2, sections 4.1 and 4.3 (2). A comma, with which two lines may have been joined, is outside the alphabet. */
function parseJws(line: string): CompactJws {
  if (line.length > MAX_PROOF) throw invalidProof('D2 length', `A proof has at most ${MAX_PROOF} characters.`);
  const jws = parseCompactJws(line);
  if (jws === undefined) throw invalidProof('D2 spelling', 'The proof is not one compact JWS in canonical base64url.');
  return jws;
}

/** D3, D4, D5, D7, D8: sections 4.2 and 4.3 (3), (4), (5), (7). */
function parseHeader(text: string): ProofHeader {
  const header = parseJsonObject(text);
  if (header === undefined) throw invalidProof('D3 header', "The proof's header is not one strict JSON object.");
  const { typ, alg, jwk } = header;
  if (typ !== 'dpop+jwt') throw invalidProof('D4 typ', 'The header typ of a proof must be dpop+jwt.');
  if ('crit' in header || 'b64' in header) throw invalidProof('D8 crit', 'A proof must not use crit or b64.');
  const algorithm = algorithmNamed(alg);
  const scheme = algorithm?.proof;
  if (algorithm === undefined || scheme === undefined) {
    throw invalidProof('D5 alg', `The header alg of a proof must be one of ${PROOF_ALGORITHMS.join(', ')}.`);
  }
  if (!isJsonObject(jwk)) throw invalidProof('D3 jwk', 'The header jwk of a proof must be a public key.');
  const fault = keyFault(jwk, algorithm);
  if (fault !== undefined) throw invalidProof(fault.check, fault.detail);
  return { algorithm, scheme, jwk };
}

/** D6, RFC 7518 section 3.4 and RFC 8037 section 3.1. */
function checkLength({ length }: Uint8Array, { scheme }: ProofHeader): void {
  if (length !== scheme.signatureBytes) {
    throw invalidProof('D6 signature', "The proof's signature has the wrong length.");
  }
}

/** D3, sections 4.2 and 4.3 (3): each claim has the type that it must have; others are ignored (D23). */
function parseClaims(jws: CompactJws): ProofClaims {
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

function text(claims: JsonObject, name: string, check: string): string {
  const value = claims[name];
  if (typeof value !== 'string') throw invalidProof(check, `The claim ${name} of a proof must be a string.`);
  return value;
}

/** RFC 7519 section 2, NumericDate: seconds, with or without a fraction. That it is finite is the strict parser's work. */
export function seconds(claims: JsonObject, name: string, check: string): number {
  const value = claims[name];
  if (typeof value !== 'number') {
    throw invalidProof(check, `The claim ${name} of a proof must be a number of seconds.`);
  }
  return value;
}
