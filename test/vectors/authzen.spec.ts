import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';

import { questionOf } from '#libs/decision/question.js';

import { NOW_MS } from '../support/tokens.js';
import { ABOUT, ALLOW, aTarget } from '../decision/asking.js';
import { readVectors, vectorsFolder } from '../support/vectors.js';

/** The messages of OpenID AuthZEN 1.0, as its published JSON Schemas have them. */
function run(): void {
  const compiled = (name: string) =>
    new Ajv2020({ strict: false }).compile(readVectors(`authzen/${name}.schema.json`) as object);

  describe('Z4: AuthZEN, published schemas', () => {
    it('Z4: the question that the gateway asks is an evaluation request', async () => {
      const valid = compiled('evaluation-request');
      const target = await aTarget();
      for (const about of [ABOUT, { ...ABOUT, reason: 'INC-1' }]) {
        const question: unknown = JSON.parse(JSON.stringify(questionOf(target, about, 'test', NOW_MS)));
        expect([valid(question), valid.errors]).toEqual([true, null]);
      }
      expect(valid({ subject: {}, action: {}, resource: {} })).toBe(false);
    });

    it('Z1: a permit and a deny, as the decision point says them, are evaluation responses; a text is none', () => {
      const valid = compiled('evaluation-response');
      for (const decision of [true, false]) expect(valid({ decision, context: { ids: ALLOW.policyIds } })).toBe(true);
      for (const decision of ['true', 1, null]) expect(valid({ decision })).toBe(false);
    });
  });
}

if (vectorsFolder('published schemas of AuthZEN') === undefined) {
  it('leaves the published schemas out, and says so', () => {
    expect(process.env['POSTERN_VECTORS'] ?? '').toBe('');
  });
} else {
  run();
}
