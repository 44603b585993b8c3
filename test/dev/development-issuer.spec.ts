import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';

import { keySetFrom } from '#libs/identity/key-set.js';
import type { Config } from '#src/config/config.js';
import { ConfigError } from '#src/config/faults.js';
import { type DevSignIn, openDevelopmentIssuer } from '#src/dev/development-issuer.js';
import { freshKeyPair, keptKeyPair } from '#src/dev/kept-key-pair.js';
import { keptRootKey, keptTenantSalt } from '#src/dev/kept-keys.js';
import { openStateFolder } from '#src/dev/state-folder.js';

import { Built } from '../cli/built.js';

let parent: string;
let path: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'postern-state-'));
  path = join(parent, 'var', 'state');
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const permissions = (file: string): number => statSync(file).mode & 0o777;

const ALLOWED: Pick<Config, 'profile' | 'environment' | 'developmentIssuer' | 'secretsAudience' | 'tenants'> = {
  profile: 'local',
  environment: 'dev',
  developmentIssuer: true,
  secretsAudience: 'crud.secrets',
  tenants: [
    { id: 'local', issuers: 'all', claimOptional: true, mounts: [], providers: 'all', salts: [], acrValues: [] },
  ],
};

describe('the state folder', () => {
  it('is made for its owner alone, and so is every file in it', async () => {
    const state = await openStateFolder(path);
    await state.keep('a', () => 'text');
    expect([permissions(path), permissions(join(path, 'a'))]).toEqual([0o700, 0o600]);
  });

  it('keeps what was made first, over restarts', async () => {
    expect(await (await openStateFolder(path)).keep('a', () => 'first')).toBe('first');
    expect(await (await openStateFolder(path)).keep('a', () => 'second')).toBe('first');
  });

  it('leaves no draft behind, also when many ask at once; all get the same', async () => {
    const state = await openStateFolder(path);
    const got = await Promise.all(
      Array.from({ length: 20 }, async (_, at) => await state.keep('a', () => `maker ${at}`)),
    );
    expect(new Set(got).size).toBe(1);
    expect(readdirSync(path)).toEqual(['a']);
  });

  it.each([0o644, 0o640, 0o602])('refuses a file with the permissions %i, and says what to do', async (mode) => {
    const state = await openStateFolder(path);
    await state.keep('a', () => 'text');
    chmodSync(join(path, 'a'), mode);
    await expect(state.keep('a', () => 'other')).rejects.toThrow(/is open to others: delete it .* or chmod 600/);
  });

  it('refuses a folder that others may write into, and leaves it as it is', async () => {
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o777);
    await expect(openStateFolder(path)).rejects.toThrow(/Others may write into .*chmod 700/);
    expect(permissions(path)).toBe(0o777);
  });

  it('makes nothing twice when the maker fails', async () => {
    const state = await openStateFolder(path);
    const failing = state.keep('a', () => {
      throw new Error('no entropy');
    });
    await expect(failing).rejects.toThrow('no entropy');
    expect(readdirSync(path)).toEqual([]);
  });
});

describe('keys that a gateway in dev was not given', () => {
  it('are 32 random bytes each, kept, sealed, one salt for each tenant', async () => {
    const state = await openStateFolder(path);
    const [root, again] = [await keptRootKey(state), await keptRootKey(state)];
    const [red, blue] = [await keptTenantSalt(state, 'red'), await keptTenantSalt(state, 'blue')];
    expect(root.open()).toEqual(again.open());
    const all = [root, red, blue].map((key) => Buffer.from(key.open()));
    expect(all.map((key) => key.length)).toEqual([32, 32, 32]);
    expect(new Set(all.map((key) => key.toString('hex'))).size).toBe(3);
    expect(String(root)).toBe('[sealed]');
  });

  it('are refused when their file is damaged', async () => {
    const state = await openStateFolder(path);
    writeFileSync(join(path, 'root-key'), 'AAAA', { mode: 0o600 });
    await expect(keptRootKey(state)).rejects.toThrow(/root-key is damaged: delete it/);
  });
});

describe('a kept key pair', () => {
  it('is the same over restarts, and its public half holds nothing private', async () => {
    const first = await keptKeyPair(await openStateFolder(path), 'k.json');
    const second = await keptKeyPair(await openStateFolder(path), 'k.json');
    expect(second.thumbprint).toBe(first.thumbprint);
    expect(Object.keys(first.publicJwk).sort()).toEqual(['crv', 'kty', 'x', 'y']);
    expect((await freshKeyPair()).thumbprint).not.toBe(first.thumbprint);
  });

  it.each(['', '{', 'null', '{"kty":"EC"}', '{"kty":"oct","k":"AAAA"}'])(
    'is refused when its file holds %j',
    async (text) => {
      const state = await openStateFolder(path);
      writeFileSync(join(path, 'k.json'), text, { mode: 0o600 });
      await expect(keptKeyPair(state, 'k.json')).rejects.toThrow(/k\.json is damaged: delete it/);
    },
  );
});

