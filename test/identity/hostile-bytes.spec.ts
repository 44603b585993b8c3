import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { authenticate } from '#libs/identity/access-token.js';
import { bind } from '#libs/identity/bind.js';
import { keySetFrom } from '#libs/identity/key-set.js';
import { Refusal } from '#libs/kernel/refusal.js';
import { anyText } from '../support/any-text.js';
import { admitted } from '../support/admitted.js';
import {
  jwksOf,
  makeKey,
  mintProof,
  mintToken,
  NOW_MS,
  type KeyAlgorithm,
  type SigningKey,
} from '../support/tokens.js';

import { bindingRules, EPOCH, issuerKey, presented, tokenRules } from './world.js';

/** What a request may end in by bytes of its sender alone. Nothing here is a defect or an outage. */
const CODES = [
  'CREDENTIALS_REQUIRED',
  'INVALID_REQUEST',
  'INVALID_TOKEN',
  'INVALID_DPOP_PROOF',
  'USE_DPOP_NONCE',
  'BINDING_REQUIRED',
];

/** The code of the refusal, or `accepted`; throws what is no refusal. */
async function outcome(attempt: () => Promise<unknown>): Promise<string> {
  try {
    await attempt();
    return 'accepted';
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

function flip(text: string, bit: number): string {
  const bytes = Buffer.from(text, 'latin1');
  const at = bit % (bytes.length * 8);
  bytes[at >> 3] = bytes[at >> 3]! ^ (1 << (at & 7));
  return bytes.toString('latin1');
}

const aBit = fc.nat({ max: 1_000_003 });
/** 10,000 positions in all, others in each run of the tests; BITS_SEED meets the same again. */
const SEED = Number(process.env['BITS_SEED'] ?? Date.now() % 2 ** 31);
process.stderr.write(`flipped bits of seed ${SEED}\n`);

describe('I16: any single bit that is flipped', () => {
  it.each(['ES256', 'EdDSA', 'RS256', 'PS256'] as KeyAlgorithm[])('in a token with %s gets it refused', async (alg) => {
    const key = makeKey(alg);
    const rules = tokenRules({ keys: keySetFrom(jwksOf(key)) });
    const token = mintToken({ key });
    const send = async (text: string) =>
      await outcome(() => authenticate(admitted(presented({ authorization: [`Bearer ${text}`] })), rules, NOW_MS));
    expect(await send(token)).toBe('accepted');
    await fc.assert(
      fc.asyncProperty(aBit, async (bit) => {
        expect(await send(flip(token, bit))).toBe('INVALID_TOKEN');
      }),
      { numRuns: 1500, seed: SEED },
    );
  });

  it.each(['ES256', 'Ed25519'] as KeyAlgorithm[])('in a proof with %s gets it refused', async (alg) => {
    const key = makeKey(alg);
    const send = await proving(key);
    const proof = send.proof();
    expect(await send.with([proof])).toBe('accepted');
    await fc.assert(
      fc.asyncProperty(aBit, async (bit) => {
        expect(['INVALID_DPOP_PROOF', 'INVALID_TOKEN']).toContain(await send.with([flip(proof, bit)]));
      }),
      { numRuns: 2000, seed: SEED },
    );
  });
});

/** A caller with a bound token, who sends what proofs ever. */
async function proving(key: SigningKey) {
  const token = mintToken({ key: issuerKey, boundTo: key });
  const caller = await authenticate(admitted(presented({ authorization: [`DPoP ${token}`] })), tokenRules(), NOW_MS);
  const rules = bindingRules();
  return {
    proof: (options = {}) => mintProof({ key, token, ...options }),
    with: async (dpop: readonly string[]) =>
      await outcome(async () => bind(caller, presented({ dpop }), rules, EPOCH, NOW_MS)),
  };
}

describe('T5, I19: whatever the bytes, the answer is a refusal of the caller and never a defect', () => {
  const rules = tokenRules();
  const anything = fc.oneof(fc.jsonValue(), fc.constantFrom('', 'ES256', 'at+jwt', 'dpop+jwt', 0, -1, 1e300, [], {}));
  const members = (...names: string[]) => fc.dictionary(fc.constantFrom(...names), anything, { maxKeys: 4 });

  it('in the Authorization lines', async () => {
    const line = fc.oneof(
      anyText(),
      fc
        .tuple(fc.constantFrom('DPoP ', 'Bearer ', 'bearer'), anyText({ maxLength: 200 }))
        .map((parts) => parts.join('')),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 2 }), async (authorization) => {
        expect(CODES).toContain(
          await outcome(() => authenticate(admitted(presented({ authorization })), rules, NOW_MS)),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('in the header and the claims of a token that its issuer signed', async () => {
    const header = members('typ', 'alg', 'kid', 'crit', 'b64', 'jwk');
    const claims = members(
      'iss',
      'aud',
      'sub',
      'exp',
      'iat',
      'nbf',
      'jti',
      'scope',
      'cnf',
      'act',
      'groups',
      'sub_type',
      'tenant',
    );
    await fc.assert(
      fc.asyncProperty(header, claims, async (changedHeader, changedClaims) => {
        const token = mintToken({ key: issuerKey, header: changedHeader, claims: changedClaims });
        const request = presented({ authorization: [`Bearer ${token}`] });
        expect([...CODES, 'accepted']).toContain(await outcome(() => authenticate(admitted(request), rules, NOW_MS)));
      }),
      { numRuns: 1500 },
    );
  });

  it('in the header, the key and the claims of a proof', async () => {
    const key = makeKey();
    const send = await proving(key);
    const jwk = fc.oneof(
      anything,
      members('kty', 'crv', 'x', 'y', 'd', 'n', 'e', 'use', 'key_ops', 'alg').map((changes) => ({
        ...key.jwk,
        ...changes,
      })),
    );
    const header = fc.oneof(
      members('typ', 'alg', 'crit', 'b64'),
      jwk.map((changed) => ({ jwk: changed })),
    );
    const claims = members('jti', 'htm', 'htu', 'iat', 'ath', 'nonce', 'exp', 'nbf');
    await fc.assert(
      fc.asyncProperty(header, claims, async (changedHeader, changedClaims) => {
        const proof = send.proof({ header: changedHeader, claims: changedClaims });
        expect([...CODES, 'accepted']).toContain(await send.with([proof]));
      }),
      { numRuns: 2000 },
    );
  });

  it('in the DPoP lines', async () => {
    const send = await proving(makeKey());
    await fc.assert(
      fc.asyncProperty(fc.array(anyText({ maxLength: 300 }), { maxLength: 2 }), async (lines) => {
        expect(await send.with(lines)).toBe('INVALID_DPOP_PROOF');
      }),
      { numRuns: 1000 },
    );
  });
});
