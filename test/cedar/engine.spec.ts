import { describe, expect, it } from '@jest/globals';

import { CedarFault, Engine } from '#libs/cedar/engine.js';
import { CedarPdp } from '#libs/cedar/cedar-pdp.js';
import { PolicySetRefused } from '#libs/cedar/defects.js';
import { evaluate } from '#libs/cedar/evaluate.js';
import { preparePolicySet } from '#libs/cedar/prepare-set.js';
import type { EvaluationRequest } from '#libs/decision/authzen.js';

import { asking, PERMIT_ALL, textsOf } from './policies.js';

const texts = textsOf({ tenants: { acme: PERMIT_ALL } });
const never = new AbortController().signal;

describe('the engine', () => {
  it('decides after 2,000 calls that threw, in instances that it replaced', () => {
    const engine = Engine.start();
    const set = preparePolicySet(engine, texts);
    const hostile = (): unknown =>
      engine.ask({
        principal: { type: 'service', id: '\ud800' },
        action: { type: 'Action', id: 'read' },
        resource: { type: 'secret', id: 'x' },
        context: {},
        preparsedPolicySetId: 'x',
        entities: [],
      });
    for (let round = 0; round < 2_000; round += 1) expect(hostile).toThrow(CedarFault);
    expect(engine.replaced).toBe(10);
    expect(evaluate(engine, set, 'acme', asking())).toMatchObject({ decision: true, policyIds: ['all'] });
  });

  it('replaces an instance whose stack ran out at once, with what was prepared', () => {
    const engine = Engine.start();
    const set = preparePolicySet(engine, texts);
    const endless = `permit (principal, action, resource) when { ${'true && '.repeat(20_000)} true };`;
    expect(() => engine.call((cedar) => cedar.policyToJson(endless))).toThrow(CedarFault);
    expect(engine.replaced).toBe(1);
    expect(evaluate(engine, set, 'acme', asking())).toMatchObject({ decision: true });
  });

  it('does not share its instance: what ends one leaves another alone', () => {
    const [one, other] = [Engine.start(), Engine.start()];
    one.preparePolicies('p', {});
    const call = {
      principal: { type: 'u', id: '1' },
      action: { type: 'Action', id: 'a' },
      resource: { type: 'r', id: '1' },
      context: {},
      preparsedPolicySetId: 'p',
      entities: [],
    };
    expect(one.ask(call).type).toBe('success');
    expect(other.ask(call).type).toBe('failure');
  });

  it('forgets what it is told to forget', () => {
    const engine = Engine.start();
    engine.preparePolicies('p', { a: 'permit (principal, action, resource);' });
    engine.forgetPolicies('p');
    engine.forgetPolicies('p');
    const call = {
      principal: { type: 'u', id: '1' },
      action: { type: 'Action', id: 'a' },
      resource: { type: 'r', id: '1' },
      context: {},
      preparsedPolicySetId: 'p',
      entities: [],
    };
    expect(engine.ask(call)).toMatchObject({ response: { decision: 'deny' } });
  });
});

describe('the decision point in this process', () => {
  it('is no decision at all when its set is gone', async () => {
    const engine = Engine.start();
    const pdp = CedarPdp.of(texts, engine);
    for (const { name } of pdp.set.tenants.values()) engine.forgetPolicies(name);
    expect(await pdp.evaluate('acme', asking(), never)).toMatchObject({ decision: false });
    engine.forgetSchema(pdp.set.name);
    await expect(pdp.evaluate('acme', asking(), never)).rejects.toThrow(CedarFault);
  });

  it('decides a normal request after 2,000 with lone surrogates', async () => {
    const pdp = CedarPdp.of(texts);
    const { subject, ...rest } = asking();
    const hostile: EvaluationRequest = { ...rest, subject: { ...subject, id: '\ud800' } };
    for (let round = 0; round < 2_000; round += 1) {
      expect((await pdp.evaluate('acme', hostile, never)).decision).toBe(false);
    }
    expect(await pdp.evaluate('acme', asking(), never)).toMatchObject({ decision: true });
  });

  it('keeps the old set when the new one is refused, even by a policy that ends the instance', async () => {
    const pdp = CedarPdp.of(texts);
    const version = pdp.policyVersion('acme');
    const chain = `@id("b") permit (principal, action, resource) when { ${'1+'.repeat(4_000)}1 == 1 };`;
    for (const bad of ['permit (', PERMIT_ALL + PERMIT_ALL, chain]) {
      expect(() => {
        pdp.replace(textsOf({ edition: 2, tenants: { acme: bad } }));
      }).toThrow(PolicySetRefused);
      expect(pdp.policyVersion('acme')).toBe(version);
      expect(await pdp.evaluate('acme', asking(), never)).toMatchObject({ decision: true, policyVersion: version });
    }
  });

  it('decides by the new set from the moment it is in force', async () => {
    const pdp = CedarPdp.of(texts);
    pdp.replace(textsOf({ edition: 2, tenants: { acme: PERMIT_ALL.replace('permit', 'forbid') } }));
    expect(pdp.policyVersion('acme')).toMatch(/^2\./u);
    expect(await pdp.evaluate('acme', asking(), never)).toMatchObject({ decision: false, policyIds: ['all'] });
  });

  it('may be given the set that it has', async () => {
    const pdp = CedarPdp.of(texts);
    for (let round = 0; round < 20; round += 1) pdp.replace(texts);
    expect(await pdp.evaluate('acme', asking(), never)).toMatchObject({ decision: true });
  });

  it('does not begin what nobody waits for any more', async () => {
    await expect(CedarPdp.of(texts).evaluate('acme', asking(), AbortSignal.abort())).rejects.toThrow('aborted');
  });
});
