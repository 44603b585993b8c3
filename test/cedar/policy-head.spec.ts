import { policyToJson, type PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { forbidByKey, headMatches, resourceReads } from '#libs/cedar/policy-head.js';
import { sliceOf } from '#libs/cedar/slice.js';

import { acme, ask, asking, ISS } from './policies.js';

function json(text: string): PolicyJson {
  const answer = policyToJson(text);
  if (answer.type !== 'success') throw new Error(JSON.stringify(answer.errors));
  return answer.json;
}
const when = (condition: string): PolicyJson => json(`forbid (principal, action, resource) when { ${condition} };`);

describe('the head of a policy', () => {
  const principals = [
    'principal',
    'principal is service',
    'principal is user',
    `principal == service::"${ISS}#svc"`,
    `principal == user::"${ISS}#svc"`,
    `principal in Group::"${ISS}#payments"`,
    'principal in Group::"payments"',
    'principal in Tenant::"acme"',
    `principal is service in Group::"${ISS}#payments"`,
    'principal is user in Tenant::"acme"',
  ];
  const actions = [
    'action',
    'action == Action::"execute"',
    'action == Action::"write"',
    'action in Action::"disclose"',
    'action in Action::"execute"',
    'action in [Action::"erase", Action::"read"]',
    'action in [Action::"erase", Action::"disclose"]',
  ];
  const resources = [
    'resource',
    'resource is secret',
    'resource == secret::"yaml://dev/payments/api#token"',
    'resource == secret::"yaml://dev/payments/api"',
    'resource in Folder::"yaml://dev/payments"',
    'resource in Folder::"yaml://dev/pay"',
    'resource in Mount::"yaml://dev"',
    'resource is secret in Mount::"yaml://prod"',
    'resource in Tenant::"acme"',
  ];

  it('matches when and only when Cedar says so', () => {
    const heads = fc.tuple(fc.constantFrom(...principals), fc.constantFrom(...actions), fc.constantFrom(...resources));
    const asked = asking();
    fc.assert(
      fc.property(heads, (head) => {
        const policy = `permit (${head.join(', ')});`;
        const set = acme(`@id("p") ${policy}`);
        const slice = sliceOf('acme', asked, set.shapes, set.tenants.get('acme')!.known)!;
        expect(headMatches(json(policy), slice.heads)).toBe(ask(set, asked).decision);
      }),
      { numRuns: 60 },
    );
  });
});

describe('what a policy reads of the secret', () => {
  it.each<[string, readonly string[]]>([
    ['true', []],
    ['context.key == "x"', []],
    ['principal has key', []],
    ['resource == secret::"x"', []],
    ['resource in Folder::"x"', []],
    ['context.text == "resource.key"', []],
    ['resource.key == "x"', ['key']],
    ['resource has key', ['key']],
    ['resource has version && resource.key like "a*"', ['version', 'key']],
    ['!(if context.a then resource.path == "x" else false)', ['path']],
    ['(if context.a then resource else principal).key == "x"', ['key']],
    ['{ r: resource }.r.key == "x"', ['r', 'key']],
    ['[resource.key].contains("x")', ['key']],
    ['ip(resource.address).isLoopback()', ['address']],
    ['resource.getTag("t") == "x"', ['(tag)']],
    ['resource.hasTag("t")', ['(tag)']],
    ['resource has a.b', ['a', 'b']],
  ])('%s', (condition, expected) => {
    expect([...resourceReads(when(condition))].sort()).toEqual([...expected].sort());
  });
});

describe('a forbid, as a request for the whole map sees it', () => {
  it('is itself when it reads the key or names one in a condition', () => {
    for (const condition of [
      'resource has key',
      'resource == secret::"yaml://a/b#c"',
      '[secret::"yaml://a/b#c"].contains(resource)',
    ]) {
      expect(forbidByKey(when(condition))).toEqual(when(condition));
    }
  });

  it('is without the key when it names one in its head', () => {
    expect(forbidByKey(json('forbid (principal, action, resource == secret::"yaml://a/b#c");'))?.resource).toEqual({
      op: '==',
      entity: { type: 'secret', id: 'yaml://a/b' },
    });
    expect(forbidByKey(json('forbid (principal, action, resource in secret::"yaml://a/b#c");'))?.resource).toEqual({
      op: 'All',
    });
    expect(
      forbidByKey(json('forbid (principal, action, resource is secret in secret::"yaml://a/b#c");'))?.resource,
    ).toEqual({ op: 'All' });
  });

  it('is nothing when keys are not its matter, and a permit never is one', () => {
    for (const policy of [
      'forbid (principal, action, resource);',
      'forbid (principal == service::"i#s", action, resource) when { principal in Group::"i#g" };',
      'forbid (principal, action, resource == secret::"yaml://a/b");',
      'permit (principal, action, resource) when { resource has key };',
    ]) {
      expect(forbidByKey(json(policy))).toBeUndefined();
    }
  });
});
