import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { ASK_FOR_ONE_KEY, evaluate } from '#libs/cedar/evaluate.js';

import { acme, ask, asking, engine, ISS, PERMIT_ALL, setOf } from './policies.js';

const all = acme(PERMIT_ALL);

describe('a decision of Cedar', () => {
  it('is a deny where no policy permits', () => {
    const set = acme('@id("other") permit (principal, action, resource in Folder::"yaml://dev/billing");');
    expect(ask(set)).toEqual({
      decision: false,
      policyIds: [],
      policyVersion: set.version,
      obligations: [],
      errors: [],
    });
  });

  it('is a permit by the names of the policies that permit', () => {
    expect(ask(all)).toMatchObject({ decision: true, policyIds: ['all'], errors: [] });
  });

  it('is a deny where one forbids, whatever permits', () => {
    const set = acme(`${PERMIT_ALL} @id("no") forbid (principal, action, resource);`);
    expect(ask(set)).toMatchObject({ decision: false, policyIds: ['no'], obligations: [] });
  });

  it('lets a guardrail stand above what a tenant permits', () => {
    const set = acme(PERMIT_ALL, {
      guardrails: '@id("guard") forbid (principal, action == Action::"execute", resource);',
    });
    expect(ask(set)).toMatchObject({ decision: false, policyIds: ['guard'] });
    expect(ask(set, { purpose: 'read' })).toMatchObject({ decision: true });
  });

  it('gives the hint of a forbid that decided, and of no other', () => {
    const set = acme(`${PERMIT_ALL}
      @id("no") @deny_hint("Ask on call.") forbid (principal, action, resource in Folder::"yaml://dev/payments");
      @id("na") @deny_hint("Not this.") forbid (principal, action, resource in Folder::"yaml://dev/ops");`);
    expect(ask(set)).toMatchObject({ decision: false, hint: 'Ask on call.' });
    expect(ask(set, { uri: 'yaml://dev/other#a' })).not.toHaveProperty('hint');
  });

  it('Z14, N29: is never a permit when a forbid failed to evaluate', () => {
    const set = acme(`${PERMIT_ALL}
      @id("broken") forbid (principal, action, resource) when { context has token_age && context.token_age + 9223372036854775807 > 0 };`);
    expect(ask(set)).toMatchObject({ decision: false, errors: ['broken'], obligations: [] });
  });

  it('Z14, N29: is never a permit when a permit failed beside one that holds', () => {
    const set = acme(`${PERMIT_ALL}
      @id("broken") permit (principal, action, resource) when { context has token_age && context.token_age * 9223372036854775807 > 0 };`);
    expect(ask(set)).toMatchObject({ decision: false, errors: ['broken'] });
  });
});

describe('tenants', () => {
  const two = setOf({
    tenants: { acme: '@id("a") permit (principal, action == Action::"read", resource);', globex: PERMIT_ALL },
  });

  it('are decided by their own policies only', () => {
    expect(ask(two)).toMatchObject({ decision: false, policyIds: [] });
    expect(evaluate(engine, two, 'globex', asking({ tenant: 'globex' }))).toMatchObject({ decision: true });
  });

  it('get nothing when the question speaks of another tenant', () => {
    expect(evaluate(engine, two, 'globex', asking({ tenant: 'acme' }))).toMatchObject({ decision: false });
    const { subject, ...rest } = asking({ tenant: 'globex' });
    const foreign = { ...rest, subject: { ...subject, properties: { ...subject.properties, tenant: 'acme' } } };
    expect(evaluate(engine, two, 'globex', foreign)).toMatchObject({ decision: false });
    const { resource, ...others } = asking({ tenant: 'globex' });
    const elsewhere = { ...others, resource: { ...resource, properties: { ...resource.properties, tenant: 'acme' } } };
    expect(evaluate(engine, two, 'globex', elsewhere)).toMatchObject({ decision: false });
    expect(evaluate(engine, two, 'globex', { ...others, resource })).toMatchObject({ decision: true });
  });

  it.each(['initech', '', '__proto__', 'constructor', '\ud800'])('get nothing without policies: %j', (tenant) => {
    expect(evaluate(engine, two, tenant, asking({ tenant }))).toMatchObject({ decision: false, policyIds: [] });
  });

  it('can be told apart by a policy', () => {
    const set = acme('@id("home") permit (principal in Tenant::"acme", action, resource in Tenant::"acme");');
    expect(ask(set)).toMatchObject({ decision: true });
  });
});

