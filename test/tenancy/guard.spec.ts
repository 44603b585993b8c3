import { beforeAll, describe, expect, it } from '@jest/globals';

import { authenticate } from '#libs/identity/access-token.js';
import { bind, type BoundCaller } from '#libs/identity/bind.js';
import { ProofKeys } from '#libs/identity/proof-keys.js';
import { checkScope } from '#libs/identity/scopes.js';
import { RememberedTokens } from '#libs/identity/remembered-tokens.js';
import { Buckets } from '#libs/limits/buckets.js';
import { providerNames } from '#libs/kernel/provider-names.js';
import { Refusal } from '#libs/kernel/refusal.js';
import { guard, Target, type GuardRules } from '#libs/tenancy/guard.js';
import { tenantOf, type AllowedMount, type Tenant, type Tenants } from '#libs/tenancy/tenants.js';

import { admitted } from '../support/admitted.js';
import { ManualClock } from '../support/clock.js';
import { ISSUER, makeIssuer, makeKey, mintProof, mintToken, NOW_MS, ORIGIN, type Changes } from '../support/tokens.js';

const issuerKey = makeKey('ES256', 'issuer-1');
const callerKey = makeKey();
const rules = {
  issuers: new Map([[ISSUER, makeIssuer([issuerKey])]]),
  leewaySeconds: 5,
  remembered: new RememberedTokens(),
};
const binding = {
  origins: [ORIGIN],
  allowUnbound: false,
  nonceKey: new Uint8Array(32).fill(1),
  nonces: 'off' as const,
  proofKeys: new ProofKeys(),
};

async function boundCaller(claims: Changes = {}): Promise<BoundCaller> {
  const token = mintToken({ key: issuerKey, boundTo: callerKey, claims });
  const dpop = [mintProof({ key: callerKey, token })];
  const presented = { method: 'GET', path: '/api/secrets', authorization: [`DPoP ${token}`], dpop };
  return bind(
    await authenticate(admitted(presented), rules, NOW_MS),
    presented,
    binding,
    { id: 'e', since: 0 },
    NOW_MS,
  );
}

function tenant(changes: Partial<Tenant> = {}): Tenant {
  return {
    id: 'acme',
    issuers: new Set([ISSUER]),
    claimOptional: false,
    mounts: [{ mount: 'secret' }],
    acrValues: [],
    providers: providerNames([{ name: 'openbao', engine: 'kv2' }, { name: 'yaml' }]),
    ...changes,
  };
}

const tenants = (...all: readonly Tenant[]): Tenants => new Map(all.map((each) => [each.id, each]));
const by = (...all: readonly Tenant[]): GuardRules => ({ tenants: tenants(...all), scopes: checkScope });

