import { describe, expect, it } from '@jest/globals';

import { authenticate } from '#libs/identity/access-token.js';
import { bind, BoundCaller } from '#libs/identity/bind.js';
import { admitted } from '../support/admitted.js';
import { makeKey, mintProof, NOW_MS, type Changes } from '../support/tokens.js';

import { aToken, bindingRules, callerKey, EPOCH, presented, refusalFrom, saysOf, tokenRules } from './world.js';

interface Sent {
  readonly scheme?: string;
  readonly cnf?: Changes;
  readonly proofs?: number;
  readonly allowUnbound?: boolean;
}

/** One request through both steps. */
async function send({ scheme = 'DPoP', cnf, proofs = 0, allowUnbound = false }: Sent): Promise<BoundCaller> {
  const token = aToken({ claims: { jti: 'token-1', cnf } });
  const dpop = Array.from({ length: proofs }, () => mintProof({ key: callerKey, token }));
  const request = presented({ authorization: [`${scheme} ${token}`], dpop });
  const caller = await authenticate(admitted(request), tokenRules(), NOW_MS);
  return bind(caller, request, bindingRules({ allowUnbound }), EPOCH, NOW_MS);
}

async function refused(sent: Sent) {
  return saysOf(await refusalFrom(send(sent)));
}

const { jkt } = callerKey;
const x5t = makeKey('ES256').jkt;

describe('bind', () => {
  it('binds the caller to the key that signed its proof', async () => {
    const bound = await send({ cnf: { jkt }, proofs: 1 });
    expect(bound.binding).toEqual({ kind: 'dpop', jkt });
    expect(bound.proof).toMatchObject({ jkt, iat: NOW_MS / 1000, nonce: false });
    expect([bound.epoch, bound.nextNonce]).toEqual([EPOCH, undefined]);
  });

  it('makes a proof that nothing else passes for', async () => {
    const bound = await send({ cnf: { jkt }, proofs: 1 });
    expect(BoundCaller.is(bound)).toBe(true);
    expect(BoundCaller.is(Object.assign(Object.create(BoundCaller.prototype) as object, bound))).toBe(false);
  });

  it('D1: refuses a bound token without a proof', async () => {
    expect(await refused({ cnf: { jkt } })).toEqual({ code: 'INVALID_DPOP_PROOF', check: 'D1 missing' });
  });

  it('D19: refuses a token that is bound to no key under the scheme DPoP, with and without a proof', async () => {
    for (const proofs of [0, 1]) {
      const says = await refused({ proofs, allowUnbound: true });
      expect(says).toEqual({ code: 'INVALID_TOKEN', check: 'D19 scheme' });
    }
  });

  it('D20, I20: refuses a bound token under Bearer, with and without a proof, whatever is allowed', async () => {
    for (const proofs of [0, 1]) {
      for (const allowUnbound of [true, false]) {
        const says = await refused({ scheme: 'Bearer', cnf: { jkt }, proofs, allowUnbound });
        expect(says).toEqual({ code: 'INVALID_TOKEN', check: 'D20 scheme' });
      }
    }
  });

  it('M1, M3: refuses a token that is bound to a certificate, alone or beside a key', async () => {
    for (const scheme of ['DPoP', 'Bearer']) {
      for (const cnf of [{ 'x5t#S256': x5t }, { jkt, 'x5t#S256': x5t }]) {
        const says = await refused({ scheme, cnf, proofs: 1, allowUnbound: true });
        expect(says).toEqual({ code: 'INVALID_TOKEN', check: 'M1 certificate' });
      }
    }
  });

  it('refuses an unbound token where that is not allowed', async () => {
    for (const proofs of [0, 1]) {
      expect(await refused({ scheme: 'Bearer', proofs })).toEqual({ code: 'BINDING_REQUIRED', check: 'binding' });
    }
  });

  it('binds an unbound token to itself where it is allowed: no proof, no nonce', async () => {
    const bound = await send({ scheme: 'Bearer', allowUnbound: true });
    expect(bound.binding).toEqual({ kind: 'none', iss: 'https://issuer.example', jti: 'token-1' });
    expect([bound.proof, bound.nextNonce, bound.epoch]).toEqual([undefined, undefined, EPOCH]);
  });

  it('refuses a proof beside an unbound token: it would protect nothing', async () => {
    const says = await refused({ scheme: 'Bearer', proofs: 1, allowUnbound: true });
    expect(says).toEqual({ code: 'INVALID_REQUEST', check: 'D20 proof' });
  });
});
