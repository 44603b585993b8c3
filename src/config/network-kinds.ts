import { parseRate, type Rate } from '#libs/limits/rate.js';
import { BadCidr, type Cidr, parseCidr } from '#src/http/cidrs.js';

import { type Kind, type Raw, shown, Wrong } from './kinds.js';

/** A network, or one address. */
export const cidr: Kind<Cidr> = {
  says: 'network such as `10.0.0.0/8` or `2001:db8::/32`, or one address',
  json: { type: 'string', pattern: '^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$' },
  read(raw) {
    if (typeof raw !== 'string') throw new Wrong(`must be text: put ${shown(raw)} in quotes`);
    try {
      return parseCidr(raw);
    } catch (error) {
      if (!(error instanceof BadCidr)) throw error;
      throw new Wrong(`holds what cannot be used; each item ${error.message}`);
    }
  },
};

/** `rate/burst`: so many a second in the long run, and so many at once after a pause. */
export const rate: Kind<Rate | 'off'> = {
  says: '`off`, or `rate/burst` such as `50/100`',
  json: { type: 'string', pattern: '^(off|[0-9]{1,7}([.][0-9]{1,3})?/[0-9]{1,7})$' },
  read(raw) {
    if (raw === 'off') return 'off';
    const read = typeof raw === 'string' ? parseRate(raw) : undefined;
    if (read === undefined) {
      throw new Wrong(
        `must be off, or rate/burst such as 50/100 (50 a second, 100 at once; 0.001 to 1000000, burst a whole number from 1), not ${shown(raw)}`,
      );
    }
    return read;
  },
};

/** An address of the web as it is to be published: absolute, without user, and spelled as browsers spell it. */
export const webAddress: Kind<string> = {
  says: 'address, such as `https://docs.example.com/secrets`',
  json: { type: 'string', pattern: '^https?://[^\\s@]+$' },
  read(raw) {
    const address = addressIn(raw);
    if (address !== undefined) return address.text;
    throw new Wrong(`must be an absolute address such as https://docs.example.com/secrets, not ${shown(raw)}`);
  },
};

/**
 * A resource identifier (RFC 9728 section 1.2): an origin, or an origin with a path that every router reads alike. Without query and
 * fragment. It is published octet for octet as it stands here.
 */
export const resource: Kind<string> = {
  says: 'origin, or origin and path, such as `https://secrets.example.com/api`',
  json: { type: 'string', pattern: '^https?://[^?#@\\s]+$' },
  read(raw) {
    const address = addressIn(raw);
    if (address !== undefined && isPlain(address.url)) return address.text;
    throw new Wrong(
      `must be an origin, or an origin and a path of A-Z a-z 0-9 . _ ~ -, such as https://secrets.example.com/api, not ${shown(raw)}`,
    );
  },
};

/** The text, where a parser reads it as itself: nothing trimmed, turned, resolved or left out. */
function addressIn(raw: Raw): { readonly text: string; readonly url: URL } | undefined {
  const url = typeof raw === 'string' ? URL.parse(raw) : null;
  if (typeof raw !== 'string' || url === null || !/^https?:$/.test(url.protocol)) return undefined;
  const { href, origin, username, password } = url;
  return username + password === '' && (raw === href || raw === origin) ? { text: raw, url } : undefined;
}

function isPlain({ href, pathname }: URL): boolean {
  return !/[?#]/.test(href) && /^(\/[A-Za-z0-9._~-]+)*\/?$/.test(pathname);
}