function refused(work: () => unknown): readonly [code: string, check: string | undefined] {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return [error.code, error.check];
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('the guard', () => {
  let bound: BoundCaller;
  beforeAll(async () => {
    bound = await boundCaller();
  });
  const ask =
    (uri: string, mounts: readonly AllowedMount[] = [{ mount: 'secret' }]) =>
    () =>
      guard(bound, { purpose: 'execute', uri }, by(tenant({ mounts })));

  it('makes a target of what may be asked for, in its one spelling', () => {
    const target = ask('openbao://secret/app/api#token')();
    expect(target.uri.toString()).toBe('openbao+kv2://secret/app/api#token');
    expect([target.tenant.id, target.purpose]).toEqual(['acme', 'execute']);
    expect(target.bound).toBe(bound);
  });

  it('makes nothing that an object which only looks like one can pass for', () => {
    const target = ask('openbao://secret/app')();
    expect(Target.is(target)).toBe(true);
    for (const other of [
      Object.create(Target.prototype),
      Object.assign({}, target),
      null,
      undefined,
      'target',
      () => target,
    ]) {
      expect(Target.is(other)).toBe(false);
    }
  });

  it('N12: compares whole segments: a mount is neither a prefix nor a part of another', () => {
    for (const mount of ['secret2', 'secre', 'Secret', 'secret.', 'x']) {
      expect(refused(ask(`openbao://${mount}/app`))).toEqual(['TENANT_MOUNT_MISMATCH', 'mount']);
    }
    expect(refused(ask('openbao://app/secret'))).toEqual(['TENANT_MOUNT_MISMATCH', 'mount']);
  });

  it('keeps a mount that is allowed on one provider from the others', () => {
    const mounts = [{ provider: 'yaml', mount: 'secret' }];
    expect(ask('yaml://secret/app', mounts)().uri.provider).toBe('yaml');
    expect(refused(ask('openbao://secret/app', mounts))).toEqual(['TENANT_MOUNT_MISMATCH', 'mount']);
  });

  it('allows nothing when no mount is listed', () => {
    expect(refused(ask('openbao://secret/app', []))).toEqual(['TENANT_MOUNT_MISMATCH', 'mount']);
  });

  it('does not say which mounts are allowed', () => {
    try {
      ask('openbao://elsewhere/app', [{ mount: 'crown-jewels' }])();
    } catch (error) {
      expect(JSON.stringify(error)).not.toContain('crown-jewels');
      expect(error).toMatchObject({ detail: expect.stringContaining('elsewhere') });
      return;
    }
    throw new Error('nothing was refused');
  });

  it('refuses a provider that the tenant may not spell as if it did not exist, before the mount is looked at', () => {
    expect(refused(ask('hashicorp://secret/app'))[0]).toBe('UNSUPPORTED_PROVIDER');
    expect(refused(ask('openbao-eu://elsewhere/app'))[0]).toBe('UNSUPPORTED_PROVIDER');
  });

  it('asks for the scope of the purpose before it reads the URI', async () => {
    const writer = await boundCaller({ scope: 'secrets.write' });
    const wanted = { purpose: 'execute', uri: 'no uri at all' } as const;
    expect(refused(() => guard(writer, wanted, by(tenant())))).toEqual(['INSUFFICIENT_SCOPE', 'A11 scope']);
    expect(refused(() => guard(bound, { ...wanted, purpose: 'write' }, by(tenant())))).toEqual([
      'INSUFFICIENT_SCOPE',
      'A11 scope',
    ]);
  });

  it('counts what it lets through with the tenant, whoever of it calls, and refuses when the bucket is empty', async () => {
    const other = await boundCaller({ sub: 'somebody-else' });
    const rules = { ...by(tenant()), tenantBuckets: new Buckets({ perMs: 100, burst: 2 }, new ManualClock()) };
    const wanted = { purpose: 'execute', uri: 'openbao://secret/app' } as const;
    guard(bound, wanted, rules);
    guard(other, wanted, rules);
    expect(refused(() => guard(bound, wanted, rules))).toEqual(['RATE_LIMITED', 'rate tenant']);
    expect(refused(() => guard(other, wanted, rules))).toEqual(['RATE_LIMITED', 'rate tenant']);
  });

  it('counts nothing that it refuses, and says so first', async () => {
    const stranger = await boundCaller({ tenant: 'nobody' });
    const buckets = new Buckets({ perMs: 1, burst: 1 }, new ManualClock());
    const rules = { ...by(tenant()), tenantBuckets: buckets };
    const tries = (): string[] => [
      refused(() => guard(bound, { purpose: 'write', uri: 'openbao://secret/app' }, rules))[0],
      refused(() => guard(stranger, { purpose: 'execute', uri: 'openbao://secret/app' }, rules))[0],
      refused(() => guard(bound, { purpose: 'execute', uri: 'no uri at all' }, rules))[0],
      refused(() => guard(bound, { purpose: 'execute', uri: 'openbao://elsewhere/app' }, rules))[0],
    ];
    const before = tries();
    expect(buckets.size).toBe(0);
    guard(bound, { purpose: 'execute', uri: 'openbao://secret/app' }, rules);
    expect(tries()).toEqual(before);
  });

  it('gives a caller without a tenant nothing, whatever it asks for', async () => {
    const stranger = await boundCaller({ tenant: 'nobody' });
    for (const uri of ['openbao://secret/app', 'no uri at all', '']) {
      expect(refused(() => guard(stranger, { purpose: 'execute', uri }, by(tenant())))).toEqual([
        'DENIED',
        'tenant unknown',
      ]);
    }
  });
});

describe("a caller's tenant", () => {
  const claimsOf = async (claims: Changes) => (await boundCaller(claims)).caller.claims;

  it('is the one that the token names, when that tenant trusts the issuer', async () => {
    const claims = await claimsOf({ tenant: 'acme' });
    expect(tenantOf(claims, tenants(tenant(), tenant({ id: 'umbrella' })))?.id).toBe('acme');
    expect(tenantOf(claims, tenants(tenant({ issuers: new Set(['https://other.example']) })))).toBeUndefined();
    expect(tenantOf(claims, tenants(tenant({ issuers: new Set() })))).toBeUndefined();
    expect(tenantOf(claims, tenants(tenant({ id: 'umbrella', claimOptional: true })))).toBeUndefined();
  });

  it('may be left out of the token only where the tenant allows that, for its own issuers', async () => {
    const claims = await claimsOf({ tenant: undefined });
    expect(tenantOf(claims, tenants(tenant()))).toBeUndefined();
    expect(tenantOf(claims, tenants(tenant({ claimOptional: true })))?.id).toBe('acme');
    const others = new Set(['https://other.example']);
    expect(tenantOf(claims, tenants(tenant({ claimOptional: true, issuers: others })))).toBeUndefined();
  });

  it('is nobody when two would do: that would be a guess', async () => {
    const claims = await claimsOf({ tenant: undefined });
    const two = tenants(tenant({ claimOptional: true }), tenant({ id: 'umbrella', claimOptional: true }));
    expect(tenantOf(claims, two)).toBeUndefined();
  });

  it('is found by own names alone', async () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(tenantOf(await claimsOf({ tenant: name }), tenants(tenant({ claimOptional: true })))).toBeUndefined();
    }
  });
});
