import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterAll, describe, expect, it } from '@jest/globals';

import { CedarPdp } from '#libs/cedar/cedar-pdp.js';
import { PolicySetRefused } from '#libs/cedar/defects.js';
import { readPolicyFolder } from '#libs/cedar/policy-folder.js';

import { PERMIT_ALL, SCHEMA } from './policies.js';

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true });
});

function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-policies-'));
  made.push(folder);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

const FILES = { 'schema.cedarschema': SCHEMA, 'guardrails.cedar': '', 'policy-set.yaml': 'serial: 3\n' };

describe('a policies folder', () => {
  it('is read by its layout, and what else lies there is left alone', async () => {
    const folder = folderOf({
      ...FILES,
      'README.md': 'x',
      'tenants/acme/a.cedar': PERMIT_ALL,
      'tenants/acme/notes.txt': 'x',
      'tenants/stray.cedar': 'x',
      'entities/a.yaml': 'tenant: acme\n',
      'cases/a.yml': 'cases: []\n',
    });
    const texts = await readPolicyFolder(folder, { serialFromFiles: false });
    expect(texts.tenants.map(({ tenant, file }) => [tenant, file.path])).toEqual([['acme', 'tenants/acme/a.cedar']]);
    expect(texts.entities.map(({ path }) => path)).toEqual(['entities/a.yaml']);
    expect(texts.cases.map(({ path }) => path)).toEqual(['cases/a.yml']);
    expect((await CedarPdp.load(folder, { serialFromFiles: false })).policyVersion('acme')).toMatch(/^3\./u);
  });

  it('needs its schema, its guardrails and its serial', async () => {
    const refused = readPolicyFolder(folderOf({ 'README.md': 'x' }), { serialFromFiles: false });
    await expect(refused).rejects.toThrow(PolicySetRefused);
    await expect(refused).rejects.toMatchObject({
      defects: [
        { file: 'schema.cedarschema', problem: 'the file is missing' },
        { file: 'guardrails.cedar', problem: 'the file is missing' },
        { file: 'policy-set.yaml', problem: 'the file is missing' },
      ],
    });
  });

  it('takes the time of its newest file for a missing serial where that is allowed', async () => {
    const { 'policy-set.yaml': _serial, ...files } = FILES;
    const folder = folderOf(files);
    for (const path of Object.keys(files)) utimesSync(join(folder, path), 1_000, 1_000);
    utimesSync(join(folder, 'guardrails.cedar'), 2_000, 2_000);
    expect((await readPolicyFolder(folder, { serialFromFiles: true })).edition).toBe(2_000);
  });

  it('uses the serial that is there also where it could be missing', async () => {
    const { edition } = await readPolicyFolder(folderOf(FILES), { serialFromFiles: true });
    expect(edition).toEqual({ path: 'policy-set.yaml', text: 'serial: 3\n' });
  });

  it('is text: bytes that are no UTF-8 are refused, not replaced', async () => {
    const folder = folderOf({ ...FILES, 'guardrails.cedar': new Uint8Array([0x2f, 0x2f, 0xff]) });
    await expect(readPolicyFolder(folder, { serialFromFiles: false })).rejects.toMatchObject({
      defects: [{ file: 'guardrails.cedar', problem: 'the file is not UTF-8' }],
    });
  });

  it('names tenants by folders that could be tenants', async () => {
    const folder = folderOf({ ...FILES, 'tenants/-x/a.cedar': '' });
    await expect(readPolicyFolder(folder, { serialFromFiles: false })).rejects.toThrow('not named like a tenant');
  });

  it('that is not there is an error of the system, not a set', async () => {
    await expect(readPolicyFolder(join(tmpdir(), 'postern-no-such-folder'), { serialFromFiles: true })).rejects.toThrow(
      'ENOENT',
    );
  });
});
