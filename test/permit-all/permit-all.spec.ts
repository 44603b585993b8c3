import { describe, expect, it } from '@jest/globals';

import { decide, type DecisionPoint } from '#libs/decision/decide.js';
import { checkEvaluation } from '#libs/decision/evaluation.js';
import { question } from '#libs/decision/question.js';
import { Deadline } from '#libs/kernel/deadline.js';
import { DISABLED, permitAll } from '#libs/permit-all/permit-all.js';

import { ABOUT, aTarget } from '../decision/asking.js';
import { ManualClock } from '../support/clock.js';

describe('the decision point of ENABLE_AUTHORIZATION=false', () => {
  const clock = new ManualClock();
  const point: DecisionPoint = {
    pdp: permitAll,
    clock,
    deadlineMs: 300,
    leewaySeconds: 5,
    environment: 'test',
    newId: () => DISABLED,
  };

  it('permits whatever passed the guard, obliges to nothing, and names no policy', async () => {
    const target = await aTarget({ purpose: 'read', uri: 'yaml://dev/never/written#at-all' });
    const permit = await decide(target, ABOUT, point, Deadline.start(clock, 2_000));
    expect(permit).toMatchObject({
      target,
      decisionId: 'disabled',
      policyVersion: 'disabled',
      policyIds: [],
      obligations: [],
    });
    expect(permitAll.policyVersion('acme')).toBe('disabled');
  });

  it('answers in the shape that is asked of every decision point, and only while it is waited for', async () => {
    const { tenant, uri, purpose, bound } = await aTarget();
    const asked = question({
      tenant: tenant.id,
      claims: bound.caller.claims,
      binding: bound.binding,
      purpose,
      uri,
      about: ABOUT,
      environment: 'test',
      nowMs: 0,
    });
    const late = new AbortController();
    expect(checkEvaluation(await permitAll.evaluate('acme', asked, late.signal))).toMatchObject({ decision: true });
    late.abort();
    await expect(permitAll.evaluate('acme', asked, late.signal)).rejects.toThrow();
  });
});
