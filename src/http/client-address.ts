import type { Socket } from 'node:net';

import { Refusal } from '#libs/kernel/refusal.js';

import { plainAddress } from './address.js';
import { parseIp } from './cidrs.js';
import type { HeaderLines } from './header-lines.js';
import { isTrustedProxy, type TrustedProxies } from './trusted-proxies.js';

/** How many proxies in a row are believed; more is a loop, or somebody's play. */
const MOST_HOPS = 16;

/** One item of the list, with the white space that RFC 9110 section 5.6.1 allows around it. */
const HOP = /^[ \t]*([0-9A-Fa-f:.]{2,45})[ \t]*$/;

/**
 * Where a request comes from (spec, "Rate limits and addresses"): the peer of the connection, unless that is a trusted proxy. Then
 * `X-Forwarded-For` is read from its end, where each proxy has added whom it was called by: the right-most hop that is no trusted
 * proxy is the client; what stands left of it anybody may have written, and it is not looked at. When all hops are trusted, the
 * left-most is the client; when there is none, the proxy itself.
 *
 * `Forwarded`, `X-Real-IP`, `True-Client-IP` and the like are never read: two headers that say the same thing can say different ones.
 *
 * @returns undefined when a hop that counts is no address (a port, a name, nothing): then nobody knows, and nothing is guessed
 */
export function clientAddress(lines: HeaderLines, socket: Socket, proxies: TrustedProxies): string | undefined {
  const peer = socket.remoteAddress;
  if (peer === undefined) return undefined;
  const address = plainAddress(peer);
  if (!isTrustedProxy(socket, proxies)) return address;
  return rightMost(lines.all('x-forwarded-for'), address, proxies);
}

/** @throws Refusal INVALID_REQUEST for an address that nobody knows: it is neither allowed, nor counted, nor shown to a policy */
export function knownAddress(address: string | undefined): string {
  if (address !== undefined) return address;
  throw new Refusal('INVALID_REQUEST', {
    check: 'forwarded address',
    detail:
      'A hop of X-Forwarded-For is no IP address: each proxy must add the plain address of its own peer, without a port.',
  });
}

function rightMost(fields: readonly string[], peer: string, { cidrs }: TrustedProxies): string | undefined {
  let client = peer;
  // A second line goes on where the first one ended (RFC 9110 section 5.3).
  let rest = fields.length === 0 ? undefined : fields.join(',');
  for (let hops = 0; rest !== undefined; hops += 1) {
    if (hops === MOST_HOPS) return undefined;
    const comma = rest.lastIndexOf(',');
    const hop = parseIp(HOP.exec(rest.slice(comma + 1))?.[1] ?? '');
    if (hop === undefined) return undefined;
    client = hop.text;
    if (!cidrs.has(client)) return client;
    rest = comma === -1 ? undefined : rest.slice(0, comma);
  }
  return client;
}
