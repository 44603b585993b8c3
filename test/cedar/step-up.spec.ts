import { describe, expect, it } from '@jest/globals';

import { acme, ask, defectsOf, PERMIT_ALL, setOf, textsOf, engine } from './policies.js';
import { preparePolicySet } from '#libs/cedar/prepare-set.js';
import { PolicySetRefused } from '#libs/cedar/defects.js';

const GOLD = `@id("gold") @step_up("gold") forbid (principal is user, action, resource in Folder::"yaml://dev/payments")
  unless { context has acr && context.acr == "gold" };`;
const stepUp = (acr: string): unknown => ({ id: 'step-up', type: 'step-up', properties: { acr_value: acr } });
const user = (acr?: string): object => ({ claims: { subjectType: 'user', ...(acr !== undefined && { acr }) } });

describe('@step_up on a permit', () => {
  const permit = (values: string): string => `@id("p") @step_up("${values}") permit (principal, action, resource);`;

  it('S7: is an obligation of the permit, by the profile', () => {
    expect(ask(acme(permit('urn:com:example:loa:3')))).toMatchObject({
      decision: true,
      obligations: [stepUp('urn:com:example:loa:3')],
    });
  });

  it('S2: may name several values, of which any will do', () => {
    expect(ask(acme(permit('silver gold'))).obligations).toEqual([
      { id: 'step-up', type: 'step-up', properties: { acr_value: 'silver', acr_values: ['silver', 'gold'] } },
    ]);
  });

  it.each([
    '',
    ' ',
    'a  b',
    ' a',
    'a ',
    'a a',
    'a\\"b',
    'gøld',
    'x'.repeat(257),
    Array.from({ length: 17 }, (_, at) => at).join(' '),
  ])('is refused as "%s"', (values) => {
    expect(defectsOf({ tenants: { acme: permit(values) } })[0]).toContain('@step_up is ill-formed');
  });
});

describe('@step_up on a forbid', () => {
  const set = acme(`${PERMIT_ALL} ${GOLD}`);

  it('S7: stands beside the deny, and goes with the forbid', () => {
    expect(ask(set, user('silver'))).toMatchObject({
      decision: false,
      policyIds: ['gold'],
      obligations: [stepUp('gold')],
    });
    expect(ask(set, user('gold'))).toMatchObject({ decision: true, obligations: [] });
    expect(ask(set, {})).toMatchObject({ decision: true });
  });

  it('S7: is not told where another forbid would still close after the sign-in', () => {
    const closed = acme(`${PERMIT_ALL} ${GOLD} @id("no") forbid (principal is user, action, resource);`);
    expect(ask(closed, user())).toMatchObject({ decision: false, policyIds: ['gold', 'no'], obligations: [] });
  });

  it('S4: of several forbids stands for each of them', () => {
    const more = `@id("silver") @step_up("silver gold") forbid (principal is user, action, resource)
      unless { context has acr && (context.acr == "silver" || context.acr == "gold") };`;
    expect(ask(acme(`${PERMIT_ALL} ${GOLD} ${more}`), user()).obligations).toHaveLength(2);
  });

  it('S7: says nothing beside a policy that failed', () => {
    const broken = `@id("broken") permit (principal, action, resource) when { context has token_age && context.token_age + 9223372036854775807 > 0 };`;
    expect(ask(acme(`${PERMIT_ALL} ${GOLD} ${broken}`), user())).toMatchObject({ errors: ['broken'], obligations: [] });
  });

  it('S6: may not read an attribute of the secret, which it would tell of', () => {
    const telling = `@id("t") @step_up("gold") forbid (principal, action, resource) when { resource has key && resource.key == "root" };`;
    expect(defectsOf({ tenants: { acme: `${PERMIT_ALL} ${telling}` } })).toEqual([
      'tenants/acme/own.cedar:1: policy t: @step_up would tell of the secret, since it reads resource.key',
    ]);
    const permit = `@id("p") @step_up("gold") permit (principal, action, resource) when { resource has key && resource.key == "root" };`;
    expect(acme(permit).tenants.has('acme')).toBe(true);
  });

  it('is no place for an age', () => {
    const aged = `@id("t") @max_auth_age("60") forbid (principal, action, resource);`;
    expect(defectsOf({ tenants: { acme: aged } })[0]).toContain('@max_auth_age stands on a forbid');
  });
});

describe('the acr values of a tenant', () => {
  const tenants = { acme: GOLD, globex: GOLD.replace('@id("gold")', '@id("globex-gold")') };
  const refused = (acrValues: ReadonlyMap<string, readonly string[]>): readonly string[] => {
    try {
      preparePolicySet(engine, { ...textsOf({ tenants }), acrValues });
      return [];
    } catch (error) {
      if (error instanceof PolicySetRefused) return error.message.split('\n  ').slice(1);
      throw error;
    }
  };

  it('S4: bound what its policies may ask for: a set that nobody could meet is not loaded', () => {
    expect(
      refused(
        new Map([
          ['acme', ['silver']],
          ['globex', ['silver', 'gold']],
        ]),
      ),
    ).toEqual(["tenants/acme/own.cedar:1: policy gold: @step_up names gold, no acr value of this tenant's"]);
    expect(
      refused(
        new Map([
          ['acme', ['gold']],
          ['globex', []],
        ]),
      ),
    ).toHaveLength(1);
  });

  it('are not checked where nobody has said them', () => {
    expect(refused(new Map([['acme', ['gold']]]))).toEqual([]);
    expect(setOf({ tenants }).tenants.size).toBe(2);
  });
});
