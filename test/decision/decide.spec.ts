import { describe, expect, it } from '@jest/globals';

import { decide, Permit } from '#libs/decision/decide.js';
import { Deadline } from '#libs/kernel/deadline.js';
import type { Refusal } from '#libs/kernel/refusal.js';

import { ManualClock } from '../support/clock.js';
import { NOW_MS } from '../support/tokens.js';
import { ABOUT, aGrant, ALLOW, aPoint, aStepUp, aTarget, refusalFrom } from './asking.js';

const target = await aTarget();
const deadline = (clock = new ManualClock(NOW_MS)): Deadline => Deadline.start(clock, 2_000);

async function decided(answer: unknown, about = ABOUT): Promise<Permit> {
  return await decide(target, about, aPoint(answer), deadline());
}

describe('a decision', () => {
  it('permits when the PDP says true, no policy failed and there is nothing to do', async () => {
    const permit = await decided(ALLOW);
    expect(Permit.is(permit)).toBe(true);
    expect(permit).toMatchObject({
      target,
      decisionId: 'decision-1',
      policyVersion: '1.abc',
      policyIds: ['payments-use'],
      obligations: [],
      limits: { oneHolder: false },
    });
  });

  it('asks once, about the target that it permits, for its tenant', async () => {
    const point = aPoint(ALLOW);
    const permit = await decide(target, ABOUT, point, deadline());
    expect(point.pdp.asked).toHaveLength(1);
    expect(point.pdp.asked[0]).toMatchObject({
      tenant: 'acme',
      request: { action: { name: permit.target.purpose }, resource: { id: permit.target.uri.unversioned() } },
    });
  });

  it('carries limits on without what was fulfilled here', async () => {
    const grant = aGrant({ ttl_seconds: 60, max_uses: 2, requires_reason: true });
    const permit = await decided({ ...ALLOW, obligations: [grant] }, { ...ABOUT, reason: 'INC-1' });
    expect(permit.limits).toEqual({ ttlSeconds: 60, maxUses: 2, oneHolder: false });
    expect(permit.obligations).toEqual([grant]);
  });

  it('denies with the evidence of the decision, and tells only the hint', async () => {
    const refusal = await refusalFrom(
      decided({ ...ALLOW, decision: false, policyIds: ['no-root'], hint: 'Ask them.' }),
    );
    expect(refusal).toMatchObject({
      code: 'DENIED',
      check: 'policy',
      detail: 'Ask them.',
      evidence: { decision_id: 'decision-1', policy_version: '1.abc', policy_ids: ['no-root'] },
    });
  });

  it('denies without a word when the PDP gives no hint', async () => {
    expect((await refusalFrom(decided({ ...ALLOW, decision: false, policyIds: [] }))).detail).toBeUndefined();
  });

  it('Z14, N29: denies a permit in which one policy failed', async () => {
    const refusal = await refusalFrom(decided({ ...ALLOW, errors: ['broken'] }));
    expect(refusal).toMatchObject({ code: 'DENIED', check: 'Z14 policy error' });
  });

  it('Z10: denies with evidence when an obligation cannot be kept', async () => {
    const refusal = await refusalFrom(decided({ ...ALLOW, obligations: [{ id: 'a', type: 'dance', properties: {} }] }));
    expect(refusal).toMatchObject({
      code: 'DENIED',
      check: 'obligation unknown',
      evidence: { decision_id: 'decision-1' },
    });
  });

  it('asks for the reason that the policy requires', async () => {
    const refusal = await refusalFrom(decided({ ...ALLOW, obligations: [aGrant({ requires_reason: true })] }));
    expect(refusal).toMatchObject({ code: 'REASON_REQUIRED', evidence: { decision_id: 'decision-1' } });
    expect(refusal.detail).toContain('X-Access-Reason');
  });
});

const user = await aTarget({ claims: { sub_type: 'user', acr: 'silver', auth_time: NOW_MS / 1000 } });

