import type { Circumstances, DecisionPoint } from '#libs/decision/decide.js';
import type { EvaluationRequest, Obligation } from '#libs/decision/authzen.js';
import type { Evaluation, Pdp } from '#libs/decision/pdp.js';
import { authenticate } from '#libs/identity/access-token.js';
import { bind } from '#libs/identity/bind.js';
import { ProofKeys } from '#libs/identity/proof-keys.js';
import { checkScope } from '#libs/identity/scopes.js';
import { RememberedTokens } from '#libs/identity/remembered-tokens.js';
import { providerNames } from '#libs/kernel/provider-names.js';
import type { Purpose } from '#libs/kernel/purposes.js';
import { Refusal } from '#libs/kernel/refusal.js';
import { guard, type Target } from '#libs/tenancy/guard.js';

import { admitted } from '../support/admitted.js';
import { ManualClock } from '../support/clock.js';
import { ISSUER, makeIssuer, makeKey, mintToken, NOW_MS } from '../support/tokens.js';

const key = makeKey('ES256', 'issuer-key');
const issuer = makeIssuer([key]);

export const ABOUT: Circumstances = { correlationId: 'corr-1', address: '192.0.2.7' };

export interface Wanted {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly purpose?: Purpose;
  readonly uri?: string;
}

/** A target as the line makes it: from a signed token, through authenticate, bind and guard. */
export async function aTarget({
  claims = {},
  purpose = 'execute',
  uri = 'yaml://dev/payments/api#token',
}: Wanted = {}): Promise<Target> {
  const token = mintToken({ key, claims: { tenant: 'acme', scope: 'secrets.read', ...claims } });
  const presented = { method: 'GET', path: '/', authorization: [`Bearer ${token}`], dpop: [] };
  const rules = { issuers: new Map([[ISSUER, issuer]]), leewaySeconds: 5, remembered: new RememberedTokens() };
  const bound = bind(
    await authenticate(admitted(presented), rules, NOW_MS),
    presented,
    { origins: [], allowUnbound: true, nonceKey: new Uint8Array(32), nonces: 'off', proofKeys: new ProofKeys() },
    { id: 'epoch', since: 0 },
    NOW_MS,
  );
  const tenant = {
    id: 'acme',
    issuers: new Set([ISSUER]),
    claimOptional: false,
    mounts: [{ mount: 'dev' }],
    acrValues: ['silver', 'gold'],
    providers: providerNames([{ name: 'yaml' }, { name: 'openbao', engine: 'kv2' }]),
  };
  return guard(bound, { purpose, uri }, { tenants: new Map([['acme', tenant]]), scopes: checkScope });
}

/** Answers what it is told to, whatever its shape, and remembers what it was asked. */
export class ScriptedPdp implements Pdp {
  readonly asked: { tenant: string; request: EvaluationRequest }[] = [];
  constructor(readonly answer: unknown) {}

  policyVersion(): string {
    return '1.abc';
  }

  async evaluate(tenant: string, request: EvaluationRequest): Promise<Evaluation> {
    this.asked.push({ tenant, request });
    return (await this.answer) as Evaluation;
  }
}

export const ALLOW = {
  decision: true,
  policyIds: ['payments-use'],
  policyVersion: '1.abc',
  obligations: [],
  errors: [],
} as const;

export function aPoint(answer: unknown, clock = new ManualClock(NOW_MS)): DecisionPoint & { pdp: ScriptedPdp } {
  return {
    pdp: new ScriptedPdp(answer),
    clock,
    deadlineMs: 300,
    leewaySeconds: 5,
    environment: 'test',
    newId: () => 'decision-1',
  };
}

export function aGrant(properties: Obligation['properties'], id = 'grant'): Obligation {
  return { id, type: 'custom', properties: { vendor: 'postern', action: 'grant', ...properties } };
}

export function aStepUp(acr: string, id = 'step-up'): Obligation {
  return { id, type: 'step-up', properties: { acr_value: acr } };
}

export async function refusalFrom(work: Promise<unknown>): Promise<Refusal> {
  const outcome: unknown = await work.then(
    () => new Error('nothing was refused'),
    (error: unknown) => error,
  );
  if (outcome instanceof Refusal) return outcome;
  throw outcome;
}

export function refusalOf(work: () => unknown): Refusal {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
