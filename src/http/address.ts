import { parseIp } from './cidrs.js';

/** The part of an address that records and logs may hold: /24 of IPv4, /48 of IPv6. */
export function addressPrefix(address: string): string {
  return networkOf(address, { ipv4: 3, ipv6: 3 });
}

/**
 * What an address is counted with: itself, and an IPv6 address with all of its /64, which one machine has to itself (RFC 4291
 * section 2.5.1; RFC 6177 gives a site even more).
 */
export function addressBucket(address: string): string {
  return networkOf(address, { ipv4: 4, ipv6: 4 });
}

/** An IPv4 address that the socket shows as mapped into IPv6, as the IPv4 address that it is; without a zone. */
export function plainAddress(address: string): string {
  const zone = address.indexOf('%');
  const unzoned = zone === -1 ? address : address.slice(0, zone);
  return parseIp(unzoned)?.text ?? unzoned;
}

/** The network that shares so many leading parts of an address, each of 8 bits in IPv4 and of 16 in IPv6. */
function networkOf(address: string, kept: { readonly ipv4: 3 | 4; readonly ipv6: 3 | 4 }): string {
  const plain = plainAddress(address);
  if (plain.includes('.') && !plain.includes(':')) {
    return kept.ipv4 === 4 ? plain : `${plain.slice(0, plain.lastIndexOf('.'))}.0/24`;
  }
  return `${firstGroups(plain).slice(0, kept.ipv6).join(':')}::/${kept.ipv6 * 16}`;
}

/** The first four of eight groups, each without leading zeros. */
function firstGroups(address: string): string[] {
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array.from({ length: missing }, () => '0'), ...after].slice(0, 4);
}