describe('a decision that asks for a sign-in', () => {
  const DENY = { ...ALLOW, decision: false, policyIds: ['wants-gold'] };
  const refused = async (answer: unknown, about = user): Promise<Refusal> =>
    await refusalFrom(decide(about, ABOUT, aPoint(answer), deadline()));

  it.each([
    ['a permit with the obligation', { ...ALLOW, policyIds: ['wants-gold'], obligations: [aStepUp('gold')] }],
    ['a deny with the obligation', { ...DENY, obligations: [aStepUp('gold')] }],
    [
      'a deny with the context of AuthZEN 5.5.1, example 3',
      { ...DENY, context: { acr_values: 'gold', amr_values: 'mfa' } },
    ],
  ])('S7: is told to a user without it, with its evidence: %s', async (_name, answer) => {
    expect(await refused(answer)).toMatchObject({
      code: 'STEP_UP_REQUIRED',
      check: 'S4 acr',
      hints: { acrValues: ['gold'] },
      evidence: { decision_id: 'decision-1', policy_version: '1.abc', policy_ids: ['wants-gold'] },
    });
  });

  it('S7: stays a deny for a user who has it, with its hint', async () => {
    const answer = { ...DENY, context: { acr_values: 'silver' }, hint: 'Ask them.' };
    expect(await refused(answer)).toMatchObject({ code: 'DENIED', check: 'policy', detail: 'Ask them.' });
  });

  it('S4: is a deny without a word when the tenant does not accept what is asked for', async () => {
    for (const acr of ['platinum', 'loa3']) {
      const refusal = await refused({ ...ALLOW, obligations: [aStepUp(acr)] });
      expect(refusal).toMatchObject({ code: 'DENIED', check: 'obligation acr not accepted', hints: {} });
      expect(refusal.detail).toBeUndefined();
      expect(await refused({ ...DENY, context: { acr_values: acr } })).toMatchObject({ code: 'DENIED', hints: {} });
    }
  });

  it('S5: is impossible for a service, whether it is a permit or a deny', async () => {
    for (const answer of [
      { ...ALLOW, obligations: [aStepUp('gold')] },
      { ...DENY, context: { max_age: 60 } },
    ]) {
      expect(await refused(answer, target)).toMatchObject({ code: 'STEP_UP_IMPOSSIBLE' });
    }
  });

  it('Z14: says nothing of it where a policy failed', async () => {
    const answer = { ...DENY, errors: ['broken'], obligations: [aStepUp('gold')], context: { acr_values: 'gold' } };
    expect(await refused(answer)).toMatchObject({ code: 'DENIED', check: 'Z14 policy error', hints: {} });
  });

  it('S7: asks by the context of a deny alone: what a permit says there is no obligation', async () => {
    const permit = await decide(user, ABOUT, aPoint({ ...ALLOW, context: { acr_values: 'gold' } }), deadline());
    expect(Permit.is(permit)).toBe(true);
  });

  it('S3: carries the age on to the grant, and no acr, which the grant’s key holds', async () => {
    const obligations = [aStepUp('silver'), aGrant({ max_auth_age: 60 })];
    const permit = await decide(user, ABOUT, aPoint({ ...ALLOW, obligations }), deadline());
    expect(permit.limits).toEqual({ maxAuthAge: 60, oneHolder: false });
  });
});

describe('Z1, Z2, I14, N30: an answer that is no decision', () => {
  const { decision: _decision, ...undecided } = ALLOW;
  const { policyIds: _ids, ...unnamed } = ALLOW;
  const { errors: _errors, ...unchecked } = ALLOW;
  const { obligations: _obligations, ...unobliged } = ALLOW;
  const { policyVersion: _version, ...unversioned } = ALLOW;

  it.each<[string, unknown, string]>([
    ['null', null, 'Z1 answer'],
    ['an array', [ALLOW], 'Z1 answer'],
    ['a text', 'true', 'Z1 answer'],
    ['true itself', true, 'Z1 answer'],
    ['no decision', undecided, 'Z1 decision'],
    ['the text "true"', { ...ALLOW, decision: 'true' }, 'Z1 decision'],
    ['the number 1', { ...ALLOW, decision: 1 }, 'Z1 decision'],
    ['a null decision', { ...ALLOW, decision: null }, 'Z1 decision'],
    ['a decision in an array', { ...ALLOW, decision: [true] }, 'Z1 decision'],
    ['no policy ids', unnamed, 'Z1 policy ids'],
    ['policy ids that are paths', { ...ALLOW, policyIds: ['tenants/acme'] }, 'Z1 policy ids'],
    ['policy ids that are no list', { ...ALLOW, policyIds: 'payments-use' }, 'Z1 policy ids'],
    ['no version', unversioned, 'Z1 policy version'],
    ['an empty version', { ...ALLOW, policyVersion: '' }, 'Z1 policy version'],
    ['no errors', unchecked, 'Z1 errors'],
    ['errors that are no texts', { ...ALLOW, errors: [1] }, 'Z1 errors'],
    ['no obligations', unobliged, 'Z1 obligations'],
    ['a hint that is no text', { ...ALLOW, hint: {} }, 'Z1 hint'],
    ['a context that is a text', { ...ALLOW, decision: false, context: 'acr_values' }, 'Z1 context'],
    ['a context that is a list', { ...ALLOW, decision: false, context: [] }, 'Z1 context'],
    ['a hint of two lines', { ...ALLOW, decision: false, hint: 'a\r\nb' }, 'Z1 hint'],
  ])('is 503, not a deny: %s', async (_name, answer, check) => {
    expect(await refusalFrom(decided(answer))).toMatchObject({ code: 'UNAVAILABLE', check });
  });

  it('is 503 when the PDP fails', async () => {
    const failing = Promise.reject(new Error('connection refused'));
    expect(await refusalFrom(decided(failing))).toMatchObject({ code: 'UNAVAILABLE', check: 'pdp failed' });
  });

  it('Z11, I14, N30: is 503 when the PDP is late, and a permit that comes after that is not heard', async () => {
    const clock = new ManualClock(NOW_MS);
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const point = aPoint(promise, clock);
    const outcome = refusalFrom(decide(target, ABOUT, point, deadline(clock)));
    clock.advance(299);
    expect(clock.armed).toBe(1);
    clock.advance(1);
    resolve(ALLOW);
    expect(await outcome).toMatchObject({ code: 'UNAVAILABLE', check: 'pdp late' });
    expect(point.pdp.asked).toHaveLength(1);
  });
});
