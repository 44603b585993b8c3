import { generateKeyPairSync, randomBytes } from 'node:crypto';

import { stringify } from 'yaml';

import type { Config } from '#src/config/config.js';
import { ConfigError } from '#src/config/faults.js';
import { loadConfig } from '#src/config/load.js';

/** Files by absolute path; a file is its text, or text and permission bits. */
export type Files = Readonly<Record<string, string | { readonly text: string; readonly mode: number }>>;
export type Env = Readonly<Record<string, string>>;

export const newKey = (bytes = 32): string => randomBytes(bytes).toString('base64');

export function newJwks(): string {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256' }] });
}

/** @throws ConfigError */
export function load(env: Env, file?: unknown, files: Files = {}, profile = '/etc/postern.yaml'): Config {
  const text = typeof file === 'string' ? file : stringify(file, { aliasDuplicateObjects: false });
  const path = profile === 'local' ? '/srv/postern/config/local.yaml' : profile;
  const all: Files = file === undefined ? files : { ...files, [path]: text };
  return loadConfig({
    env,
    profile: file === undefined ? undefined : profile,
    directory: '/srv/postern',
    readFile: (wanted) => {
      const found = all[wanted];
      if (found === undefined) throw new Error(`ENOENT: no such file ${wanted}`);
      return typeof found === 'string' ? { text: found, mode: 0o600 } : found;
    },
  });
}

/** What is wrong, as `path: what`; empty when nothing is. */
export function faultsOf(...args: Parameters<typeof load>): string[] {
  try {
    load(...args);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map(({ path, what }) => `${path}: ${what}`);
  }
}

/** The smallest that starts. */
export const DEV: Env = { ENVIRONMENT: 'dev', STATE_DIR: 'state', AUDIT_DIR: 'audit' };
