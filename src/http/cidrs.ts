import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net';

import { LRUCache } from 'lru-cache';

/** One IP address in its one spelling: IPv4 as four numbers, IPv6 as RFC 5952 writes it; never IPv4 in IPv6 clothes. */
export interface IpAddress {
  readonly family: 'ipv4' | 'ipv6';
  readonly text: string;
}

/** One network: the address it begins with, and how many leading bits its members share. */
export interface Cidr {
  readonly network: IpAddress;
  readonly prefix: number;
}

/** A text that is no network. The message is one sentence without subject and full stop, for whoever configured it. */
export class BadCidr extends Error {
  override readonly name = 'BadCidr';
}

/**
 * A set of IPv4 and IPv6 networks (RFC 4632 section 3.1, RFC 4291 section 2.3), such as the trusted proxies. An IPv4-mapped IPv6
 * address is the IPv4 address: it matches IPv4 networks only, so that `::/0` is all of IPv6 and nothing of IPv4. Other forms of
 * IPv4 inside IPv6 (IPv4-compatible, NAT64, 6to4) are the IPv6 addresses that they are spelled as.
 */
export class Cidrs {
  // One list a family: a single one would compare an IPv4 address with the IPv6 networks too.
  readonly #lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  readonly networks: readonly Cidr[];

  /** @param networks none = no address is in the set */
  constructor(networks: readonly Cidr[]) {
    this.networks = networks;
    for (const { network, prefix } of networks) {
      this.#lists[network.family].addSubnet(network.text, prefix, network.family);
    }
  }

  /** Whether an address lies in one of the networks; a text that is no address lies in none. */
  has(address: string): boolean {
    const ip = parseIp(address);
    return ip !== undefined && this.#lists[ip.family].check(ip.text, ip.family);
  }
}

/**
 * One address, strictly: no leading zeros, no hex or octal, no missing parts, no zone, brackets, port or spaces. What this refuses
 * other readers may take for some other address.
 */
export function parseIp(text: string): IpAddress | undefined {
  if (isIPv4(text)) return { family: 'ipv4', text };
  const known = SPELLED.get(text);
  if (known !== undefined) return known;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const spelled = new SocketAddress({ address: text, family: 'ipv6' }).address;
  const mapped = spelled.startsWith('::ffff:') ? spelled.slice('::ffff:'.length) : '';
  const address: IpAddress = isIPv4(mapped) ? { family: 'ipv4', text: mapped } : { family: 'ipv6', text: spelled };
  SPELLED.set(text, address);
  return address;
}

/** Finding the one spelling of an IPv6 address takes 3 µs, several times for each request of a peer; what may fill this is bounded. */
const SPELLED = new LRUCache<string, IpAddress>({ max: 1_024 });

const BITS = { ipv4: 32, ipv6: 128 } as const;

/**
 * `address/bits`, or one address alone. A network that is not named by its first address is refused, since one of its two numbers is
 * a slip; so is an IPv4 network spelled as IPv6, since nothing would ever match it.
 *
 * @throws BadCidr
 */
export function parseCidr(text: string): Cidr {
  const [, address = '', digits] = /^([^/]+?)(?:\/(0|[1-9][0-9]{0,2}))?$/.exec(text) ?? [];
  const network = parseIp(address);
  if (network === undefined)
    throw new BadCidr(`must be an address such as 10.0.0.0/8 or 2001:db8::/32, not ${quoted(text)}`);
  if (network.family === 'ipv4' && address.includes(':')) {
    throw new BadCidr(
      `spells an IPv4 address as IPv6 (${quoted(text)}): write ${network.text}, and count its bits from there`,
    );
  }
  const most = BITS[network.family];
  const prefix = digits === undefined ? most : Number(digits);
  if (prefix > most) throw new BadCidr(`has more than ${most} bits: ${quoted(text)}`);
  const hostBits = BigInt(most - prefix);
  if ((bitsOf(network) >> hostBits) << hostBits !== bitsOf(network)) {
    throw new BadCidr(`is no network, since ${address} is not the first address of its /${prefix}: ${quoted(text)}`);
  }
  return { network, prefix };
}

/** An address as one number. */
export function bitsOf({ family, text }: IpAddress): bigint {
  if (family === 'ipv4') return joined(text.split('.').map(Number), 8n);
  return joined(groupsOf(text), 16n);
}

/** The eight groups of an IPv6 address that `parseIp` spelled. */
function groupsOf(text: string): readonly number[] {
  const hex = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, a: string, b: string, c: string, d: string) =>
    [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)].map((group) => group.toString(16)).join(':'),
  );
  const [head = [], tail = []] = hex.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16));
}

function joined(parts: readonly number[], bits: bigint): bigint {
  return parts.reduce((number, part) => (number << bits) | BigInt(part), 0n);
}

/** As an error may show it: short, on one line. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 63)}…` : text);
}
