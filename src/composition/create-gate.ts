import { randomBytes } from 'node:crypto';

import { FileSink } from '#libs/audit-file/file-sink.js';
import { SinkJournal } from '#libs/audit/journal.js';
import { refsOf, type ResourceRefs } from '#libs/audit/resource-ref.js';
import type { DecisionPoint } from '#libs/decision/decide.js';
import type { Gate } from '#libs/enforcement/gate.js';
import type { GrantDesk } from '#libs/grants/desk.js';
import { KnownKeys } from '#libs/grants/known-keys.js';
import { Flights } from '#libs/grants/single-flight.js';
import type { TokenRules } from '#libs/identity/access-token.js';
import { anonymousOf } from '#libs/identity/anonymous.js';
import { currentNonce } from '#libs/identity/nonce.js';
import { ProofKeys } from '#libs/identity/proof-keys.js';
import { RememberedTokens } from '#libs/identity/remembered-tokens.js';
import { checkScope, overlookScope } from '#libs/identity/scopes.js';
import type { Clock } from '#libs/kernel/clock.js';
import { Buckets } from '#libs/limits/buckets.js';
import { MemoryStore } from '#libs/memory/memory-store.js';
import type { Config } from '#src/config/config.js';
import { ConfigError } from '#src/config/faults.js';
import { relaxed } from '#src/config/setting.js';

import { openDecisionPoint } from './decision-point.js';
import { admissionOf } from './admission.js';
import { deriveKeys, type DerivedKeys } from './derived-keys.js';
import { openKept } from './kept.js';
import { openProviders } from './providers.js';
import { systemClock } from './system-clock.js';
import { tenantsOf } from './tenants.js';
import { openIssuers } from './trusted-issuers.js';

/** A Gate, and how to close what it holds open. */
export interface OpenGate {
  readonly gate: Gate;
  /** Where no public origin is configured (dev and test): the origins that proofs may name, known once the listener is. */
  listensOn(origins: readonly string[]): void;
  /** Writes the last records, closes the journal and the watched files. */
  close(): Promise<void>;
}

export interface GateOptions {
  readonly clock?: Clock;
  /** Told in one sentence what an operator must look at; holds no value, token or path. */
  readonly alarm?: (what: string) => void;
}

/**
 * Config → Gate: the only place that knows every adapter. A program that embeds the line calls this and `readSecret`, and needs no HTTP.
 *
 * @throws Error in one sentence for a person when a policy set, a provider's file, a key or the audit directory cannot be used
 */
export async function createGate(
  config: Config,
  { clock = systemClock, alarm = () => {} }: GateOptions = {},
): Promise<OpenGate> {
  checkSwitches(config);
  const kept = await openKept(config);
  const keys = deriveKeys(kept.rootKey);
  const refs = refsOf(kept.salts);
  const decider = await openDecisionPoint(config, newId());
  const providers = await openProviders(config.providers, alarm);
  const journal = await openJournal(config, clock);
  const issuers = await openIssuers(config, kept.issuers, { clock, alarm });
  const origins = config.publicOrigin === undefined ? [] : [config.publicOrigin];

  const gate: Gate = {
    clock,
    admission: admissionOf(config, clock),
    ...(config.rates.tenant !== undefined && { tenantBuckets: new Buckets(config.rates.tenant, clock) }),
    tokens: {
      issuers: issuers.table,
      leewaySeconds: config.clockLeewaySeconds,
      remembered: new RememberedTokens(),
      ...anonymousIn(config),
    },
    binding: {
      origins,
      allowUnbound: config.binding.allowUnbound,
      nonceKey: keys.nonce,
      nonces: config.binding.nonces,
      proofKeys: new ProofKeys(),
    },
    scopes: config.switchesOff.includes('SECRETS_ENFORCE_SCOPES') ? overlookScope : checkScope,
    tenants: tenantsOf(config, kept.issuers),
    grants: deskOf(config, { clock, keys, refs, alarm, decider }),
    vault: { providers: providers.table, deadlineMs: config.deadlines.providerMs },
    audit: { journal, refs, deadlineMs: config.deadlines.auditMs },
    requestDeadlineMs: config.deadlines.requestMs,
  };
  return {
    gate,
    listensOn: (these) => void origins.push(...these.filter((origin) => !origins.includes(origin))),
    close: async () => {
      providers.close();
      issuers.close();
      await journal.close();
    },
  };
}

/** A program that embeds the gate may have made its configuration by hand: what a file is refused for, it is refused for too. */
function checkSwitches({ switchesOff, environment }: Config): void {
  if (relaxed(environment) || switchesOff.length === 0) return;
  throw new ConfigError(
    switchesOff.map((name) => ({ path: name, what: `cannot be false when ENVIRONMENT is ${environment}` })),
  );
}

interface DeskParts {
  readonly clock: Clock;
  readonly keys: DerivedKeys;
  readonly refs: ResourceRefs;
  readonly alarm: (what: string) => void;
  readonly decider: Pick<DecisionPoint, 'pdp' | 'newId'>;
}

/** The one tenant's, when nobody has to say who they are; configuration has checked that there is one. */
function anonymousIn({ switchesOff, tenants: [only] }: Config): Pick<TokenRules, 'anonymous'> {
  return switchesOff.includes('SECRETS_API_REQUIRE_AUTH') && only !== undefined
    ? { anonymous: anonymousOf(only.id) }
    : {};
}

function deskOf(config: Config, { clock, keys, refs, alarm, decider }: DeskParts): GrantDesk {
  const { partitions, releaseWithinMs, ...limits } = config.grants;
  const decision: DecisionPoint = {
    ...decider,
    clock,
    deadlineMs: config.deadlines.pdpMs,
    leewaySeconds: config.clockLeewaySeconds,
    environment: config.environment,
  };
  return {
    store: new MemoryStore({
      clock,
      partitions,
      epochId: newId()(),
      startCounts: !relaxed(config.environment),
      skewMs: config.storeSkewMs,
    }),
    keys: { hash: keys.storeHash, mac: keys.grantMac },
    partitions,
    limits,
    unboundGrantsPerJti: config.binding.unboundGrantsPerJti,
    releaseWithinMs,
    deadlineMs: config.deadlines.storeMs,
    ...(config.rates.subject !== undefined && { subjectRate: config.rates.subject }),
    leewaySeconds: config.clockLeewaySeconds,
    storeSkewMs: config.storeSkewMs,
    clock,
    newId: newId(),
    quotaRef: (tenant, uri) => refs.quotaRef(tenant, uri),
    nonceFor: (epoch) => currentNonce(keys.nonce, epoch, clock.now()),
    decision,
    flights: new Flights(),
    known: new KnownKeys(),
    onForgedGrant: (address) => alarm(`the store handed out a grant that no gateway made: ${address}`),
  };
}

async function openJournal(config: Config, clock: Clock): Promise<SinkJournal> {
  const w = newId()();
  const sink = await FileSink.open({ dir: config.audit.directory, w, beganMs: clock.now() });
  return await SinkJournal.open({
    sink,
    clock,
    w,
    committedBy: config.audit.sink,
    opening: { software: 'postern', environment: config.environment },
    ...(config.switchesOff.length > 0 && { standing: { switches_off: config.switchesOff } }),
    limits: { stallMs: config.deadlines.auditMs },
  });
}

/** base64url of 16 random bytes, drawn from the system in batches. */
function newId(): () => string {
  const batch = 4096;
  let pool = Buffer.alloc(0);
  return () => {
    if (pool.length < 16) pool = randomBytes(batch);
    const id = pool.toString('base64url', 0, 16);
    pool = pool.subarray(16);
    return id;
  };
}
