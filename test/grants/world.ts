import { createHmac, randomBytes } from 'node:crypto';

import type { Evaluation, Pdp } from '#libs/decision/pdp.js';
import type { EvaluationRequest } from '#libs/decision/authzen.js';
import type { GrantStore } from '#libs/grants/grant-store.js';
import { epochOf } from '#libs/grants/partition.js';
import { permit, type GrantDesk, type GrantUse } from '#libs/grants/permit.js';
import { KnownKeys } from '#libs/grants/known-keys.js';
import { Flights } from '#libs/grants/single-flight.js';
import { authenticate } from '#libs/identity/access-token.js';
import { bind } from '#libs/identity/bind.js';
import type { ClientCertificate } from '#libs/identity/certificate.js';
import { currentNonce } from '#libs/identity/nonce.js';
import { ProofKeys } from '#libs/identity/proof-keys.js';
import { checkScope } from '#libs/identity/scopes.js';
import { RememberedTokens } from '#libs/identity/remembered-tokens.js';
import { Deadline } from '#libs/kernel/deadline.js';
import type { JsonObject } from '#libs/kernel/json.js';
import { providerNames } from '#libs/kernel/provider-names.js';
import type { Purpose } from '#libs/kernel/purposes.js';
import { Refusal } from '#libs/kernel/refusal.js';
import { MemoryStore } from '#libs/memory/memory-store.js';
import { guard, type Target } from '#libs/tenancy/guard.js';
import type { Tenants } from '#libs/tenancy/tenants.js';

import { admitted } from '../support/admitted.js';
import { ManualClock } from '../support/clock.js';
import {
  ISSUER,
  makeIssuer,
  makeKey,
  mintProof,
  mintToken,
  NOW_MS,
  ORIGIN,
  type Changes,
  type SigningKey,
} from '../support/tokens.js';

export const TOKEN = 'openbao+kv2://secret/app/api#token';

/** A PDP that a test words: what it answers, and what it was asked. */
export class WordedPdp implements Pdp {
  version = '1.one';
  /** Members of the grant obligation; without one there are no obligations at all. */
  terms: JsonObject | undefined = { max_uses: 5 };
  /** Decides; by default everything is permitted. */
  permits: (asked: EvaluationRequest) => boolean = () => true;
  /** An evaluation waits for it. */
  gate: Promise<void> = Promise.resolve();
  readonly asked: EvaluationRequest[] = [];

  policyVersion(): string {
    return this.version;
  }

  async evaluate(_tenant: string, request: EvaluationRequest): Promise<Evaluation> {
    this.asked.push(request);
    const { version: policyVersion, terms } = this;
    await this.gate;
    const properties = { vendor: 'postern', action: 'grant', ...terms };
    return {
      decision: this.permits(request),
      policyIds: ['app-reads'],
      policyVersion,
      obligations: terms === undefined ? [] : [{ id: 'grant', type: 'custom', properties }],
      errors: [],
    };
  }
}

export interface Ask {
  /** The caller's key; `null` for a plain bearer token. */
  readonly key?: SigningKey | null;
  readonly purpose?: Purpose;
  readonly uri?: string;
  readonly claims?: Changes;
  /** Sent as it is, instead of a fresh one. */
  readonly token?: string;
  readonly proof?: string;
  readonly withNonce?: boolean;
  /** Shown on the connection, and named by the token. */
  readonly certificate?: ClientCertificate;
}

const issuerKey = makeKey('ES256', 'issuer-1');
const callerKey = makeKey();
export const otherKey = makeKey();

