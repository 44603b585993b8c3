import { describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';

import { inspectConfig, type Inspection } from '#src/config/inspect.js';

import { DEV, newJwks, newKey, type Env, type Files } from './fixture.js';

function inspect(env: Env, file?: unknown, files: Files = {}): Inspection {
  const text = typeof file === 'string' ? file : stringify(file, { aliasDuplicateObjects: false });
  const all: Files = { ...files, ...(file !== undefined && { '/etc/postern.yaml': text }) };
  return inspectConfig({
    env,
    profile: file === undefined ? undefined : '/etc/postern.yaml',
    directory: '/srv/postern',
    readFile: (path) => {
      const found = all[path];
      if (found === undefined) throw new Error(`ENOENT: ${path}`);
      return typeof found === 'string' ? { text: found, mode: 0o600 } : found;
    },
  });
}

describe('looking at a configuration', () => {
  it('says of each setting what it is and where that comes from', () => {
    const { settings, profile, environment } = inspect(
      { ...DEV, GRANT_TTL_MAX: '600' },
      { GRANT_TTL_MAX: 900, GRANT_TTL_DEFAULT: 60, TENANT_ALLOWED_MOUNTS: ['a', 'b'] },
    );
    expect([profile, environment]).toEqual(['/etc/postern.yaml', 'dev']);
    expect(settings).toMatchObject({
      ENVIRONMENT: { value: 'dev', from: 'environment' },
      GRANT_TTL_MAX: { value: '600', from: 'environment' },
      GRANT_TTL_DEFAULT: { value: 60, from: '/etc/postern.yaml' },
      TENANT_ALLOWED_MOUNTS: { value: ['a', 'b'], from: '/etc/postern.yaml' },
      GRANT_MAX_USES_MAX: { value: 1000, from: 'default' },
      // the default of dev, not that of production
      DPOP_NONCE: { value: 'off', from: 'default' },
      PUBLIC_ORIGIN: { value: null, from: 'unset' },
    });
  });

  it('shows rows of sections with their own defaults', () => {
    const issuers = [{ issuer: 'urn:a', jwks_file: 'k.json', algorithms: 'ES256', claims: { tenant: 'org' } }];
    const { sections, faults } = inspect(DEV, { issuers }, { '/srv/postern/k.json': newJwks() });
    expect(faults).toEqual([]);
    expect(sections['issuers']).toEqual([
      expect.objectContaining({
        issuer: { value: 'urn:a', from: '/etc/postern.yaml' },
        'claims.tenant': { value: 'org', from: '/etc/postern.yaml' },
        max_token_age_seconds: { value: 3600, from: 'default' },
        'claims.groups': { value: null, from: 'unset' },
      }),
    ]);
  });

  it('never shows a secret: not from the environment, a file, a file of its own, a row or a list inside a row', () => {
    const keys = Array.from({ length: 5 }, () => newKey());
    const [root = '', salt = '', single = '', listed = '', unknown = ''] = keys;
    const file = {
      TENANT_SALT: salt,
      tenants: [
        { id: 'a', salt: single },
        {
          id: 'b',
          salts: [
            { id: '1', key: listed, kye: unknown },
            { id: '2', key_file: '/run/two' },
          ],
        },
      ],
    };
    const shown = inspect({ ...DEV, ROOT_KEY: root }, file, { '/run/two': newKey() });
    expect(shown.settings).toMatchObject({
      ROOT_KEY: { value: '[sealed]', from: 'environment' },
      TENANT_SALT: { value: '[sealed]', from: '/etc/postern.yaml' },
    });
    expect(shown.sections['tenants']).toMatchObject([
      { salt: { value: '[sealed]' } },
      {
        salts: {
          value: [
            { id: '1', key: '[sealed]' },
            { id: '2', key_file: '/run/two' },
          ],
        },
      },
    ]);
    const text = JSON.stringify(shown);
    for (const key of keys) expect(text).not.toContain(key);
  });

  it('shows no secret that stands where the path of its file belongs', () => {
    const key = newKey().replace(/^\//, 'a');
    const shown = inspect({ ...DEV, ROOT_KEY_FILE: key });
    expect(shown.settings['ROOT_KEY']).toEqual({ value: '[sealed]', from: '[sealed] (ROOT_KEY_FILE)' });
    expect(JSON.stringify(shown)).not.toContain(key);
  });

  it('names the file that a secret comes from, and does not read it for that', () => {
    const { settings } = inspect({ ...DEV, ROOT_KEY_FILE: '/run/not-there' });
    expect(settings['ROOT_KEY']).toEqual({ value: '[sealed]', from: '/run/not-there (ROOT_KEY_FILE)' });
  });

  it('shows a configuration with faults as well, judged as production where its environment cannot be read', () => {
    const { environment, settings, faults, warnings } = inspect({ ENVIRONMENT: 'prod', GRANT_TTL_MAX: 'soon' });
    expect(environment).toBe('production');
    expect(settings).toMatchObject({ GRANT_TTL_MAX: { value: 'soon' }, DPOP_NONCE: { value: 'required' } });
    expect(faults.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['ENVIRONMENT', 'GRANT_TTL_MAX', 'ROOT_KEY']),
    );
    expect(warnings).toEqual([]);
  });

  it('shows what the environment says when the file is no YAML or not there', () => {
    expect(inspect(DEV, 'a: [').settings['ENVIRONMENT']).toEqual({ value: 'dev', from: 'environment' });
    const gone = inspectConfig({
      env: { ...DEV, POSTERN_PROFILE: '/gone' },
      directory: '/',
      readFile: () => {
        throw new Error('ENOENT');
      },
    });
    expect(gone.faults).toEqual([
      { path: 'POSTERN_PROFILE', what: expect.stringMatching(/cannot be read \(ENOENT\)/) },
    ]);
  });
});
