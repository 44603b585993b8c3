import { createPublicKey, generateKeyPairSync } from 'node:crypto';

import { calculateJwkThumbprint, importJWK, type CryptoKey } from 'jose';

import { isJsonObject, type JsonObject } from '#libs/kernel/json.js';

import type { StateFolder } from './state-folder.js';

/** A P-256 key pair of the state folder. */
export interface KeptKeyPair {
  readonly privateKey: CryptoKey;
  /** As a CryptoKey that may be exported, since a DPoP proof carries it. */
  readonly publicKey: CryptoKey;
  readonly publicJwk: JsonObject;
  /** RFC 7638. */
  readonly thumbprint: string;
}

/** @throws Error with what to do when the file is damaged */
export async function keptKeyPair(state: StateFolder, name: string): Promise<KeptKeyPair> {
  return await keyPairOf(await state.keep(name, newPrivateJwk), `${state.path}/${name}`);
}

/** A key pair that is kept nowhere. */
export async function freshKeyPair(): Promise<KeptKeyPair> {
  return await keyPairOf(newPrivateJwk(), 'a fresh key');
}

function newPrivateJwk(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return JSON.stringify(privateKey.export({ format: 'jwk' }));
}

async function keyPairOf(text: string, where: string): Promise<KeptKeyPair> {
  try {
    const jwk: unknown = JSON.parse(text);
    if (!isJsonObject(jwk)) throw new TypeError('no object');
    // Only these members: whatever else stands in the file never reaches a published key.
    const publicJwk = createPublicKey({ key: { ...jwk }, format: 'jwk' }).export({ format: 'jwk' });
    const [privateKey, publicKey] = [
      await importJWK({ ...jwk }, 'ES256'),
      await importJWK(publicJwk, 'ES256', { extractable: true }),
    ];
    if (privateKey instanceof Uint8Array || publicKey instanceof Uint8Array) throw new TypeError('symmetric');
    const { kty = '', crv = '', x = '', y = '' } = publicJwk;
    return {
      privateKey,
      publicKey,
      publicJwk: { kty, crv, x, y },
      thumbprint: await calculateJwkThumbprint(publicJwk),
    };
  } catch (error) {
    throw new Error(`The key in ${where} is damaged: delete it (a new one is made).`, { cause: error });
  }
}
