import { describe, expect, it } from '@jest/globals';

import { Receipt } from '#libs/audit/trail.js';
import { Permit } from '#libs/decision/decide.js';
import { GrantUse, permit } from '#libs/grants/permit.js';
import { authenticate, Caller } from '#libs/identity/access-token.js';
import { Admitted } from '#libs/identity/admit.js';
import { bind, BoundCaller } from '#libs/identity/bind.js';
import type { Presented } from '#libs/identity/presented.js';
import type { Clock } from '#libs/kernel/clock.js';
import { SecretUri } from '#libs/kernel/secret-uri.js';
import { fetch, join, Releasable, release, type SealedSecret } from '#libs/providers/sealed-secret.js';
import { guard, Target } from '#libs/tenancy/guard.js';

import { nodesOf, sourceFiles } from './source-tree.js';

/** Each proof type and the one file that makes it. */
const PROOFS: Readonly<Record<string, string>> = {
  SecretUri: 'libs/kernel/secret-uri.ts',
  Admitted: 'libs/identity/admit.ts',
  Caller: 'libs/identity/access-token.ts',
  BoundCaller: 'libs/identity/bind.ts',
  Target: 'libs/tenancy/guard.ts',
  Permit: 'libs/decision/decide.ts',
  GrantUse: 'libs/grants/permit.ts',
  Receipt: 'libs/audit/trail.ts',
  SealedSecret: 'libs/providers/sealed-secret.ts',
  Releasable: 'libs/providers/sealed-secret.ts',
};

describe('proof types', () => {
  it('are never cast to outside the file that makes them', () => {
    const casts = sourceFiles('libs', 'src', 'test').flatMap((file) =>
      [...nodesOf(file)]
        .filter((node) => node['type'] === 'TsAsExpression' || node['type'] === 'TsTypeAssertion')
        .map((node) => JSON.stringify(node['typeAnnotation']))
        .flatMap((type) => Object.keys(PROOFS).filter((name) => type.includes(`"value":"${name}"`)))
        .filter((name) => PROOFS[name] !== file.path)
        .map((name) => `${file.path} casts to ${name}`),
    );
    expect(casts).toEqual([]);
  });

  it('have nothing to fear from casts: libs and src hold none at all but `as const`', () => {
    const casts = sourceFiles('libs', 'src').flatMap((file) =>
      [...nodesOf(file)]
        .filter((node) => ['TsAsExpression', 'TsTypeAssertion', 'TsNonNullExpression'].includes(String(node['type'])))
        .map((node) => `${file.path}: ${String(node['type'])}`),
    );
    expect(casts).toEqual([]);
  });

  it.each(Object.entries(PROOFS))('%s has a private constructor and a private field, in its own file', (name, path) => {
    const file = sourceFiles('libs').find((candidate) => candidate.path === path);
    const made = [...nodesOf(file ?? { path, text: '' })].find(
      (node) =>
        node['type'] === 'ClassDeclaration' && (node['identifier'] as { value: string } | undefined)?.value === name,
    );
    const body = (made?.['body'] ?? []) as { type: string; accessibility?: string }[];
    expect(body.filter(({ type }) => type === 'Constructor').map(({ accessibility }) => accessibility)).toEqual([
      'private',
    ]);
    expect(body.some(({ type }) => type === 'PrivateProperty')).toBe(true);
  });

  it('cannot be forged at run time by an object that looks alike', () => {
    for (const proof of [SecretUri, Admitted, Caller, BoundCaller, Target, Permit, GrantUse, Receipt, Releasable]) {
      expect(proof.is(Object.create(proof.prototype))).toBe(false);
      expect(proof.is({})).toBe(false);
      expect(proof.is(undefined)).toBe(false);
    }
  });
});

/** What must not compile; the type check fails when one of these lines does. Never called. */
export function mustNotCompile(proofs: {
  presented: Presented;
  admitted: Admitted;
  caller: Caller;
  bound: BoundCaller;
  target: Target;
  permit: Permit;
  use: GrantUse;
  receipt: Receipt<GrantUse>;
  sealed: SealedSecret;
  releasable: Releasable;
  clock: Clock;
}): void {
  const { presented, admitted, caller, bound, target, use, receipt, sealed, releasable, clock } = proofs;
  const [rest1, rest2, rest3] = [{}, {}, {}] as never[];

  // @ts-expect-error a proof has no public constructor
  void new Caller({}, 'DPoP', '');
  // @ts-expect-error … nor has this one
  void new GrantUse(target, {}, 1, 0, '', 0, false);
  // @ts-expect-error admission cannot be skipped: where a request came from is looked at before its token
  void authenticate(presented, rest1, 0);
  // @ts-expect-error … nor made from what was read
  void authenticate({ presented }, rest1, 0);
  // @ts-expect-error an admitted request speaks for nobody yet
  bind(admitted, presented, rest1, rest2, 0);
  // @ts-expect-error a copy of a proof is no proof
  // oxlint-disable-next-line typescript/no-misused-spread -- that this is no proof is what is shown
  bind({ ...caller }, rest1, rest2, rest3, 0);
  // @ts-expect-error … not even with other members
  // oxlint-disable-next-line typescript/no-misused-spread -- likewise
  guard({ ...bound, caller }, rest1, rest2);
  // @ts-expect-error binding cannot be skipped: a caller is not a bound caller
  guard(caller, rest1, rest2);
  // @ts-expect-error scopes cannot be left out: the guard is told how they are held, by name where they are overlooked
  guard(bound, rest1, { tenants: rest2 });
  // @ts-expect-error anonymous is somebody that authenticate makes, of rules and a request, and nobody else
  void Caller.anonymous(rest1);
  // @ts-expect-error the guard cannot be skipped
  void permit(bound, rest1, rest2, rest3);
  // @ts-expect-error a target is not a use: the permit cannot be skipped
  void fetch(target, rest1, rest2);
  // @ts-expect-error a permit of the policy is not a taken use
  void fetch(proofs.permit, rest1, rest2);
  // @ts-expect-error a fetched value cannot be released without its receipt
  release(sealed, clock);
  // @ts-expect-error a receipt opens nothing by itself
  release(receipt, clock);
  // @ts-expect-error a sealed value has no readable value
  void sealed.value;
  // @ts-expect-error neither has a releasable one
  void releasable.value;
  // @ts-expect-error the halves are made from the use, not handed over ready
  void join(use, { intent: receipt, fetch: sealed });
  // @ts-expect-error steps cannot be swapped: a use is not a bound caller
  guard(use, rest1, rest2);
}