describe('groups', () => {
  const set = acme(
    `@id("claimed") permit (principal in Group::"${ISS}#payments", action == Action::"execute", resource);
     @id("listed") permit (principal in Group::"on-call", action == Action::"read", resource);`,
    { entities: `tenant: acme\ngroups:\n  on-call: ["${ISS}#svc"]\n` },
  );

  it('come from the token under the name of its issuer', () => {
    expect(ask(set)).toMatchObject({ decision: true, policyIds: ['claimed'] });
    expect(ask(set, { claims: { iss: 'https://other.example' } })).toMatchObject({ decision: false });
    expect(ask(set, { claims: { groups: [] } })).toMatchObject({ decision: false });
  });

  it('come from the folder by subject id', () => {
    expect(ask(set, { purpose: 'read' })).toMatchObject({ decision: true, policyIds: ['listed'] });
    expect(ask(set, { purpose: 'read', claims: { sub: 'else' } })).toMatchObject({ decision: false });
  });

  it('of the folder cannot be claimed by a token', () => {
    expect(ask(set, { purpose: 'read', claims: { sub: 'else', groups: ['on-call'] } })).toMatchObject({
      decision: false,
    });
  });

  it('of one issuer cannot be spelled by another, whatever the name holds', () => {
    for (const name of [`${ISS}#payments`, `#payments`, `issuer.example#payments`]) {
      const claims = { iss: 'https://other.example', groups: [name] };
      expect(ask(set, { claims })).toMatchObject({ decision: false });
    }
  });

  it('of another tenant are nobody here', () => {
    const foreign = setOf({
      tenants: { acme: '@id("listed") permit (principal in Group::"on-call", action, resource);', globex: PERMIT_ALL },
      entities: `tenant: globex\ngroups:\n  on-call: ["${ISS}#svc"]\n`,
    });
    expect(ask(foreign)).toMatchObject({ decision: false });
  });
});

describe('folders', () => {
  const inside = (folder: string, uri: string): boolean =>
    ask(acme(`@id("in") permit (principal, action, resource in ${folder});`), { uri }).decision;

  it.each<[string, string, boolean]>([
    ['Folder::"yaml://dev/payments"', 'yaml://dev/payments/api#token', true],
    ['Folder::"yaml://dev/payments"', 'yaml://dev/payments/a/b/c', true],
    ['Folder::"yaml://dev/payments"', 'yaml://dev/payments', true],
    ['Folder::"yaml://dev/payments/api"', 'yaml://dev/payments/api#token', true],
    ['Folder::"yaml://dev/payments"', 'yaml://dev/payments2/api', false],
    ['Folder::"yaml://dev/pay"', 'yaml://dev/payments/api', false],
    ['Folder::"yaml://dev/payments/"', 'yaml://dev/payments/api', false],
    ['Folder::"yaml://dev/payments"', 'yaml://other/payments/api', false],
    ['Folder::"yaml://dev/payments"', 'openbao://dev/payments/api', false],
    ['Folder::"openbao+kv2://dev/payments"', 'openbao://dev/payments/api', true],
    ['Folder::"yaml://dev/b"', 'yaml://dev/a/b', false],
    ['Mount::"yaml://dev"', 'yaml://dev/a/b', true],
    ['Mount::"yaml://dev"', 'yaml://dev2/a/b', false],
  ])('are whole segments: %s holds %s: %s', (folder, uri, holds) => {
    expect(inside(folder, uri)).toBe(holds);
  });

  it('hold a secret by its key too', () => {
    const set = acme('@id("one") permit (principal, action, resource == secret::"yaml://dev/a#k");');
    expect(ask(set, { uri: 'yaml://dev/a#k' }).decision).toBe(true);
    expect(ask(set, { uri: 'yaml://dev/a' }).decision).toBe(false);
  });
});

describe('a whole map', () => {
  const set = acme(`${PERMIT_ALL}
    @id("no-root") forbid (principal, action == Action::"execute", resource in Folder::"yaml://dev/ops")
      when { resource has key && resource.key == "root" };`);

  it('does not open what the forbid of a key closes', () => {
    expect(ask(set, { uri: 'yaml://dev/ops/x#root' })).toMatchObject({ decision: false, policyIds: ['no-root'] });
    expect(ask(set, { uri: 'yaml://dev/ops/x#other' })).toMatchObject({ decision: true });
    expect(ask(set, { uri: 'yaml://dev/ops/x' })).toEqual({
      decision: false,
      policyIds: ['no-root'],
      policyVersion: set.version,
      obligations: [],
      errors: [],
      hint: ASK_FOR_ONE_KEY,
    });
  });

  it('is open where no such forbid could match by its head', () => {
    expect(ask(set, { uri: 'yaml://dev/payments/api' })).toMatchObject({ decision: true });
    expect(ask(set, { uri: 'yaml://dev/ops/x', purpose: 'read' })).toMatchObject({ decision: true });
  });

  it('gets no hint where nothing would have permitted it', () => {
    const closed = acme(
      '@id("k") forbid (principal, action, resource) when { resource has key && resource.key == "root" };',
    );
    expect(ask(closed, { uri: 'yaml://dev/a' })).not.toHaveProperty('hint');
  });

  it('is closed by a forbid that names one key of it, in its head or in its conditions', () => {
    const head = acme(`${PERMIT_ALL} @id("k") forbid (principal, action, resource == secret::"yaml://dev/a/b#root");`);
    const body = acme(
      `${PERMIT_ALL} @id("k") forbid (principal, action, resource) when { resource == secret::"yaml://dev/a/b#root" };`,
    );
    for (const set of [head, body]) {
      expect(ask(set, { uri: 'yaml://dev/a/b' })).toMatchObject({ decision: false, hint: ASK_FOR_ONE_KEY });
      expect(ask(set, { uri: 'yaml://dev/a/b#other' })).toMatchObject({ decision: true });
    }
    expect(ask(head, { uri: 'yaml://dev/a/b2' })).toMatchObject({ decision: true });
    expect(ask(head, { uri: 'yaml://dev/a' })).toMatchObject({ decision: true });
  });

  it.each([
    ['principal is user', false],
    ['principal is service', true],
    [`principal == service::"${ISS}#svc"`, true],
    [`principal == service::"${ISS}#else"`, false],
    [`principal is service in Group::"${ISS}#payments"`, true],
    [`principal in Group::"${ISS}#billing"`, false],
  ])('is closed by heads that match the caller: %s: %s', (head, closes) => {
    const headed = acme(`${PERMIT_ALL}
      @id("k") forbid (${head}, action in [Action::"disclose", Action::"write"], resource)
        when { resource has key && resource.key == "root" };`);
    expect(ask(headed, { uri: 'yaml://dev/a' }).decision).toBe(!closes);
  });
});

