import type { Socket } from 'node:net';

import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { addressBucket } from '#src/http/address.js';
import { Cidrs, parseCidr } from '#src/http/cidrs.js';
import { clientAddress, knownAddress } from '#src/http/client-address.js';
import { HeaderLines } from '#src/http/header-lines.js';

const PROXIES = ['10.0.0.0/8', '2001:db8:10::/48'];

/** What the gateway takes for the client of a connection from `peer` with these X-Forwarded-For lines. */
function seen(
  peer: string | undefined,
  fields: readonly string[] = [],
  proxies: readonly string[] = PROXIES,
): string | undefined {
  const socket = { remoteAddress: peer } as Socket;
  const lines = HeaderLines.read(fields.flatMap((value) => ['X-Forwarded-For', value]));
  return clientAddress(lines, socket, { cidrs: new Cidrs(proxies.map(parseCidr)), thumbprints: new Set() });
}

const anything = fc.array(
  fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.constantFrom('10.0.0.1', '', ' ', ',', 'unknown')),
  { maxLength: 6 },
);

describe('the address of a client', () => {
  it('T17: is the peer of the connection, whatever the header says, when the peer is no trusted proxy', () => {
    fc.assert(
      fc.property(anything, (fields) => {
        expect(seen('192.0.2.9', fields)).toBe('192.0.2.9');
        expect(seen('10.0.0.1', fields, [])).toBe('10.0.0.1');
      }),
    );
  });

  it('T17: is the right-most hop that is no proxy, whatever stands left of it', () => {
    fc.assert(
      fc.property(
        anything,
        fc.array(fc.constantFrom('10.0.0.2', '10.255.255.255', '2001:db8:10::1'), { maxLength: 4 }),
        (left, proxies) => {
          expect(seen('10.0.0.1', [...left, ['203.0.113.7', ...proxies].join(', ')])).toBe('203.0.113.7');
          expect(seen('10.0.0.1', [...left, '203.0.113.7', ...proxies])).toBe('203.0.113.7');
          expect(seen('10.0.0.1', [[...left, '203.0.113.7', ...proxies].join(',')])).toBe('203.0.113.7');
        },
      ),
    );
  });

  it.each<readonly [title: string, peer: string, fields: readonly string[], client: string]>([
    ['the proxy itself when it says nothing', '10.0.0.1', [], '10.0.0.1'],
    ['the first proxy when all hops are proxies', '10.0.0.1', ['10.0.0.3, 10.0.0.2'], '10.0.0.3'],
    ['IPv6', '10.0.0.1', ['2001:DB8:0:0::7'], '2001:db8::7'],
    ['IPv4 in IPv6 clothes', '::ffff:10.0.0.1', ['::ffff:203.0.113.7'], '203.0.113.7'],
    ['a proxy in IPv6 clothes passed over', '10.0.0.1', ['203.0.113.7, ::ffff:10.0.0.2'], '203.0.113.7'],
    ['with tabs and spaces around it', '10.0.0.1', ['\t203.0.113.7 \t,\t10.0.0.2'], '203.0.113.7'],
    ['behind an IPv6 proxy', '2001:db8:10::5', ['203.0.113.7'], '203.0.113.7'],
    ['a link-local peer without its zone', 'fe80::1%eth0', ['203.0.113.7'], 'fe80::1'],
  ])('T17: is %s', (_title, peer, fields, client) => {
    expect(seen(peer, fields)).toBe(client);
  });

  it.each([
    '203.0.113.7:4711', '[2001:db8::7]', '[2001:db8::7]:4711', '2001:db8::7%eth0', '203.0.113.07', '0xcb.0.113.7', '203.0.113', 'unknown', '_hidden', 'client.example', '',
    ' ', '"203.0.113.7"', 'for=203.0.113.7', '203.0.113.7;proto=https', '203.0.113.7 10.0.0.2', '-', '203.0.113.7\u00a0',
  ])('T17: is nobody knows when the hop that counts is %j', (hop) => {
    for (const fields of [[hop], [`203.0.113.9, ${hop}`], ['203.0.113.9', hop], [`${hop}, 10.0.0.2`], [hop, '10.0.0.2']]) {
      expect(seen('10.0.0.1', fields)).toBeUndefined();
    }
    expect(() => knownAddress(undefined)).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', check: 'forwarded address' }),
    );
  }); // prettier-ignore

  it('T17: is nobody knows after more proxies in a row than anybody has', () => {
    const chain = (hops: number): string =>
      ['203.0.113.7', ...Array.from({ length: hops }, () => '10.0.0.2')].join(',');
    expect(seen('10.0.0.1', [chain(15)])).toBe('203.0.113.7');
    expect(seen('10.0.0.1', [chain(16)])).toBeUndefined();
  });

  it('T17: is nobody knows when the connection is gone', () => {
    expect(seen(undefined)).toBeUndefined();
  });
});

describe('the bucket of an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('N27: of %s is %s', (address, bucket) => {
    expect(addressBucket(address)).toBe(bucket);
  });

  it('N27: is one for all addresses of a /64, and another for every other', () => {
    const group = fc.nat(0xffff);
    const half = fc.tuple(group, group, group, group);
    const spelled = (...groups: readonly number[]): string =>
      addressBucket(groups.map((part) => part.toString(16)).join(':'));
    fc.assert(
      fc.property(half, half, half, (network, other, host) => {
        fc.pre(network[0] !== 0 && other[0] !== 0);
        expect(spelled(...network, ...host)).toBe(spelled(...network, 0, 0, 0, 1));
        if (network.join() !== other.join()) expect(spelled(...network, ...host)).not.toBe(spelled(...other, ...host));
      }),
    );
  });
});