describe('the development issuer', () => {
  it.each([
    ['another profile', { profile: '/etc/postern.yaml' }],
    ['no profile', { profile: undefined }],
    ['staging', { environment: 'staging' }],
    ['production', { environment: 'production' }],
    ['a configuration that leaves it off', { developmentIssuer: false }],
  ] as const)('does not open under %s, and makes no key', async (_, change) => {
    const state = await openStateFolder(path);
    await expect(openDevelopmentIssuer({ ...ALLOWED, ...change }, state)).rejects.toBeInstanceOf(ConfigError);
    expect(readdirSync(path)).toEqual([]);
  });

  it('publishes keys that identity takes, and no private one', async () => {
    const { issuer } = await openDevelopmentIssuer(ALLOWED, await openStateFolder(path));
    const { keys } = issuer.jwks as unknown as { keys: { kid: string }[] };
    const set = keySetFrom(issuer.jwks);
    expect(set.faults).toEqual([]);
    expect(await set.key(keys[0]?.kid ?? '', 'ES256')).toBeDefined();
    expect(JSON.stringify(issuer.jwks)).not.toContain('"d"');
    expect(readFileSync(join(path, 'issuer-key.json'), 'utf8')).toContain('"d"');
  });

  it('A7: makes tokens of a user who signed in, in a given way and some time ago, and otherwise of a service', async () => {
    const issuer = await openDevelopmentIssuer(ALLOWED, await openStateFolder(path));
    const claimsOf = async (signIn?: DevSignIn): Promise<Record<string, unknown>> => {
      const [, body = ''] = (await issuer.mintDevToken(signIn === undefined ? {} : { signIn })).split('.');
      return JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
    };
    const user = await claimsOf({ acr: 'urn:x:mfa', age: 90 });
    expect(user).toMatchObject({ subject_type: 'user', acr: 'urn:x:mfa', auth_time: Number(user['iat']) - 90 });
    expect(await claimsOf({ age: 0 })).not.toHaveProperty('acr');
    const service = await claimsOf();
    expect([service['subject_type'], service['acr'], service['auth_time']]).toEqual(['service', undefined, undefined]);
  });

  it('makes RFC 9068 tokens that its keys verify, before and after a restart', async () => {
    const first = await openDevelopmentIssuer(ALLOWED, await openStateFolder(path));
    const second = await openDevelopmentIssuer(ALLOWED, await openStateFolder(path));
    const token = await first.mintDevToken({
      jkt: 'A'.repeat(43),
      groups: ['x'],
      scopes: ['secrets.read'],
      sub: 's',
      clientId: 'c',
    });
    const keys = createLocalJWKSet(second.issuer.jwks as unknown as JSONWebKeySet);
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      issuer: 'urn:postern:dev',
      audience: 'crud.secrets',
      typ: 'at+jwt',
      requiredClaims: ['sub', 'client_id', 'iat', 'exp', 'jti'],
    });
    expect(protectedHeader.alg).toBe('ES256');
    expect(payload).toMatchObject({
      sub: 's',
      client_id: 'c',
      scope: 'secrets.read',
      groups: ['x'],
      tenant: 'local',
      subject_type: 'service',
      cnf: { jkt: 'A'.repeat(43) },
    });
    expect(Number(payload.exp) - Number(payload.iat)).toBe(3600);
  });

  it('names the audience and the tenant of the configuration', async () => {
    const config = { ...ALLOWED, secretsAudience: 'other', tenants: [] };
    const issuer = await openDevelopmentIssuer(config, await openStateFolder(path));
    const [, body = ''] = (await issuer.mintDevToken({})).split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
    expect(claims).toMatchObject({ aud: 'other', groups: ['payments'], sub: 'demo-service' });
    expect(claims).not.toHaveProperty('tenant');
    expect(String(claims['scope'])).not.toContain('secrets.admin');
  });
});

describe('two processes that start at once', () => {
  let built: Built;
  beforeAll(() => {
    built = new Built();
  });
  afterAll(() => built.remove());

  it('agree on every key, though neither was there before', async () => {
    const script = `
      import { openLocalProfile } from './dist/src/dev/local-profile.js';
      import { keptRootKey, keptTenantSalt } from './dist/src/dev/kept-keys.js';
      const { state, issuer } = await openLocalProfile(process.env);
      const keys = [await keptRootKey(state), await keptTenantSalt(state, 'local')].map((key) => Buffer.from(key.open()).toString('hex'));
      console.log(JSON.stringify([issuer.issuer.jwks, ...keys]));
    `;
    for (let round = 0; round < 3; round += 1) {
      const env = { STATE_DIR: join(parent, `round-${round}`) };
      const ended = await Promise.all(
        Array.from({ length: 4 }, async () => await built.node(['--input-type=module', '-e', script], env)),
      );
      expect(ended.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
        Array.from({ length: 4 }, () => ({ code: 0, stderr: '' })),
      );
      expect(new Set(ended.map(({ stdout }) => stdout)).size).toBe(1);
      expect(readdirSync(env.STATE_DIR).sort()).toEqual(['issuer-key.json', 'root-key', 'tenant-salt-local']);
    }
  });
});
