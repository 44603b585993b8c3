import { describe, expect, it } from '@jest/globals';

import { authenticate } from '#libs/identity/access-token.js';
import { bind, BoundCaller } from '#libs/identity/bind.js';
import { admitted } from '../support/admitted.js';
import { ClientCertificate, type PresentedCertificate } from '#libs/identity/certificate.js';
import { mintProof, NOW_MS, type Changes } from '../support/tokens.js';

import { aToken, bindingRules, callerKey, EPOCH, presented, refusalFrom, saysOf, tokenRules } from './world.js';

interface Sent {
  readonly scheme?: string;
  readonly cnf?: Changes;
  readonly proofs?: number;
  readonly allowUnbound?: boolean;
  readonly certificate?: PresentedCertificate;
  readonly nonces?: 'required' | 'off';
}

/** One request through both steps. */
async function send({ scheme = 'DPoP', cnf, proofs = 0, ...sent }: Sent): Promise<BoundCaller> {
  const token = aToken({ claims: { jti: 'token-1', cnf } });
  const dpop = Array.from({ length: proofs }, () => mintProof({ key: callerKey, token }));
  const { allowUnbound = false, nonces = 'off', certificate } = sent;
  const authorization = [`${scheme} ${token}`];
  const request = presented({ authorization, dpop, ...(certificate !== undefined && { certificate }) });
  const caller = await authenticate(admitted(request), tokenRules(), NOW_MS);
  return bind(caller, request, bindingRules({ allowUnbound, nonces }), EPOCH, NOW_MS);
}

async function refused(sent: Sent) {
  return saysOf(await refusalFrom(send(sent)));
}

