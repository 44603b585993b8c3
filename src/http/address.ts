import { isIPv4 } from 'node:net';

/**
 * The part of an address that records and logs may hold: /24 of IPv4, /48 of IPv6. Addresses come from the socket, never from a
 * header (spec, Security, T17).
 */
export function addressPrefix(address: string): string {
  const plain = plainAddress(address);
  if (isIPv4(plain)) return `${plain.slice(0, plain.lastIndexOf('.'))}.0/24`;
  return `${firstGroups(plain).join(':')}::/48`;
}

/** An IPv4 address that the socket shows as mapped into IPv6, as the IPv4 address that it is; without a zone. */
export function plainAddress(address: string): string {
  const mapped = address.toLowerCase().startsWith('::ffff:') ? address.slice('::ffff:'.length) : '';
  if (isIPv4(mapped)) return mapped;
  const zone = address.indexOf('%');
  return zone === -1 ? address : address.slice(0, zone);
}

/** The first three of eight groups, each without leading zeros, as the kernel spells them. */
function firstGroups(address: string): string[] {
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array.from({ length: missing }, () => '0'), ...after].slice(0, 3);
}