/** Real steps from token to target, a memory store, and a PDP that the test words. */
export class World {
  readonly clock = new ManualClock(NOW_MS);
  readonly pdp = new WordedPdp();
  readonly #tenants: Tenants = new Map(
    ['acme', 'umbrella'].map((id) => [
      id,
      {
        id,
        issuers: new Set([ISSUER]),
        claimOptional: id === 'acme',
        mounts: [{ mount: 'secret' }],
        acrValues: ['silver', 'gold'],
        providers: providerNames([{ name: 'openbao', engine: 'kv2' }]),
      },
    ]),
  );
  readonly #tokens = {
    issuers: new Map([[ISSUER, makeIssuer([issuerKey])]]),
    leewaySeconds: 5,
    remembered: new RememberedTokens(),
  };
  readonly #binding = {
    origins: [ORIGIN],
    allowUnbound: true,
    nonceKey: randomBytes(32),
    nonces: 'off' as const,
    proofKeys: new ProofKeys(),
  };

  desk: GrantDesk;

  constructor(changes: Partial<GrantDesk> = {}) {
    const salt = randomBytes(32);
    const newId = (): string => randomBytes(16).toString('base64url');
    this.desk = {
      store: this.newStore(),
      keys: { hash: randomBytes(32), mac: randomBytes(32) },
      partitions: 64,
      limits: { ttlDefaultSeconds: 300, ttlMaxSeconds: 3_600, maxUsesDefault: 1, maxUsesMax: 1_000 },
      unboundGrantsPerJti: 1,
      releaseWithinMs: 1_500,
      deadlineMs: 200,
      leewaySeconds: 5,
      storeSkewMs: 2_000,
      clock: this.clock,
      newId,
      quotaRef: (tenant, uri) =>
        createHmac('sha256', salt).update(`${tenant}\0${uri.unversioned()}`).digest('base64url'),
      nonceFor: (epoch) => currentNonce(this.#binding.nonceKey, epoch, this.clock.now()),
      decision: { pdp: this.pdp, clock: this.clock, deadlineMs: 300, leewaySeconds: 5, environment: 'test', newId },
      flights: new Flights(),
      known: new KnownKeys(),
      ...changes,
    };
  }

  /** Another start of the store, with nothing in it. */
  newStore(startCounts = false, clock = this.clock): MemoryStore {
    const epochId = randomBytes(16).toString('base64url');
    return new MemoryStore({ clock, partitions: 64, epochId, startCounts, skewMs: 2_000 });
  }

  use(store: GrantStore): void {
    this.desk = { ...this.desk, store };
  }

  token({ key = callerKey, certificate, claims = {} }: Ask = {}): string {
    const cnf = {
      ...(key !== null && { jkt: key.jkt }),
      ...(certificate !== undefined && { 'x5t#S256': certificate.x5t }),
    };
    const bound = Object.keys(cnf).length > 0 && { cnf };
    return mintToken({ key: issuerKey, nowMs: this.clock.now(), claims: { ...bound, ...claims } });
  }

  /** Through authenticate, bind and guard, as the line does it. */
  async target(ask: Ask = {}): Promise<Target> {
    const { key = callerKey, purpose = 'execute', uri = TOKEN, certificate } = ask;
    const token = ask.token ?? this.token(ask);
    const presented = {
      method: 'GET',
      path: '/api/secrets',
      authorization: [`${key === null ? 'Bearer' : 'DPoP'} ${token}`],
    };
    const caller = await authenticate(admitted({ ...presented, dpop: [] }), this.#tokens, this.clock.now());
    const epoch = await epochOf(caller, this.#tenants, this.desk, this.deadline());
    const nonce =
      ask.withNonce === true ? { nonce: currentNonce(this.#binding.nonceKey, epoch, this.clock.now()) } : {};
    const proof =
      ask.proof ?? (key === null ? undefined : mintProof({ key, token, nowMs: this.clock.now(), ...nonce }));
    const dpop = proof === undefined ? [] : [proof];
    const shown = certificate !== undefined && { certificate: { kind: 'shown', certificate } as const };
    const bound = bind(caller, { ...presented, dpop, ...shown }, this.#binding, epoch, this.clock.now());
    return guard(bound, { purpose, uri }, { tenants: this.#tenants, scopes: checkScope });
  }

  deadline(): Deadline {
    return Deadline.start(this.clock, 2_000);
  }

  async permit(ask: Ask = {}, about: { reason?: string; address?: string } = {}): Promise<GrantUse> {
    return await this.permitFor(await this.target(ask), about);
  }

  async permitFor(target: Target, about: { reason?: string; address?: string } = {}): Promise<GrantUse> {
    const circumstances = { correlationId: randomBytes(8).toString('hex'), address: '192.0.2.7', ...about };
    return await permit(target, circumstances, this.desk, this.deadline());
  }
}

/** What a step refused with; a step that did not refuse fails the test. */
export async function refused(work: Promise<unknown>): Promise<Refusal> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** A gate that the test opens. */
export function closedGate(): { readonly gate: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { gate: promise, open: resolve };
}

/** Lets everything run that can run without the clock moving. */
export const settled = async (): Promise<void> => {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
};

/** A store whose answers pass through the test's hands. The store behind it is real. */
export function watched(store: GrantStore, hands: Partial<GrantStore>): GrantStore {
  return {
    epochOf: (partition) => store.epochOf(partition),
    take: (request) => store.take(request),
    issueAndTake: (request) => store.issueAndTake(request),
    giveBack: (request) => store.giveBack(request),
    spend: (proof, place) => store.spend(proof, place),
    ...hands,
  };
}
