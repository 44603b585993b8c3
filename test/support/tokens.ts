import { createHash, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto';

import { algorithmNamed } from '#libs/identity/algorithms.js';
import type { TrustedIssuer } from '#libs/identity/issuers.js';
import { keySetFrom } from '#libs/identity/key-set.js';
import { thumbprint } from '#libs/identity/public-jwk.js';
import type { Json, JsonObject } from '#libs/kernel/json.js';

/**
 * Builders of tokens and proofs, honest by default and able to carry any fault: members are overridden or, by `undefined`, left
 * out; whole texts replace the JSON; segments are respelled. Keys are real and made when asked for. Nothing here uses `jose` or
 * `dpop`: those are the oracles of the tests.
 */

export type KeyAlgorithm = 'ES256' | 'Ed25519' | 'EdDSA' | 'PS256' | 'RS256';

export interface SigningKey {
  readonly alg: KeyAlgorithm;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Public members only, without `kid`, `alg` and `use`: what a proof's `jwk` holds. */
  readonly jwk: Readonly<Record<string, string>>;
  /** RFC 7638 thumbprint: what `cnf.jkt` holds. */
  readonly jkt: string;
}

export function makeKey(alg: KeyAlgorithm = 'ES256', kid = 'key-1', rsaBits = 2048): SigningKey {
  const pair = generate(alg, rsaBits);
  const jwk = pair.publicKey.export({ format: 'jwk' }) as Record<string, string>;
  return { alg, kid, ...pair, jwk, jkt: thumbprint(jwk, algorithmNamed(alg)!) };
}

function generate(alg: KeyAlgorithm, modulusLength: number): { publicKey: KeyObject; privateKey: KeyObject } {
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  if (alg === 'PS256' || alg === 'RS256') return generateKeyPairSync('rsa', { modulusLength });
  return generateKeyPairSync('ed25519');
}

/** A JWK Set as an issuer would publish it. */
export function jwksOf(...keys: readonly SigningKey[]): JsonObject {
  return { keys: keys.map(({ jwk, kid, alg }) => ({ ...jwk, kid, alg, use: 'sig' })) };
}

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'crud.secrets';
export const ORIGIN = 'https://postern.example';
/** The moment that builders and tests agree on, unless told otherwise: milliseconds since the epoch. */
export const NOW_MS = 1_790_000_000_000;

/** An issuer that trusts these keys. */
export function makeIssuer(keys: readonly SigningKey[], changes: Partial<TrustedIssuer> = {}): TrustedIssuer {
  return {
    issuer: ISSUER,
    algorithms: ['ES256', 'EdDSA', 'PS256', 'RS256'],
    audience: AUDIENCE,
    keys: keySetFrom(jwksOf(...keys)),
    claims: { tenant: 'tenant', subjectType: 'sub_type', groups: 'groups' },
    maxTokenAgeSeconds: 3600,
    ...changes,
  };
}

/** Members to set; `undefined` leaves one out. */
export type Changes = Readonly<Record<string, unknown>>;

export interface JwsParts {
  /** Signs; its `alg` says how, whatever the header says. */
  readonly key: SigningKey;
  readonly header: Changes;
  readonly claims: Changes;
  /** Raw text or bytes in place of the JSON of the header. */
  readonly headerText?: string | Uint8Array;
  readonly payloadText?: string | Uint8Array;
  /** Replaces the signature, after it was made. */
  readonly signature?: Uint8Array;
}

/** Signs header and payload as given: nothing is checked, so anything can be said. */
export function mintJws({ key, header, claims, headerText, payloadText, signature }: JwsParts): string {
  const signed = `${base64url(headerText ?? json(header))}.${base64url(payloadText ?? json(claims))}`;
  return `${signed}.${base64url(signature ?? signBytes(key, Buffer.from(signed)))}`;
}

export function signBytes({ alg, privateKey }: SigningKey, data: Uint8Array): Uint8Array {
  switch (alg) {
    case 'ES256':
      return sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    case 'PS256':
      return sign('sha256', data, { key: privateKey, padding: 6, saltLength: 32 });
    case 'RS256':
      return sign('sha256', data, privateKey);
    default:
      return sign(null, data, privateKey);
  }
}

export interface TokenOptions extends Partial<Omit<JwsParts, 'key'>> {
  /** The issuer's key. */
  readonly key: SigningKey;
  /** The caller's key, as `cnf.jkt`; without it the token is a plain bearer token. */
  readonly boundTo?: SigningKey;
  readonly nowMs?: number;
}

/** An access token of RFC 9068 for the subject `svc-billing`, good for five minutes. */
export function mintToken({ key, boundTo, nowMs = NOW_MS, header, claims, ...raw }: TokenOptions): string {
  const iat = Math.floor(nowMs / 1000);
  return mintJws({
    key,
    header: { typ: 'at+jwt', alg: key.alg, kid: key.kid, ...header },
    claims: {
      iss: ISSUER,
      aud: AUDIENCE,
      sub: 'svc-billing',
      client_id: 'billing',
      jti: randomUUID(),
      iat,
      exp: iat + 300,
      scope: 'secrets.read',
      tenant: 'acme',
      sub_type: 'service',
      groups: ['payments'],
      ...(boundTo !== undefined && { cnf: { jkt: boundTo.jkt } }),
      ...claims,
    },
    ...raw,
  });
}

export interface ProofOptions extends Partial<Omit<JwsParts, 'key'>> {
  /** The caller's key. */
  readonly key: SigningKey;
  /** The access token, for `ath`. */
  readonly token: string;
  readonly method?: string;
  /** Absolute URI of the target. */
  readonly htu?: string;
  readonly nonce?: string;
  readonly nowMs?: number;
}

/** A DPoP proof for `GET https://postern.example/api/secrets`. */
export function mintProof({ key, token, nowMs = NOW_MS, header, claims, ...options }: ProofOptions): string {
  const { method = 'GET', htu = `${ORIGIN}/api/secrets`, nonce, ...raw } = options;
  return mintJws({
    key,
    header: { typ: 'dpop+jwt', alg: key.alg, jwk: key.jwk, ...header },
    claims: {
      jti: randomUUID(),
      htm: method,
      htu,
      iat: Math.floor(nowMs / 1000),
      ath: createHash('sha256').update(token).digest('base64url'),
      ...(nonce !== undefined && { nonce }),
      ...claims,
    },
    ...raw,
  });
}

/** Replaces one segment (0 header, 1 payload, 2 signature) by what `change` makes of its text. */
export function respell(jws: string, segment: 0 | 1 | 2, change: (text: string) => string): string {
  return jws
    .split('.')
    .map((text, index) => (index === segment ? change(text) : text))
    .join('.');
}

/** The same bytes with the spare bits of the last character set, where it has any. */
export function withTrailingBits(segment: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return segment.slice(0, -1) + alphabet[alphabet.indexOf(segment.at(-1)!) + 1];
}

export function base64url(data: string | Uint8Array): string {
  return Buffer.from(data as Uint8Array).toString('base64url');
}

export function json(members: Changes): string {
  return JSON.stringify(members);
}

export function decodeJws(jws: string): { header: JsonObject; claims: JsonObject } {
  const [header = '', claims = ''] = jws.split('.');
  const read = (segment: string): Json => JSON.parse(Buffer.from(segment, 'base64url').toString()) as Json;
  return { header: read(header) as JsonObject, claims: read(claims) as JsonObject };
}
