import { expect } from '@jest/globals';

import { authenticate, type Caller, type TokenRules } from '#libs/identity/access-token.js';
import { bind, type BindingRules, type BoundCaller } from '#libs/identity/bind.js';
import type { TrustedIssuer } from '#libs/identity/issuers.js';
import type { Presented } from '#libs/identity/presented.js';
import { ProofKeys } from '#libs/identity/proof-keys.js';
import { RememberedTokens } from '#libs/identity/remembered-tokens.js';
import type { Epoch } from '#libs/identity/replay-guard.js';
import type { Code } from '#libs/kernel/codes.js';
import { Refusal } from '#libs/kernel/refusal.js';

import { admitted } from '../support/admitted.js';
import {
  ISSUER,
  makeIssuer,
  makeKey,
  mintProof,
  mintToken,
  NOW_MS,
  ORIGIN,
  type ProofOptions,
  type SigningKey,
  type TokenOptions,
} from '../support/tokens.js';

export const issuerKey = makeKey('ES256', 'issuer-key');
/** The caller's own key. */
export const callerKey = makeKey('ES256');
export const PATH = '/api/secrets';
export const EPOCH: Epoch = { id: 'epoch-1', since: 0 };
export const NONCE_KEY = new Uint8Array(32).fill(7);

export function tokenRules(changes: Partial<TrustedIssuer> = {}): TokenRules {
  const issuer = makeIssuer([issuerKey], changes);
  return { issuers: new Map([[ISSUER, issuer]]), leewaySeconds: 5, remembered: new RememberedTokens() };
}

export function bindingRules(changes: Partial<BindingRules> = {}): BindingRules {
  return {
    origins: [ORIGIN],
    allowUnbound: false,
    nonceKey: NONCE_KEY,
    nonces: 'off',
    proofKeys: new ProofKeys(),
    ...changes,
  };
}

export function presented(changes: Partial<Presented> = {}): Presented {
  return { method: 'GET', path: PATH, authorization: [], dpop: [], ...changes };
}

export function aToken(options: Partial<TokenOptions> = {}): string {
  return mintToken({ key: issuerKey, ...options });
}

/** Bearer, since the scheme is bind's matter. */
export async function authenticated(token: string, rules = tokenRules(), nowMs = NOW_MS): Promise<Caller> {
  return await authenticate(admitted(presented({ authorization: [`Bearer ${token}`] })), rules, nowMs);
}

/** A caller under the scheme DPoP whose token is bound to that key. */
export async function boundToKey(key: SigningKey = callerKey): Promise<{ caller: Caller; token: string }> {
  const token = aToken({ boundTo: key });
  return {
    caller: await authenticate(admitted(presented({ authorization: [`DPoP ${token}`] })), tokenRules(), NOW_MS),
    token,
  };
}

export interface Attempt {
  readonly proof?: Partial<ProofOptions>;
  /** In place of a minted proof. */
  readonly lines?: readonly string[];
  readonly request?: Partial<Presented>;
  readonly rules?: Partial<BindingRules>;
  readonly epoch?: Epoch;
  readonly nowMs?: number;
}

const honest = await boundToKey();
const rules = bindingRules();

/** One honest request with one proof, but for what is changed. */
export function tryProof({ proof, lines, request, rules: changes, epoch, nowMs }: Attempt = {}): BoundCaller {
  const dpop = lines ?? [mintProof({ key: callerKey, token: honest.token, ...proof })];
  const now = nowMs ?? NOW_MS;
  return bind(honest.caller, presented({ dpop, ...request }), { ...rules, ...changes }, epoch ?? EPOCH, now);
}

/** What a call refuses with. A call that refuses nothing, or fails in another way, fails the test. */
export function refusalOf(call: () => unknown): Refusal {
  try {
    call();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

export async function refusalFrom(call: Promise<unknown>): Promise<Refusal> {
  const outcome: unknown = await call.then(() => new Error('nothing was refused')).catch((error: unknown) => error);
  if (outcome instanceof Refusal) return outcome;
  throw outcome;
}

/**
 * Both at once, for tables: the code that the caller sees and the check that the audit names. What is told beside them is always
 * something that fits into a header: visible ASCII and spaces.
 */
export function saysOf({ code, check, detail = 'nothing told' }: Refusal): { code: Code; check: string | undefined } {
  expect(detail).toMatch(/^[ -~]{10,}$/);
  return { code, check };
}
