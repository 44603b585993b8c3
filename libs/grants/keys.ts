import type { Binding } from '#libs/identity/binding.js';
import type { FreshProof } from '#libs/identity/replay-guard.js';
import type { Target } from '#libs/tenancy/guard.js';

import type { GrantDesk } from './desk.js';
import type { GrantKeys } from './grant-keys.js';
import { hashUnder, type Hash } from './hash.js';
import { partitionOf } from './partition.js';

/** @param facts of `factsOf`: all that the PDP is shown, but time and what passes with each token */
export function keysOf(
  target: Target,
  facts: string,
  desk: Pick<GrantDesk, 'keys' | 'partitions' | 'quotaRef'>,
): GrantKeys {
  const H = hashUnder(desk.keys.hash);
  const { bound, tenant, purpose, uri } = target;
  const { iss, sub, clientId } = bound.caller.claims;
  const binding = bindingWord(bound.binding, H);
  const named = uri.unversioned();
  return {
    partition: partitionOf(tenant.id, bound.caller, desk),
    grant: H(tenant.id, iss, sub, clientId, purpose, named, uri.version ?? null, binding, facts),
    holder: H(tenant.id, iss, sub, clientId, purpose, named),
    subject: H(tenant.id, iss, sub, clientId),
    quota: H(tenant.id, iss, sub, clientId, purpose, desk.quotaRef(tenant.id, uri)),
    binding,
    facts,
  };
}

/** The key under which an unbound token's grants are counted. */
export function unboundTokenKey(target: Target, keys: GrantDesk['keys']): string {
  const { iss, jti } = target.bound.caller.claims;
  return hashUnder(keys.hash)(iss, jti, target.purpose, target.uri.unversioned());
}

/** The key under which a proof is spent. */
export function replayKey(proof: FreshProof, keys: GrantDesk['keys']): string {
  return hashUnder(keys.hash)(proof.jkt, proof.jti);
}

/** Thumbprints are digests already; a jti may be anything, hence hashed. The prefix keeps one kind from passing for another. */
function bindingWord(binding: Binding, H: Hash): string {
  switch (binding.kind) {
    case 'dpop':
      return `jkt:${binding.jkt}`;
    case 'mtls':
      return `x5t:${binding.x5t}`;
    case 'dpop+mtls':
      return `jkt:${binding.jkt}+x5t:${binding.x5t}`;
    case 'none':
      return `jti:${H(binding.iss, binding.jti)}`;
  }
}
