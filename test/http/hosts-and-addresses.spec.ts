import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { addressPrefix, plainAddress } from '#src/http/address.js';
import { Hosts, localOrigins } from '#src/http/hosts.js';
import { RouteTable } from '#src/http/route-table.js';
import { readTraceparent } from '#src/http/traceparent.js';

describe('hosts', () => {
  it.each([
    ['https://a.example', ['a.example', 'A.EXAMPLE', 'a.example:443'], ['a.example:80', 'a.example:', 'b.example', '']],
    ['http://a.example', ['a.example', 'a.example:80'], ['a.example:443']],
    ['https://a.example:8443', ['a.example:8443'], ['a.example', 'a.example:443', 'a.example:08443']],
  ])('of the origin %s', (origin, ours, foreign) => {
    const hosts = new Hosts([origin]);
    for (const host of ours) expect([host, hosts.has(host)]).toEqual([host, true]);
    for (const host of foreign) expect([host, hosts.has(host)]).toEqual([host, false]);
  });

  it('without an origin nothing is ours', () => {
    expect(new Hosts([]).has('localhost')).toBe(false);
  });

  it('of a listener are its loopback names', () => {
    const hosts = new Hosts([]);
    hosts.listensOn({ host: '127.0.0.1', port: 8080 });
    expect(['127.0.0.1:8080', 'localhost:8080', '[::1]:8080'].every((host) => hosts.has(host))).toBe(true);
    expect(hosts.has('localhost')).toBe(false);
    expect(localOrigins({ host: '::1', port: 1 })[0]).toBe('http://[::1]:1');
  });
});

describe('addresses', () => {
  it.each([
    ['192.0.2.77', '192.0.2.0/24'],
    ['::ffff:192.0.2.77', '192.0.2.0/24'],
    ['::FFFF:192.0.2.77', '192.0.2.0/24'],
    ['::1', '0:0:0::/48'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['2001:db8::6', '2001:db8:0::/48'],
    ['fe80::1%eth0', 'fe80:0:0::/48'],
  ])('%s stands in records as %s', (address, prefix) => {
    expect(addressPrefix(address)).toBe(prefix);
  });

  it('never keep what tells one host from another in its network', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(addressPrefix(address)).toBe(`${address.split('.').slice(0, 3).join('.')}.0/24`);
        expect(plainAddress(`::ffff:${address}`)).toBe(address);
      }),
    );
  });
});

describe('traceparent', () => {
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const span = 'b7ad6b7169203331';

  it('is read', () => {
    expect(readTraceparent(`00-${trace}-${span}-01`)).toEqual({ traceId: trace, spanId: span });
  });

  it.each([
    undefined,
    '',
    `ff-${trace}-${span}-01`,
    `01-${trace}-${span}-01`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `00-${'0'.repeat(32)}-${span}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace}-${span}-01-more`,
    `00-${trace}-${span}`,
    ` 00-${trace}-${span}-01`,
  ])('%j is left out', (value) => {
    expect(readTraceparent(value)).toBeUndefined();
  });
});

describe('the table of routes', () => {
  const routes = new RouteTable();
  for (const [method, path] of [
    ['GET', '/a'],
    ['POST', '/a'],
    ['GET', '/a/:id'],
    ['GET', '/a/b'],
  ] as const) {
    routes.add({ method, path });
  }

  it.each([
    ['/a', ['GET', 'POST']],
    ['/a/x', ['GET']],
    ['/a/b', ['GET']],
    ['/a/', []],
    ['/a/x/y', []],
    ['/', []],
    ['', []],
    ['/A', []],
  ])('%s takes %j', (path, methods) => {
    expect(routes.allowed(path)).toEqual(methods);
  });
});