describe('obligations', () => {
  const permits = (...annotations: string[]): string =>
    annotations.map((text, index) => `@id("p${index}") ${text} permit (principal, action, resource);`).join('\n');

  it('of the satisfied permits combine by the strictest of each field', () => {
    const set = acme(
      permits(
        '@ttl_seconds("300") @quota("3/1h") @max_auth_age("900")',
        '@ttl_seconds("60") @max_uses("5") @quota("9/24h") @one_holder @requires_reason @audit("remote")',
        '@max_uses("7")',
      ),
    );
    expect(ask(set).obligations).toEqual([
      {
        id: 'grant',
        type: 'custom',
        properties: {
          vendor: 'postern',
          action: 'grant',
          ttl_seconds: 60,
          max_uses: 5,
          quota: { uses: 3, period_seconds: 86_400 },
          one_holder: true,
          max_auth_age: 900,
          requires_reason: true,
          audit: 'remote',
        },
      },
    ]);
  });

  it('of permits that are not satisfied count nothing', () => {
    const set = acme(`${PERMIT_ALL} @id("p") @max_uses("1") permit (principal, action == Action::"read", resource);`);
    expect(ask(set).obligations).toEqual([]);
  });

  it('that are no grant limits stand each by itself, under ids that differ', () => {
    const set = acme(
      permits('@step_up("gold") @notify("ops")', '@step_up("silver") @approval("four-eyes")', '@step_up("gold")'),
    );
    expect(ask(set).obligations).toEqual([
      { id: 'step-up', type: 'step-up', properties: { acr_value: 'gold' } },
      { id: 'step-up-2', type: 'step-up', properties: { acr_value: 'silver' } },
      { id: 'notify-ops', type: 'custom', properties: { vendor: 'postern', action: 'notify', name: 'ops' } },
      {
        id: 'approval-four-eyes',
        type: 'custom',
        properties: { vendor: 'postern', action: 'approval', template: 'four-eyes' },
      },
    ]);
  });
});

describe('policies in any order', () => {
  const pool = [
    PERMIT_ALL,
    '@id("p1") @max_uses("3") @ttl_seconds("60") permit (principal, action == Action::"execute", resource);',
    '@id("p2") @max_uses("2") permit (principal, action, resource in Folder::"yaml://dev/payments");',
    '@id("f1") forbid (principal, action == Action::"read", resource in Folder::"yaml://dev/ops");',
    '@id("f2") forbid (principal is agent, action, resource);',
    '@id("f3") forbid (principal, action, resource in Folder::"yaml://dev/billing") when { resource has key && resource.key == "k" };',
  ];
  const questions = fc.record({
    purpose: fc.constantFrom('execute', 'read', 'write'),
    uri: fc.constantFrom(
      'yaml://dev/payments/api#token',
      'yaml://dev/ops/x',
      'yaml://dev/billing/x',
      'yaml://dev/billing/x#k',
    ),
    claims: fc.constantFrom({ subjectType: 'service' }, { subjectType: 'agent' }),
  }) as fc.Arbitrary<{
    purpose: 'execute' | 'read' | 'write';
    uri: string;
    claims: { subjectType: 'service' | 'agent' };
  }>;

  it('decide the same, under the same version', () => {
    const reference = acme(pool.join('\n'));
    fc.assert(
      fc.property(fc.shuffledSubarray(pool, { minLength: pool.length }), questions, (shuffled, asked) => {
        const set = acme(shuffled.join('\n// note\n'));
        expect(ask(set, asked)).toEqual(ask(reference, asked));
      }),
      { numRuns: 15 },
    );
  });

  it('I13: never permit more with another forbid', () => {
    fc.assert(
      fc.property(fc.subarray(pool), fc.constantFrom(...pool.slice(3)), questions, (some, forbid, asked) => {
        const before = ask(acme(some.join('\n')), asked);
        const after = ask(acme([...new Set([...some, forbid])].join('\n')), asked);
        expect(after.decision && !before.decision).toBe(false);
      }),
      { numRuns: 20 },
    );
  });
});
