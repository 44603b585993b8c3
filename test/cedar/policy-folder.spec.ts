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

describe("a tenant's own folder", () => {
  const CASE = (tenant: string): string =>
    `cases:
  - case: everybody reads in ${tenant}
    tenant: ${tenant}
    subject: { iss: i, sub: s, client: c }
    purpose: read
    secret: yaml://kv/a#b
    expect: { decision: permit, policies: [all], errors: [] }
`;
  const load = async (own: Readonly<Record<string, string>>, shared: Readonly<Record<string, string>> = {}) =>
    await CedarPdp.load(folderOf({ ...FILES, ...shared }), {
      serialFromFiles: false,
      own: new Map([['acme', folderOf(own)]]),
    });

  it('stands in place of tenants/<tenant>, with entities and cases of its own', async () => {
    const { set } = await load(
      {
        'own.cedar': PERMIT_ALL,
        'deep/not.cedar': 'x',
        'entities/people.yaml': 'tenant: acme\ngroups:\n  on-call: ["https://i#alice"]\n',
        'cases/own.yaml': CASE('acme'),
      },
      { 'tenants/globex/own.cedar': '@id("g") permit (principal, action, resource);' },
    );
    expect([...set.tenants.keys()].sort()).toEqual(['acme', 'globex']);
    expect([...(set.tenants.get('acme')?.policies.keys() ?? [])]).toEqual(['all']);
    expect(set.tenants.get('acme')?.known.groups.get('https://i#alice')).toEqual(['on-call']);
    expect(set.cases.map(({ sentence }) => sentence)).toEqual(['everybody reads in acme']);
  });

  it('speaks of no other tenant: neither its subjects nor its decisions', async () => {
    const shared = { 'tenants/globex/own.cedar': '@id("g") permit (principal, action, resource);' };
    const refused = load(
      {
        'own.cedar': PERMIT_ALL,
        'entities/people.yaml': 'tenant: globex\ngroups:\n  on-call: ["https://i#alice"]\n',
        'cases/own.yaml': CASE('globex'),
      },
      shared,
    );
    await expect(refused).rejects.toMatchObject({
      defects: [
        { line: 1, problem: "this folder is tenant acme's: it cannot speak of globex" },
        { line: 2, problem: "this folder is tenant acme's: it cannot speak of globex" },
      ],
    });
  });

  it('lies in one place: files under tenants/<tenant> beside it are refused', async () => {
    const shared = { 'tenants/acme/old.cedar': '@id("old") permit (principal, action, resource);' };
    await expect(load({ 'own.cedar': PERMIT_ALL }, shared)).rejects.toMatchObject({
      defects: [
        { file: 'tenants/acme/old.cedar', problem: 'tenant acme has a folder of its own: move the file there' },
      ],
    });
  });

  it('is part of the version, and of the serial where that is a time', async () => {
    const other = PERMIT_ALL.replace('all', 'other');
    const [one, two] = await Promise.all([PERMIT_ALL, other].map(async (text) => await load({ 'own.cedar': text })));
    expect(one?.policyVersion('acme')).not.toBe(two?.policyVersion('acme'));
    const { 'policy-set.yaml': _serial, ...files } = FILES;
    const [folder, own] = [folderOf(files), folderOf({ 'own.cedar': PERMIT_ALL })];
    for (const path of Object.keys(files)) utimesSync(join(folder, path), 1_000, 1_000);
    utimesSync(join(own, 'own.cedar'), 3_000, 3_000);
    const texts = await readPolicyFolder(folder, { serialFromFiles: true, own: new Map([['acme', own]]) });
    expect(texts.edition).toBe(3_000);
  });

  it('has no serial and no guardrails of its own', async () => {
    const { set } = await load({
      'own.cedar': PERMIT_ALL,
      'policy-set.yaml': 'serial: 99\n',
      'entities/none.yaml': 'tenant: acme\n',
    });
    expect(set.version).toMatch(/^3\./u);
  });

  it('that is not there is a defect like another, told with the rest', async () => {
    const refused = CedarPdp.load(folderOf({ ...FILES, 'guardrails.cedar': new Uint8Array([0xff]) }), {
      serialFromFiles: false,
      own: new Map([['acme', join(tmpdir(), 'postern-no-such-folder')]]),
    });
    await expect(refused).rejects.toMatchObject({
      defects: [{ problem: 'the folder of tenant acme cannot be read' }, { problem: 'the file is not UTF-8' }],
    });
  });
});
