import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { packageRoot } from '#src/config/disk.js';
import { renderConfiguration } from '#src/config/document.js';

const ROOT = packageRoot();

describe('docs/configuration.md', () => {
  it('is what the schema says (npx postern config doc --write makes it)', () => {
    expect(readFileSync(join(ROOT, 'docs', 'configuration.md'), 'utf8')).toBe(renderConfiguration());
  });

  it('says the default of an environment that differs', () => {
    const row = (name: string): string =>
      renderConfiguration()
        .split('\n')
        .find((line) => line.startsWith(`| \`${name}\``)) ?? '';
    expect(row('DPOP_NONCE')).toContain('| `required`; dev, test: `off` |');
    expect(row('ROOT_KEY')).toContain('| required; dev: unset; test: required | Secret.');
    expect(row('LISTEN_ADDR')).toContain('| `127.0.0.1:8080` |');
  });
});
