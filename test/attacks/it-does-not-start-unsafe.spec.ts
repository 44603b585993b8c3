import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse, stringify } from 'yaml';

import { createGate } from '#src/composition/create-gate.js';
import { readFromDisk } from '#src/config/disk.js';
import { loadConfig } from '#src/config/load.js';

import { Built } from '../cli/built.js';
import { POLICIES, secretsOf } from '../support/gateway.js';
import { makeKey } from '../support/tokens.js';
import { writeWorld } from '../support/world.js';
import { freePort } from '../support/services/ports.js';

/** A configuration that starts, and the process that would start with it; each case makes one thing of it unsafe. */
let built: Built;
let sound: string;
beforeAll(async () => {
  built = new Built();
  sound = mkdtempSync(join(tmpdir(), 'postern-sound-'));
  await writeWorld(sound, {
    keys: { issuer: makeKey('ES256', 'issuer-1'), other: makeKey('ES256', 'other-1') },
    canary: 'canary-value',
    policies: { acme: POLICIES },
    secrets: secretsOf,
    settings: {},
  });
});
afterAll(() => {
  built.remove();
  rmSync(sound, { recursive: true, force: true });
});

type Document = Record<string, unknown> & { issuers: Record<string, unknown>[]; tenants: Record<string, unknown>[] };

interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether anything listened on the port at any moment. */
  readonly listened: boolean;
}

