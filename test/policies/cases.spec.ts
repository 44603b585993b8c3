import { fileURLToPath } from 'node:url';

import { describe, expect, it } from '@jest/globals';

import { CedarPdp } from '#libs/cedar/cedar-pdp.js';

const folder = fileURLToPath(new URL('../../policies', import.meta.url));
// A set whose cases fail does not load: then this file fails, with every failing case in words.
const { set } = await CedarPdp.load(folder, { serialFromFiles: false });
const policies = [...new Set([...set.tenants.values()].flatMap((own) => [...own.policies.keys()]))];

describe('the policy set that ships', () => {
  it.each(set.cases.map((outcome) => [outcome.sentence, outcome] as const))('%s', (_sentence, outcome) => {
    expect(outcome.failures).toEqual([]);
  });

  it('has its own sentence for each case', () => {
    const sentences = set.cases.map(({ sentence }) => sentence);
    expect(new Set(sentences).size).toBe(sentences.length);
  });

  it.each(policies)('reaches the policy %s by a case', (policy) => {
    expect(set.cases.some(({ reached }) => reached.includes(policy))).toBe(true);
  });

  it('has for each policy a case that it does not decide, in the same file of cases', () => {
    for (const policy of policies) {
      const files = new Set(set.cases.filter(({ reached }) => reached.includes(policy)).map(({ file }) => file));
      expect(set.cases.some(({ file, reached }) => files.has(file) && !reached.includes(policy))).toBe(true);
    }
  });

  it('knows the tenant of the laptop', () => {
    expect([...set.tenants.keys()]).toEqual(['local']);
  });
});
