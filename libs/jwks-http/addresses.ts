import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

import { JwksFault } from './jwks-fault.js';

/** An address as `node:dns` gives it. */
export interface Address {
  readonly address: string;
  readonly family: number;
}

/** Of IPv4; the same addresses inside IPv6 (RFC 4291 section 2.5.5.2, RFC 6052 section 2.1) count alike. */
const LOOPBACK_4 = ['127.0.0.0', 8] as const;
/** Nobody publishes keys there: this network, link-local (metadata services of clouds), multicast, reserved (RFC 6890). */
const NOWHERE_4 = [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  // metadata services outside link-local
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
] as const;
const NOWHERE_6 = [
  ['::', 128],
  ['fe80::', 10],
  ['ff00::', 8],
  // metadata services outside link-local
  ['fd00:ec2::254', 128],
  ['fd20:ce::254', 128],
] as const;
/** Where NAT64 puts IPv4 (RFC 6052 section 2.1). What is mapped (`::ffff:…`) the list itself reads as IPv4. */
const NAT64 = '64:ff9b::';

const loopback = new BlockList();
const nowhere = new BlockList();
for (const [net, bits] of NOWHERE_4) add(nowhere, net, bits);
for (const [net, bits] of NOWHERE_6) nowhere.addSubnet(net, bits, 'ipv6');
add(loopback, ...LOOPBACK_4);
loopback.addAddress('::1', 'ipv6');

function add(list: BlockList, net: string, bits: number): void {
  list.addSubnet(net, bits, 'ipv4');
  list.addSubnet(`${NAT64}${net}`, 96 + bits, 'ipv6');
}

/** Whether the name itself says that it means this machine: then only this machine is meant. */
export function isLoopbackHost(hostname: string): boolean {
  const host = bare(hostname);
  return host === 'localhost' || (isIP(host) !== 0 && isIn(loopback, { address: host, family: isIP(host) }));
}

/** Every address of a host, however the machine finds them. Rejects without one. */
export type Resolve = (host: string) => Promise<readonly Address[]>;

/**
 * J9, N25: the addresses of a host, each of them fit to be connected to; the caller connects to these and resolves no second time, so
 * that a name which means another place a moment later changes nothing. Private networks are fit, since issuers live there.
 *
 * @throws JwksFault when there is none, or one of them is not fit: a name that also means such a place is not to be trusted
 */
export async function addressesOf(hostname: string, resolve: Resolve = systemResolve): Promise<readonly Address[]> {
  const host = bare(hostname);
  const found = await resolve(host).catch((cause: unknown) => {
    throw new JwksFault('its host has no address', cause);
  });
  if (found.length === 0) throw new JwksFault('its host has no address');
  const local = isLoopbackHost(host);
  for (const address of found) {
    if (isIn(nowhere, address)) throw new JwksFault('its host has an address where no issuer is (such as link-local)');
    if (isIn(loopback, address) !== local) {
      throw new JwksFault(
        local ? 'its host is named as this machine and is another' : 'its host is this machine and not named so',
      );
    }
  }
  return found;
}

/** Look-ups that are under way: none can be told to stop, and each holds one of the few threads for files and names. */
const asking = new Map<string, Promise<readonly Address[]>>();

async function systemResolve(host: string): Promise<readonly Address[]> {
  const asked = asking.get(host) ?? lookup(host, { all: true }).finally(() => asking.delete(host));
  asking.set(host, asked);
  return await asked;
}

function isIn(list: BlockList, { address, family }: Address): boolean {
  // A zone (fe80::1%eth0) is no part of the address.
  return list.check(address.replace(/%.*$/, ''), family === 6 ? 'ipv6' : 'ipv4');
}

/** `[::1]` as URLs write it. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
