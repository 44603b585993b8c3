import { describe, expect, it } from '@jest/globals';

import { refsOf } from '#libs/audit/resource-ref.js';
import { providerNames } from '#libs/kernel/provider-names.js';
import { parseSecretUri } from '#libs/kernel/secret-uri.js';
import { openKept } from '#src/composition/kept.js';
import { tenantsOf } from '#src/composition/tenants.js';
import type { Config } from '#src/config/config.js';

import { load, newJwks, newKey } from '../config/fixture.js';

const [RED, BLUE] = ['https://red.example', 'https://blue.example'];
const [oldSalt, newSalt] = [newKey(), newKey()];

function configured(): Config {
  const issuer = (name: string | undefined): object => ({
    issuer: name,
    jwks_file: 'jwks.json',
    algorithms: 'ES256',
    claims: { tenant: 'tenant' },
  });
  const provider = (name: string): object => ({ name, type: 'yaml', path: `${name}.yaml` });
  const file = {
    issuers: [issuer(RED), issuer(BLUE)],
    providers: [provider('one'), provider('two')],
    tenants: [
      {
        id: 'red',
        issuers: [RED],
        mounts: 'kv',
        providers: ['one'],
        acr_values: ['silver', 'gold'],
        salts: [
          { id: '1', key: oldSalt },
          { id: '2026', key: newSalt },
        ],
      },
      { id: 'blue', issuers: [BLUE], mounts: 'two://kv', providers: ['two'], salt: newKey() },
    ],
  };
  const env = { ENVIRONMENT: 'test', AUDIT_DIR: 'audit', ROOT_KEY: newKey() };
  return load(env, file, { '/srv/postern/jwks.json': newJwks() });
}

describe('tenants from a configuration', () => {
  const config = configured();
  const tenants = tenantsOf(config, []);
  const uri = parseSecretUri('one://kv/app#k', providerNames([{ name: 'one' }]));

  it('I10: have their own issuers, mounts, providers and acr values, and nothing of each other’s', () => {
    const [red, blue] = [tenants.get('red'), tenants.get('blue')];
    expect([...(red?.issuers ?? []), ...(blue?.issuers ?? [])]).toEqual([RED, BLUE]);
    expect([red?.mounts, blue?.mounts]).toEqual([[{ mount: 'kv' }], [{ provider: 'two', mount: 'kv' }]]);
    expect([red?.acrValues, blue?.acrValues]).toEqual([['silver', 'gold'], []]);
    expect([red?.claimOptional, blue?.claimOptional]).toEqual([false, false]);
    for (const [tenant, own, other] of [
      [red, 'one', 'two'],
      [blue, 'two', 'one'],
    ] as const) {
      const names = tenant?.providers ?? providerNames([]);
      expect(parseSecretUri(`${own}://kv/a`, names).provider).toBe(own);
      expect(() => parseSecretUri(`${other}://kv/a`, names)).toThrow('UNSUPPORTED_PROVIDER');
    }
  });

  it('I30: make references with their newest salt, and count quotas under their oldest', async () => {
    const refs = refsOf((await openKept(config)).salts);
    expect(refs.resourceRef('red', uri)).toMatch(/^2026\./);
    expect(refs.quotaRef('red', uri)).toMatch(/^1\./);
    expect(refs.resourceRef('blue', uri)).toMatch(/^1\./);
    expect(refs.quotaRef('blue', uri)).not.toBe(refs.quotaRef('red', uri));
    // what the trail holds from before the change is still found
    const before = refsOf(new Map([['red', [{ id: '1', key: Buffer.from(oldSalt, 'base64') }]]]));
    expect(refs.allRefs('red', uri)).toEqual([refs.resourceRef('red', uri), before.resourceRef('red', uri)]);
    expect(refs.quotaRef('red', uri)).toBe(before.quotaRef('red', uri));
  });
});
