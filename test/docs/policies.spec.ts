import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { blocks, page } from './markdown.js';
import { Running } from './running.js';

const policies = page('docs/policies.md');
const lines = blocks(policies, 'sh').flatMap((block) => block.trim().split('\n'));

describe('docs/policies.md', () => {
  let running: Running;
  beforeAll(async () => {
    running = await Running.start();
  });
  afterAll(async () => await running.stop());

  it('S1, S2, S3: shows commands that end as it says, from a weak sign-in to the value', async () => {
    expect(lines).toHaveLength(5);
    for (const line of lines) {
      const [, command = '', status = '', code] = /^(.*?) +# (\d{3})(?: ([A-Z_]+))?$/.exec(line) ?? [];
      const { code: ended, stdout, stderr } = await running.shell(command);
      expect({ line, ended, status: /^(?:postern: )?(\d{3})/.exec(stderr)?.[1] }).toEqual({
        line,
        ended: status === '200' ? 0 : 1,
        status,
      });
      const answer = JSON.parse(stdout) as { code?: string; value?: string };
      expect(answer.code).toBe(code);
      if (status === '200') expect(answer.value).toBe('not-a-secret-root-password');
      if (code === 'STEP_UP_REQUIRED') expect(stderr).toContain('[acr_values="urn:postern:dev:mfa", max_age="300"]');
    }
  }, 60_000);
});
