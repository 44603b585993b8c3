import { fileURLToPath } from 'node:url';

import { describe, expect, it } from '@jest/globals';

import { CedarPdp } from '#libs/cedar/cedar-pdp.js';

const folder = fileURLToPath(new URL('../../policies', import.meta.url));
const { set } = await CedarPdp.load(folder, { serialFromFiles: false });

describe('the policy set', () => {
  it.each(set.cases.map((outcome) => [outcome.sentence, outcome] as const))('%s', (_sentence, outcome) => {
    expect(outcome.failures).toEqual([]);
  });
});
