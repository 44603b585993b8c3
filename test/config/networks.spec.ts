import { describe, expect, it } from '@jest/globals';

import { DEV, faultsOf, load } from './fixture.js';

const ORIGIN = { PUBLIC_ORIGIN: 'https://secrets.example.com' };

describe('networks of the configuration', () => {
  it('N27: unset, no proxy is trusted and everybody may call', () => {
    expect(load(DEV).addresses).toMatchObject({ proxies: [], allowed: undefined });
  });

  it('N27: a list that is set but empty allows nobody, from the environment as from a file', () => {
    expect(load({ ...DEV, ADDRESS_ALLOWLIST: '' }).addresses.allowed).toEqual([]);
    expect(load({ ...DEV, ADDRESS_ALLOWLIST: '  ' }).addresses.allowed).toEqual([]);
    expect(load(DEV, { ADDRESS_ALLOWLIST: [] }).addresses.allowed).toEqual([]);
  });

  it('N27: holds networks and single addresses of both families', () => {
    const { allowed } = load({ ...DEV, ADDRESS_ALLOWLIST: '10.0.0.0/8, 192.0.2.7,2001:DB8::/32' }).addresses;
    expect(allowed).toEqual([
      { network: { family: 'ipv4', text: '10.0.0.0' }, prefix: 8 },
      { network: { family: 'ipv4', text: '192.0.2.7' }, prefix: 32 },
      { network: { family: 'ipv6', text: '2001:db8::' }, prefix: 32 },
    ]);
  });

  it.each([
    '10.0.0.1/8',
    '010.0.0.0/8',
    '10.0.0.0/8,',
    '[::1]/128',
    'localhost',
    '::ffff:10.0.0.0/104',
    'fe80::1%eth0',
    'true',
    '*',
  ])('T17: %s is refused for what it is', (text) => {
    for (const name of ['ADDRESS_ALLOWLIST', 'TRUSTED_PROXY_CIDRS']) {
      const faults = faultsOf({ ...DEV, [name]: text });
      expect(faults).toHaveLength(1);
      expect(faults[0]).toMatch(new RegExp(`^${name}: holds what cannot be used; each item (must be|is no|spells)`));
    }
  });

  it.each(['0.0.0.0/0', '::/0', '10.0.0.0/8,::/0'])('T17: a proxy cannot be everybody (%s)', (text) => {
    expect(faultsOf({ ...DEV, TRUSTED_PROXY_CIDRS: text })).toEqual([
      'TRUSTED_PROXY_CIDRS: holds a network of everybody, so that any client could say who it is: name the networks of the proxies',
    ]);
  });
});

describe('rates of the configuration', () => {
  it('are off unless set', () => {
    expect(load(DEV).rates).toEqual({ address: undefined, tenant: undefined, subject: undefined });
    expect(load({ ...DEV, RATE_LIMIT_ADDRESS: 'off' }).rates.address).toBeUndefined();
  });

  it('are so many a second, and so many at once', () => {
    const env = { RATE_LIMIT_ADDRESS: '50/100', RATE_LIMIT_TENANT: '0.5/5', RATE_LIMIT_SUBJECT: '10/10' };
    expect(load({ ...DEV, ...env }).rates).toEqual({
      address: { perMs: 50_000, burst: 100 },
      tenant: { perMs: 500, burst: 5 },
      subject: { perMs: 10_000, burst: 10 },
    });
  });

  it.each(['50', '50/0', '0/5', '50/s', '-1/5', '50/1.5', 'on', 'OFF', '1e3/5', '50 / 100', 'unlimited'])(
    '%s is refused, and the fault says how to write one',
    (text) => {
      expect(faultsOf({ ...DEV, RATE_LIMIT_SUBJECT: text })).toEqual([
        `RATE_LIMIT_SUBJECT: must be off, or rate/burst such as 50/100 (50 a second, 100 at once; 0.001 to 1000000, burst a whole number from 1), not "${text}"`,
      ]);
    },
  );
});

describe('the protected resource of the configuration', () => {
  it('R1: is the public origin unless it has a name of its own', () => {
    expect(load({ ...DEV, ...ORIGIN }).resource).toEqual({ identifier: undefined, documentation: undefined });
  });

  it.each([
    'https://secrets.example.com',
    'https://secrets.example.com/',
    'https://secrets.example.com/api/v1',
    'https://secrets.example.com/api/',
  ])('R3: %s stays as it is written, octet for octet', (identifier) => {
    expect(load({ ...DEV, ...ORIGIN, RESOURCE_IDENTIFIER: identifier }).resource.identifier).toBe(identifier);
  });

  it.each([
    'https://secrets.example.com?a=b', 'https://secrets.example.com/#a', 'https://secrets.example.com/a?b', 'https://secrets.example.com/a b', 'https://secrets.example.com//a',
    'https://secrets.example.com/a/../b', 'https://secrets.example.com/%61', 'https://secrets.example.com/:a', 'https://secrets.example.com/*', 'https://Secrets.example.com', 'https://secrets.example.com:443',
    'https://u@secrets.example.com', 'urn:secrets', 'secrets.example.com', 'ftp://secrets.example.com', 'https://bücher.example',
  ])('R3: %s is refused', (identifier) => {
    expect(faultsOf({ ...DEV, ...ORIGIN, RESOURCE_IDENTIFIER: identifier })[0]).toMatch(
      /^RESOURCE_IDENTIFIER: must be an origin, or an origin and a path/,
    );
  }); // prettier-ignore

  it.each([
    [{ ...ORIGIN, RESOURCE_IDENTIFIER: 'https://other.example.com/api' }],
    [{ ...ORIGIN, RESOURCE_IDENTIFIER: 'http://secrets.example.com' }],
    [{ RESOURCE_IDENTIFIER: 'https://secrets.example.com' }],
  ])('R1: an identifier whose document would lie on another host is refused (%#)', (env) => {
    expect(faultsOf({ ...DEV, ...env })).toEqual([
      'RESOURCE_IDENTIFIER: must be PUBLIC_ORIGIN or a path below it: set both, or neither',
    ]);
  });

  it('R4: names documentation by its address', () => {
    const at = 'https://docs.example.com/a?b=c#d';
    expect(load({ ...DEV, RESOURCE_DOCUMENTATION: at }).resource.documentation).toBe(at);
    for (const bad of [
      'docs',
      '/docs',
      'javascript:alert(1)',
      'https://u:p@docs.example.com/',
      'https://docs.example.com/a b',
    ]) {
      expect(faultsOf({ ...DEV, RESOURCE_DOCUMENTATION: bad })).toEqual([
        `RESOURCE_DOCUMENTATION: must be an absolute address such as https://docs.example.com/secrets, not "${bad}"`,
      ]);
    }
  });
});
