import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { BadCidr, bitsOf, Cidrs, parseCidr, parseIp } from '#src/http/cidrs.js';

const set = (...texts: string[]): Cidrs => new Cidrs(texts.map(parseCidr));

const v4 = fc.tuple(...Array.from({ length: 4 }, () => fc.nat(255))).map((parts) => parts.join('.'));
const v6 = fc.tuple(...Array.from({ length: 8 }, () => fc.oneof(fc.constant(0), fc.nat(0xffff))));

const spelled = (groups: readonly number[]): string => groups.map((group) => group.toString(16)).join(':');
const number = (groups: readonly number[], bits: number): bigint =>
  groups.reduce((sum, group) => (sum << BigInt(bits)) + BigInt(group), 0n);

/** The first address of the network that an address lies in. */
function first(groups: readonly number[], bits: number, prefix: number): readonly number[] {
  return groups.map((group, index) => {
    const kept = Math.min(bits, Math.max(0, prefix - index * bits));
    return group - (group % 2 ** (bits - kept));
  });
}

const mapped = (address: string): string => `::ffff:${address}`;
const mappedInHex = (address: string): string => {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return `0:0:0:0:0:FFFF:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16).toUpperCase()}`;
};

/** Spellings that some reader somewhere takes for an address. */
const HOSTILE = [
  '', ' ', '.', '...', '1', '1.2', '1.2.3', '1.2.3.', '.1.2.3', '1..2.3', '1.2.3.4.', '1.2.3.4.5', '2130706433', '0x7f000001', '017700000001',
  '01.2.3.4', '1.2.3.04', '001.002.003.004', '0x7f.0.0.1', '127.0x0.0.1', '0177.0.0.1', '1.2.3.256', '1.2.3.-4', '+1.2.3.4', '1.2.3.4e0',
  ' 1.2.3.4', '1.2.3.4 ', '1.2.3.4\n', '1.2.3.4\t', '1.2.3.4\0', '1.2.3.4:80', '[1.2.3.4]', '1.2.3.4%lo', '١.٢.٣.٤', '1。2。3。4', '１.2.3.4', '1,2,3,4', '1.2.3.*',
  ':', ':::', '1:2', ':1', '1:', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8::', '12345::', '00001::', '::g', '::-1', '::0x1', '[::1]', '[::1]:80', '::1%lo', '::1%0', '::1%',
  'fe80::1%eth0', '::1 ', ' ::1', '::1\n', '::1\0', '::1.2.3', '::1.2.3.04', '::ffff:01.2.3.4', '::ffff:1.2.3.4:80', '::ffff:1.2.3.4%lo', '::1.2.3.4:0', 'localhost', 'unknown', '_hidden', 'null', 'undefined', 'for=1.2.3.4', '"1.2.3.4"', '-', '*', 'any', 'all',
]; // prettier-ignore

describe('a set of networks', () => {
  it('N27: holds exactly the IPv4 addresses that share its leading bits', () => {
    const parts = fc.tuple(...Array.from({ length: 4 }, () => fc.nat(255)));
    fc.assert(
      fc.property(parts, parts, fc.nat(32), fc.boolean(), (network, other, prefix, near) => {
        const start = first(network, 8, prefix);
        const address = near ? network : other;
        const shares = number(first(address, 8, prefix), 8) === number(start, 8);
        const cidrs = set(`${start.join('.')}/${prefix}`);
        expect(cidrs.has(address.join('.'))).toBe(shares);
        expect(cidrs.has(mapped(address.join('.')))).toBe(shares);
        expect(cidrs.has(mappedInHex(address.join('.')))).toBe(shares);
      }),
      { numRuns: 2000 },
    );
  });

  it('N27: holds exactly the IPv6 addresses that share its leading bits, IPv4-mapped ones never', () => {
    fc.assert(
      fc.property(v6, v6, fc.nat(128), fc.boolean(), (network, other, prefix, near) => {
        const start = first(network, 16, prefix);
        const isMapped = (groups: readonly number[]): boolean => number(groups, 16) >> 32n === 0xffffn;
        fc.pre(!isMapped(start));
        const address = near ? network : other;
        const shares = number(first(address, 16, prefix), 16) === number(start, 16) && !isMapped(address);
        expect(set(`${spelled(start)}/${prefix}`).has(spelled(address))).toBe(shares);
      }),
      { numRuns: 2000 },
    );
  });

  it('N27: takes an IPv4-mapped address for the IPv4 address, in every spelling of it', () => {
    const cidrs = set('10.0.0.0/8');
    for (const address of ['::ffff:10.1.2.3', '::FFFF:10.1.2.3', '::ffff:0a01:0203', '0:0:0:0:0:ffff:10.1.2.3']) {
      expect(cidrs.has(address)).toBe(true);
    }
    expect(set('::/0').has('::ffff:10.1.2.3')).toBe(false);
    expect(set('::/0').has('10.1.2.3')).toBe(false);
    expect(set('0.0.0.0/0').has('::1')).toBe(false);
    expect(set('10.0.0.0/8').has('::10.1.2.3')).toBe(false);
    expect(set('10.0.0.0/8').has('64:ff9b::10.1.2.3')).toBe(false);
  });

  it('N27: has nobody in it when it is empty', () => {
    fc.assert(
      fc.property(fc.oneof(v4, v6.map(spelled)), (address) => {
        expect(new Cidrs([]).has(address)).toBe(false);
      }),
    );
  });

  it('N27: takes one address alone as the network of that address', () => {
    const cidrs = set('192.0.2.7', '2001:db8::7');
    expect(
      ['192.0.2.7', '192.0.2.6', '2001:db8::7', '2001:DB8:0::0:7', '2001:db8::8'].map((one) => cidrs.has(one)),
    ).toEqual([true, false, true, true, false]);
  });
});