/** Tries to start from a copy of the sound world, after something in it was spoiled. */
async function inWorld<T>(
  spoil: (folder: string, document: Document) => void,
  start: (profile: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-unsafe-'));
  try {
    cpSync(sound, folder, { recursive: true });
    const text = readFileSync(join(sound, 'postern.yaml'), 'utf8');
    const document = parse(text.replaceAll(sound, folder)) as Document;
    document['LISTEN_ADDR'] = `127.0.0.1:${await freePort()}`;
    spoil(folder, document);
    writeFileSync(join(folder, 'postern.yaml'), stringify(document, { aliasDuplicateObjects: false }));
    return await start(join(folder, 'postern.yaml'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Everything that a start does before it listens. @returns what it is refused with */
async function build(profile: string): Promise<string | undefined> {
  try {
    const config = loadConfig({ env: {}, profile, directory: dirname(profile), readFile: readFromDisk });
    await (await createGate(config)).close();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** As a process, which is ended as soon as it listens. */
async function run(profile: string): Promise<Ended> {
  const child = spawn(process.execPath, [join(built.root, 'dist/src/main.js'), '--profile', profile], {
    env: { PATH: process.env['PATH'] },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => (stdout += String(text)));
  child.stderr.on('data', (text) => {
    stderr += String(text);
    if (stderr.includes('listens on')) child.kill('SIGTERM');
  });
  const code = await new Promise<number | string>((resolve) => {
    child.once('close', (status, signal) => resolve(status ?? signal ?? 'gone'));
  });
  return { code, stdout, stderr, listened: stderr.includes('listens on') };
}

const policy = (text: string) => (folder: string) =>
  writeFileSync(join(folder, 'policies/tenants/acme/own.cedar'), text);
const short = (bytes: number): string => randomBytes(bytes).toString('base64');

/** One fault each, and what the person who starts it is told about. */
const UNSAFE: readonly (readonly [string, (folder: string, document: Document) => void, RegExp])[] = [
  ['a policy that is no Cedar', policy('permit principal;'), /own\.cedar/],
  [
    'a policy that the schema does not know',
    policy('@id("a") permit (principal, action == Action::"fly", resource);'),
    /own\.cedar/,
  ],
  [
    'a policy that may fail when it is evaluated',
    policy('@id("a") permit (principal, action, resource) when { context.nothing == 1 };'),
    /own\.cedar/,
  ],
  ['a policy without a name', policy('permit (principal, action, resource);'), /own\.cedar/],
  [
    'a policy whose limit is no number',
    policy('@id("a") @max_uses("true") permit (principal, action in Action::"disclose", resource);'),
    /max_uses/,
  ],
  [
    'N7: a policy whose limit is negative',
    policy('@id("a") @max_uses("-1") permit (principal, action in Action::"disclose", resource);'),
    /max_uses/,
  ],
  ['no schema', (folder) => rmSync(join(folder, 'policies/schema.cedarschema')), /schema\.cedarschema/],
  ['no guardrails', (folder) => rmSync(join(folder, 'policies/guardrails.cedar')), /guardrails\.cedar/],
  ['no folder of policies', (folder) => rmSync(join(folder, 'policies'), { recursive: true }), /policies|POLICIES_DIR/],
  ['no root key', (_folder, document) => delete document['ROOT_KEY'], /ROOT_KEY/],
  ['a short root key', (_folder, document) => (document['ROOT_KEY'] = short(31)), /ROOT_KEY/],
  ['an empty root key', (_folder, document) => (document['ROOT_KEY'] = ''), /ROOT_KEY/],
  [
    'a root key that is no base64',
    (_folder, document) => (document['ROOT_KEY'] = 'not base64 at all, and long enough too'),
    /ROOT_KEY/,
  ],
  ['N23: no salt', (_folder, document) => delete document.tenants[0]!['salt'], /salt/],
  ['N23: a short salt', (_folder, document) => (document.tenants[0]!['salt'] = short(31)), /salt/],
  ['no issuer', (_folder, document) => (document.issuers = []), /issuers/],
  ['an issuer without an algorithm', (_folder, document) => (document.issuers[0]!['algorithms'] = []), /algorithms/],
  [
    'an issuer with an HMAC algorithm',
    (_folder, document) => (document.issuers[0]!['algorithms'] = ['HS256']),
    /algorithms/,
  ],
  ['an issuer with alg none', (_folder, document) => (document.issuers[0]!['algorithms'] = ['none']), /algorithms/],
  [
    'an issuer whose keys are no JSON',
    (folder) => writeFileSync(join(folder, 'issuer.json'), '{'),
    /issuer\.json|jwks/,
  ],
  ['an issuer without keys', (folder) => rmSync(join(folder, 'issuer.json')), /issuer\.json|jwks/],
  ['secrets that are no YAML', (folder) => writeFileSync(join(folder, 'secrets.yaml'), 'a: [b'), /secrets\.yaml|yaml/i],
  ['an environment that there is not', (_folder, document) => (document['ENVIRONMENT'] = 'prod'), /ENVIRONMENT/],
  ['a setting that there is not', (_folder, document) => (document['ALLOW_EVERYTHING'] = true), /ALLOW_EVERYTHING/],
  [
    'a switch that is half off',
    (_folder, document) => (document['ENABLE_AUTHORIZATION'] = 'no'),
    /ENABLE_AUTHORIZATION/,
  ],
  [
    'the shortcuts of a test, in production',
    (_folder, document) => (document['ENVIRONMENT'] = 'production'),
    /PUBLIC_ORIGIN is required/,
  ],
  [
    'the shortcuts of a test, in staging',
    (_folder, document) => (document['ENVIRONMENT'] = 'staging'),
    /PUBLIC_ORIGIN is required/,
  ],
  [
    'no environment, which is production',
    (_folder, document) => delete document['ENVIRONMENT'],
    /PUBLIC_ORIGIN is required/,
  ],
  [
    'an audit folder that cannot be written',
    (folder, document) => {
      writeFileSync(join(folder, 'full'), '');
      document['AUDIT_DIR'] = join(folder, 'full');
    },
    /full|AUDIT_DIR|EEXIST|ENOTDIR/,
  ],
];

/** Some of each kind are tried with a process as well, which is slow. */
const BY_PROCESS = [
  'a policy that is no Cedar',
  'no schema',
  'a short root key',
  'N23: no salt',
  'no environment, which is production',
];

describe('I26: a gateway that would be unsafe does not start', () => {
  it('I26: the sound configuration does: each case below changes one thing of it', async () => {
    const { code, listened } = await inWorld(() => {}, run);
    expect({ code, listened }).toEqual({ code: 0, listened: true });
    expect(await inWorld(() => {}, build)).toBeUndefined();
  });

  it.each(UNSAFE)('I26: %s', async (_title, spoil, told) => {
    const message = await inWorld(spoil, build);
    expect(message).toMatch(told);
    expect(message).not.toContain('canary-value');
  });

  it.each(UNSAFE.filter(([title]) => BY_PROCESS.includes(title)))(
    'I26: as a process it ends with a sentence for a person: %s',
    async (_title, spoil, told) => {
      const { code, stderr, stdout, listened } = await inWorld(spoil, run);
      expect({ code, listened, stderr }).toEqual({ code: 1, listened: false, stderr: expect.stringMatching(told) });
      expect(stderr).not.toMatch(/^ +at /m);
      expect(stderr + stdout).not.toContain('canary-value');
    },
  );

  it('I26: is tried as a process in every way that is named for it', () => {
    expect(UNSAFE.filter(([title]) => BY_PROCESS.includes(title))).toHaveLength(BY_PROCESS.length);
  });
});
