import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { packageRoot, readFromDisk } from '#src/config/disk.js';
import { renderConfiguration } from '#src/config/document.js';
import { loadConfig } from '#src/config/load.js';

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

describe('config/local.yaml', () => {
  const load = (env: Record<string, string>) =>
    loadConfig({ env, profile: 'local', directory: ROOT, readFile: readFromDisk });

  it('starts as it stands', () => {
    const config = load({});
    expect(config).toMatchObject({
      profile: 'local',
      environment: 'dev',
      listen: { host: '127.0.0.1', port: 8080 },
      developmentIssuer: true,
      binding: { allowUnbound: true },
      tenants: [{ id: 'local', mounts: [{ provider: 'yaml', mount: 'dev' }] }],
      audit: { directory: join(ROOT, 'var/audit') },
      stateDir: join(ROOT, 'var/state'),
      policiesDir: join(ROOT, 'policies'),
    });
  });

  it('does not start as production', () => {
    expect(() => load({ ENVIRONMENT: 'production' })).toThrow(
      /DEVELOPMENT_ISSUER cannot be on[^]*ALLOW_UNBOUND_TOKENS is true/,
    );
  });
});