describe('a hostile spelling of an address', () => {
  it.each(HOSTILE)('T17: %j is no address, is in no network and is refused in a configuration', (text) => {
    expect(parseIp(text)).toBeUndefined();
    expect(set('0.0.0.0/0', '::/0').has(text)).toBe(false);
    expect(() => parseCidr(text)).toThrow(BadCidr);
    expect(() => parseCidr(`${text}/8`)).toThrow(BadCidr);
  });

  it('T17: no text throws, and what is taken has one spelling that is taken again', () => {
    const noise = fc.string({ unit: fc.constantFrom(...'0123456789abcdefx.:%/[] \0\n'.split('')), maxLength: 48 });
    fc.assert(
      fc.property(fc.oneof(noise, v4, v6.map(spelled), fc.string()), (text) => {
        const ip = parseIp(text);
        if (ip === undefined) expect(set('0.0.0.0/0', '::/0').has(text)).toBe(false);
        else expect(parseIp(ip.text)).toEqual(ip);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('one address', () => {
  it('T17: is the number that its parts make', () => {
    fc.assert(
      fc.property(v6, (groups) => {
        const ip = parseIp(spelled(groups));
        if (ip === undefined) throw new Error('an address');
        expect(bitsOf(ip)).toBe(ip.family === 'ipv4' ? number(groups.slice(6), 16) : number(groups, 16));
      }),
    );
    expect(bitsOf({ family: 'ipv6', text: '::1.2.3.4' })).toBe(0x01020304n);
    expect(bitsOf({ family: 'ipv4', text: '1.2.3.4' })).toBe(0x01020304n);
  });
});

describe('a network in a configuration', () => {
  it.each([
    ['10.0.0.1/8', 'is no network, since 10.0.0.1 is not the first address of its /8: "10.0.0.1/8"'],
    ['2001:db8::1/32', 'is no network, since 2001:db8::1 is not the first address of its /32: "2001:db8::1/32"'],
    ['10.0.0.0/33', 'has more than 32 bits: "10.0.0.0/33"'],
    ['::/129', 'has more than 128 bits: "::/129"'],
    [
      '::ffff:10.0.0.0/104',
      'spells an IPv4 address as IPv6 ("::ffff:10.0.0.0/104"): write 10.0.0.0, and count its bits from there',
    ],
    ['10.0.0.0/08', 'must be an address such as 10.0.0.0/8 or 2001:db8::/32, not "10.0.0.0/08"'],
    ['10.0.0.0/', 'must be an address such as 10.0.0.0/8 or 2001:db8::/32, not "10.0.0.0/"'],
    ['10.0.0.0/8/8', 'must be an address such as 10.0.0.0/8 or 2001:db8::/32, not "10.0.0.0/8/8"'],
    ['10.0.0.0/+8', 'must be an address such as 10.0.0.0/8 or 2001:db8::/32, not "10.0.0.0/+8"'],
    ['10.0.0.0/255.0.0.0', 'must be an address such as 10.0.0.0/8 or 2001:db8::/32, not "10.0.0.0/255.0.0.0"'],
    ['10/8', 'must be an address such as 10.0.0.0/8 or 2001:db8::/32, not "10/8"'],
  ])('T17: %s is refused, and the fault says why', (text, message) => {
    expect(() => parseCidr(text)).toThrow(new BadCidr(message));
  });
});
