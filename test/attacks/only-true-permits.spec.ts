import { randomInt } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import type { Evaluation, Pdp } from '#libs/decision/pdp.js';

import { APP, type Gateway, startGateway } from '../support/gateway.js';

const SEED = Number(process.env['ATTACK_SEED'] ?? randomInt(2 ** 31));

/** What a policy decision point must say for a value to leave; each case changes one thing about it. */
const PERMIT = { decision: true, policyIds: ['a'], policyVersion: '1.a', obligations: [], errors: [] };

let gateway: Gateway;
let says: unknown;
beforeAll(async () => {
  gateway = await startGateway();
  const lying: Pdp = {
    policyVersion: () => '1.a',
    evaluate: async () => (await says) as Evaluation,
  };
  // The decision point is a port: the gateway behind it is the real one, asked over HTTP.
  Object.assign(gateway.gate.grants.decision, { pdp: lying });
});
afterAll(async () => await gateway.close());

let asked = 0;
/** Each time for another subject, so that no grant of before answers. */
async function status(answer: unknown): Promise<string> {
  says = answer;
  asked += 1;
  const read = await gateway.read(APP, { token: gateway.mint({ claims: { sub: `s${asked}` } }) });
  return read.status === 200 ? '200' : `${read.status} ${String(read.problem['code'])}`;
}

describe('I14, N30: an answer of the policy decision point that is not true', () => {
  it('I14: is the only thing that does not permit: true itself does', async () => {
    expect(await status(PERMIT)).toBe('200');
  });

  it.each<[string, unknown]>([
    ['false', false],
    ['the text "true"', 'true'],
    ['the number 1', 1],
    ['[true]', [true]],
    ['an object', { valueOf: true }],
    ['a boxed true', Object(true)],
    ['null', null],
    ['nothing', undefined],
  ])('I14: %s as the decision permits nothing', async (_title, decision) => {
    expect(await status({ ...PERMIT, decision })).toMatch(/^(403 DENIED|503 UNAVAILABLE)$/);
  });

  it.each<[string, unknown]>([
    ['true alone', true],
    ['the text "true"', 'true'],
    ['nothing', undefined],
    ['null', null],
    ['an empty object', {}],
    ['a permit in an array', [PERMIT]],
    ['a permit in an envelope', { data: PERMIT }],
    ['two evaluations', { evaluations: [PERMIT, PERMIT] }],
    ['a decision in other letters', { ...PERMIT, decision: undefined, Decision: true }],
    ['a permit with a policy that failed', { ...PERMIT, errors: ['b'] }],
    [
      'a permit with an obligation that is not known',
      { ...PERMIT, obligations: [{ id: 'a', type: 'x', properties: {} }] },
    ],
    ['a failure', Promise.reject(new Error('down'))],
    ['a failure that says true', Promise.reject(Object.assign(new Error('true'), PERMIT))],
  ])('I14: %s in place of the answer permits nothing', async (_title, answer) => {
    if (answer instanceof Promise) answer.catch(() => {});
    expect(await status(answer)).toMatch(/^(403 DENIED|503 UNAVAILABLE)$/);
  });

  it('I14: no JSON that is anything else permits (1,000 answers)', async () => {
    const member = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('true', 1, 0, 'permit', 'allow', [true]));
    const names = fc.constantFrom('decision', 'policyIds', 'policyVersion', 'obligations', 'errors', 'hint', 'context');
    const changed = fc
      .tuple(names, member)
      .filter(([name, value]) => name !== 'decision' || value !== true)
      .map(([name, value]) => ({ ...PERMIT, decision: name === 'decision' ? value : false, [name]: value }));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), changed), async (answer) => {
        expect(await status(answer)).toMatch(
          /^(403 DENIED|503 UNAVAILABLE|401 STEP_UP_REQUIRED|403 STEP_UP_IMPOSSIBLE)$/,
        );
      }),
      { numRuns: 1_000, seed: SEED },
    );
  }, 60_000);

  it('I14, I19: none of it was a defect', () => {
    const defects = gateway.logLines().filter((line) => /"status":500|"INTERNAL"/.test(line));
    expect(defects).toEqual([]);
  });
});
