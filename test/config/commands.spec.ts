import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { renderConfiguration } from '#src/config/document.js';
import { renderJsonSchema } from '#src/config/json-schema.js';

import { Built } from '../cli/built.js';
import { newKey } from './fixture.js';

let built: Built;
beforeAll(() => {
  built = new Built();
});
afterAll(() => built.remove());

const place = (name: string, text: string): string => {
  const path = join(built.root, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};

describe('postern config check', () => {
  it('says that a configuration is in order, with its warnings, and ends with 0', async () => {
    const ended = await built.postern(['config', 'check', 'local']);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const [verdict, first] = ended.stdout.split('\n');
    expect(verdict).toBe('in order: the profile local (dev) would start');
    expect(first).toMatch(/^ {2}warning: ENVIRONMENT is dev/);
  });

  it('says every fault of one that is not, each on a line with what to do, and ends with 1', async () => {
    const ended = await built.postern(['config', 'check'], { GRANT_TTL_MAX: 'x', TENANT_ID: 'acme' });
    expect(ended).toMatchObject({ code: 1, stderr: '' });
    const [verdict = '', ...lines] = ended.stdout.trimEnd().split('\n');
    expect(verdict).toMatch(/^\d+ faults: the environment alone \(production\) would not start$/);
    expect(lines).toHaveLength(Number.parseInt(verdict, 10));
    expect(lines).toContain('  GRANT_TTL_MAX (environment) must be an integer from 1 to 86400, not "x".');
    expect(lines).toContain('  ROOT_KEY is required outside dev: set it, or ROOT_KEY_FILE.');
  });

  it('prints one JSON object on demand, for both verdicts', async () => {
    const good = await built.postern(['config', 'check', 'local', '--json']);
    expect(good.code).toBe(0);
    expect(JSON.parse(good.stdout)).toMatchObject({ ok: true, profile: 'local', environment: 'dev', faults: [] });
    const bad = await built.postern(['config', 'check', 'local', '--json'], { STORE: 'redis' });
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.stdout)).toMatchObject({
      ok: false,
      faults: [{ path: 'STORE', what: 'is redis, which is not supported yet' }],
    });
  });

  it('takes a file from where the person stands, and lets it win over POSTERN_PROFILE', async () => {
    place('mine.yaml', 'ENVIRONMENT: dev\nSTATE_DIR: state\nAUDIT_DIR: audit\n');
    const ended = await built.postern(['config', 'check', 'mine.yaml'], { POSTERN_PROFILE: 'gone.yaml' });
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^in order: mine\.yaml \(dev\)/) });
    expect(await built.postern(['config', 'check'], { POSTERN_PROFILE: 'gone.yaml' })).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/POSTERN_PROFILE names the profile gone\.yaml, whose file cannot be read/),
    });
  });

  it('judges the file alone with --no-env, and as a start would without it', async () => {
    const env = { ENVIRONMENT: 'production' };
    expect((await built.postern(['config', 'check', 'local', '--no-env'], env)).code).toBe(0);
    expect((await built.postern(['config', 'check', 'local'], env)).code).toBe(1);
  });

  it('ends with 2 for a mistyped command, which says nothing about a configuration', async () => {
    for (const args of [['--jsn'], ['a', 'b']]) {
      expect(await built.postern(['config', 'check', ...args])).toMatchObject({ code: 2, stdout: '' });
    }
    expect((await built.postern(['config', 'check', '--help'])).code).toBe(0);
  });

  it('colours nothing where stdout is no terminal or NO_COLOR is set', async () => {
    for (const env of [{}, { NO_COLOR: '1' }]) {
      const { stdout } = await built.postern(['config', 'check', 'local'], env);
      // eslint-disable-next-line no-control-regex
      expect(stdout).not.toMatch(/\u001b\[/);
    }
  });
});

describe('postern config show', () => {
  it('prints every setting with its value and its origin, one a line', async () => {
    const { code, stdout, stderr } = await built.postern(['config', 'show', 'local'], {
      GRANT_TTL_MAX: '60',
      GRANT_TTL_DEFAULT: '6',
    });
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
    expect(lines).toContainEqual(['ENVIRONMENT', '"dev"', join(built.root, 'config/local.yaml')]);
    expect(lines).toContainEqual(['GRANT_TTL_MAX', '"60"', 'environment']);
    expect(lines).toContainEqual(['GRANT_MAX_USES_MAX', '1000', 'default']);
    expect(lines).toContainEqual(['PUBLIC_ORIGIN', '-', 'unset']);
    expect(lines).toContainEqual(['providers[0].name', '"yaml"', join(built.root, 'config/local.yaml')]);
  });

  it('prints no secret, as a table or as JSON', async () => {
    const [root, salt] = [newKey(), newKey()];
    const file = place('salt', `${salt}\n`);
    for (const args of [[], ['--json']]) {
      const { code, stdout, stderr } = await built.postern(['config', 'show', 'local', ...args], {
        ROOT_KEY: root,
        TENANT_SALT_FILE: file,
      });
      expect(code).toBe(0);
      expect(stdout).toContain('[sealed]');
      expect(stdout).toContain(`${file} (TENANT_SALT_FILE)`);
      for (const key of [root, salt]) expect(stdout + stderr).not.toContain(key);
    }
  });

  it('shows what is faulty too, says the faults on stderr, and ends with 1', async () => {
    const { code, stdout, stderr } = await built.postern(['config', 'show', 'local', '--json'], {
      GRANT_TTL_MAX: 'soon',
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ settings: { GRANT_TTL_MAX: { value: 'soon', from: 'environment' } } });
    expect(stderr).toBe('fault: GRANT_TTL_MAX (environment) must be an integer from 1 to 86400, not "soon".\n');
  });

  it('ends quietly when nobody reads on', async () => {
    const program = join(built.root, 'src/cli/postern.mjs');
    const read = `'${process.execPath}' '${program}' config show local | true`;
    const { stderr } = spawnSync('sh', ['-c', read], {
      cwd: built.root,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    });
    expect(stderr).toBe('');
  });

  it('lets no value act on the terminal', async () => {
    const { stdout } = await built.postern(['config', 'show'], { SECRETS_AUDIENCE: '\u001b[31mred' });
    expect(stdout).toContain(String.raw`"\u001b[31mred"`);
    // eslint-disable-next-line no-control-regex
    expect(stdout).not.toMatch(/\u001b/);
  });
});

describe('what is made from the schema', () => {
  it.each([
    ['doc', 'docs/configuration.md', renderConfiguration],
    ['schema', 'config/postern.schema.json', renderJsonSchema],
  ])('postern config %s prints it, and writes it to %s on demand', async (command, path, render) => {
    expect(await built.postern(['config', command])).toEqual({ code: 0, stdout: render(), stderr: '' });
    expect(await built.postern(['config', command, '--write'])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(readFileSync(join(built.root, path), 'utf8')).toBe(render());
  });
});