const { jkt } = callerKey;
const certificateOf = (der: string): PresentedCertificate => ({
  kind: 'shown',
  certificate: new ClientCertificate(Buffer.from(der)),
});
const x5t = new ClientCertificate(Buffer.from('the caller')).x5t;
const shown = certificateOf('the caller');
const another = certificateOf('another');

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
    for (const other of [null, undefined, 'bound', 1]) expect(BoundCaller.is(other)).toBe(false);
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

  it('M1: binds a token that names a certificate to that certificate, under Bearer: no proof, no nonce, nothing to spend', async () => {
    const bound = await send({ scheme: 'Bearer', cnf: { 'x5t#S256': x5t }, certificate: shown });
    expect(bound.binding).toEqual({ kind: 'mtls', x5t });
    expect([bound.proof, bound.nextNonce, bound.epoch]).toEqual([undefined, undefined, EPOCH]);
  });

  it('M1, M2: refuses a token that names a certificate without that certificate', async () => {
    const cnf = { 'x5t#S256': x5t };
    expect(await refused({ scheme: 'Bearer', cnf, allowUnbound: true })).toEqual({
      code: 'INVALID_TOKEN',
      check: 'M1 certificate',
    });
    expect(await refused({ scheme: 'Bearer', cnf, certificate: another, allowUnbound: true })).toEqual({
      code: 'INVALID_TOKEN',
      check: 'M2 x5t#S256',
    });
  });

  it('M1, M5: refuses a token that names a certificate when that one must not be used', async () => {
    const certificate = { kind: 'unusable', check: 'M5 certificate', detail: 'It has expired.' } as const;
    const says = await refused({ scheme: 'Bearer', cnf: { 'x5t#S256': x5t }, certificate, allowUnbound: true });
    expect(says).toEqual({ code: 'INVALID_TOKEN', check: 'M5 certificate' });
  });

  it('M1, D19: refuses a token that names a certificate and no key under the scheme DPoP', async () => {
    for (const proofs of [0, 1]) {
      const says = await refused({ cnf: { 'x5t#S256': x5t }, certificate: shown, proofs });
      expect(says).toEqual({ code: 'INVALID_TOKEN', check: 'D19 scheme' });
    }
  });

  it('M1: refuses a proof beside a token that names a certificate and no key: it would protect nothing', async () => {
    const says = await refused({ scheme: 'Bearer', cnf: { 'x5t#S256': x5t }, certificate: shown, proofs: 1 });
    expect(says).toEqual({ code: 'INVALID_REQUEST', check: 'D20 proof' });
    const sent = { scheme: 'Bearer', proofs: 1, allowUnbound: true };
    const alone = await refusalFrom(send({ ...sent, cnf: { 'x5t#S256': x5t }, certificate: shown }));
    expect(alone.detail).toContain('bound to a certificate alone: leave it out');
    expect((await refusalFrom(send(sent))).detail).toContain('bound to no key: leave it out');
  });

  it('M3: binds a token that names both to both', async () => {
    const bound = await send({ cnf: { jkt, 'x5t#S256': x5t }, certificate: shown, proofs: 1, nonces: 'off' });
    expect(bound.binding).toEqual({ kind: 'dpop+mtls', jkt, x5t });
    expect(bound.proof).toMatchObject({ jkt, iat: NOW_MS / 1000, nonce: false });
  });

  it('M3, D13: a token that names both is held to nonces like any other with a proof', async () => {
    const cnf = { jkt, 'x5t#S256': x5t };
    const says = await refused({ cnf, certificate: shown, proofs: 1, nonces: 'required' });
    expect(says).toEqual({ code: 'USE_DPOP_NONCE', check: 'D13 nonce missing' });
  });

  it.each([
    ['neither', {}, 'INVALID_TOKEN', 'M1 certificate'],
    ['the proof alone', { proofs: 1 }, 'INVALID_TOKEN', 'M1 certificate'],
    ['the proof and another certificate', { proofs: 1, certificate: another }, 'INVALID_TOKEN', 'M2 x5t#S256'],
    ['the certificate alone', { certificate: shown }, 'INVALID_DPOP_PROOF', 'D1 missing'],
    ['the certificate and two proofs', { certificate: shown, proofs: 2 }, 'INVALID_DPOP_PROOF', 'D1 repeated'],
    ['both under Bearer', { certificate: shown, proofs: 1, scheme: 'Bearer' }, 'INVALID_TOKEN', 'D20 scheme'],
  ] as const)('M3: refuses a token that names both with %s', async (_title, sent, code, check) => {
    const cnf = { jkt, 'x5t#S256': x5t };
    expect(await refused({ cnf, allowUnbound: true, ...sent })).toEqual({ code, check });
  });

  it('M1: a certificate that the token does not name binds nothing', async () => {
    expect(await refused({ scheme: 'Bearer', certificate: shown })).toEqual({
      code: 'BINDING_REQUIRED',
      check: 'binding',
    });
    const plain = await send({ scheme: 'Bearer', certificate: shown, allowUnbound: true });
    expect(plain.binding).toEqual({ kind: 'none', iss: 'https://issuer.example', jti: 'token-1' });
    const keyed = await send({ cnf: { jkt }, proofs: 1, certificate: shown });
    expect(keyed.binding).toEqual({ kind: 'dpop', jkt });
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

  it('M1, D20: says what the token is bound to when a proof stands beside it in vain', async () => {
    const mtls = { cnf: { 'x5t#S256': x5t }, certificate: shown };
    const detailOf = async (sent: Sent) => (await refusalFrom(send({ scheme: 'Bearer', proofs: 1, ...sent }))).detail;
    expect(await detailOf(mtls)).toContain('a token that is bound to a certificate alone: ');
    expect(await detailOf({ allowUnbound: true })).toContain('a token that is bound to no key: ');
  });

  it('refuses a proof beside an unbound token: it would protect nothing', async () => {
    const says = await refused({ scheme: 'Bearer', proofs: 1, allowUnbound: true });
    expect(says).toEqual({ code: 'INVALID_REQUEST', check: 'D20 proof' });
  });
});
