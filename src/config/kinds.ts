import type { JsonObject } from '#libs/kernel/json.js';

import { Sealed } from './sealed.js';

/** What a file's YAML or an environment variable's text may hold; lists only in files. */
export type Raw = string | number | boolean | null | readonly Raw[] | { readonly [name: string]: Raw };

/** How one kind of setting is read. */
export interface Kind<T> {
  /** For docs/configuration.md. */
  readonly says: string;
  /** For editors: what a file may hold there, as JSON Schema (draft 2020-12). Looser than `read` where it cannot say as much. */
  readonly json: JsonObject;
  /** @throws Wrong saying what is wrong and what to do, without repeating a secret */
  read(raw: Raw): T;
}

/** A value that its kind refuses: one sentence. */
export class Wrong extends Error {
  override readonly name = 'Wrong';
}

/** One of a few words. */
export function choice<const W extends string>(...words: readonly W[]): Kind<W> {
  return {
    says: words.map((word) => `\`${word}\``).join(', '),
    json: { enum: words },
    read(raw) {
      const word = words.find((candidate) => candidate === raw);
      if (word === undefined) throw new Wrong(`must be ${words.join(' or ')}, not ${shown(raw)}`);
      return word;
    },
  };
}

export const flag: Kind<boolean> = {
  says: '`true`, `false`',
  json: { type: 'boolean' },
  read(raw) {
    if (raw === true || raw === 'true') return true;
    if (raw === false || raw === 'false') return false;
    throw new Wrong(`must be true or false, not ${shown(raw)}`);
  },
};

/** A decimal integer; in the environment without sign, spaces or leading zeros. */
export function integer(min: number, max: number): Kind<number> {
  return {
    says: `integer, ${min} to ${max}`,
    json: { type: 'integer', minimum: min, maximum: max },
    read(raw) {
      const value = typeof raw === 'string' && /^(0|[1-9][0-9]{0,15})$/.test(raw) ? Number(raw) : raw;
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
        throw new Wrong(`must be an integer from ${min} to ${max}, not ${shown(raw)}`);
      }
      return value;
    },
  };
}

/** Text of one line that matches a pattern, and how to say so. */
export function text(says: string, pattern: RegExp = /^[^\p{Cc}]{1,4096}$/u): Kind<string> {
  return {
    says,
    json: { type: 'string', pattern: pattern.source },
    read(raw) {
      if (typeof raw !== 'string') throw new Wrong(`must be text: put ${shown(raw)} in quotes`);
      if (!pattern.test(raw)) throw new Wrong(`must be ${says}, not ${shown(raw)}`);
      return raw;
    },
  };
}

/** A file or folder; a relative one counts from the directory that the loader was given. */
export const path: Kind<string> = text('path');

/** Comma-separated text, or a list in a file. Set but empty is the empty list. */
export function list<T>(item: Kind<T>): Kind<readonly T[]> {
  return {
    says: `comma-separated: ${item.says}`,
    json: { anyOf: [{ type: 'string' }, { type: 'array', items: item.json }] },
    read(raw) {
      const parts: readonly Raw[] | undefined = typeof raw === 'string' ? split(raw) : isList(raw) ? raw : undefined;
      if (parts === undefined) throw new Wrong(`must be a comma-separated list, not ${shown(raw)}`);
      return parts.map((part) => item.read(part));
    },
  };
}

/** A list of maps inside a row of a section; only in files. The maps are read by whoever knows their members. */
export function rows(members: string): Kind<readonly Raw[]> {
  return {
    says: `list of maps: ${members}`,
    json: { type: 'array', items: { type: 'object' } },
    read(raw) {
      if (!isList(raw)) throw new Wrong(`must be a list of maps with ${members.replaceAll('`', '')}`);
      return raw;
    },
  };
}

/** Secret bytes in base64 or base64url. What does not look random is refused: a key typed by hand protects nothing. */
export function sealedBytes(least: number): Kind<Sealed<Uint8Array>> {
  return {
    says: `base64, at least ${least} bytes`,
    json: { type: 'string', minLength: Math.ceil((least * 4) / 3) },
    read(raw) {
      const bytes = typeof raw === 'string' ? bytesOf(raw) : undefined;
      const howTo = `make one with: openssl rand -base64 ${least}`;
      if (bytes === undefined) throw new Wrong(`must be base64; ${howTo}`);
      if (bytes.length < least)
        throw new Wrong(`is short: ${bytes.length} bytes, at least ${least} are needed; ${howTo}`);
      // 32 random bytes have fewer than 16 different ones about never (below 10^-20).
      if (new Set(bytes).size < 16) throw new Wrong(`does not look random; ${howTo}`);
      return new Sealed(bytes);
    },
  };
}

/** An address to listen on: `host:port`, IPv6 in brackets. Port 0 takes any free one. */
export const listenAddress: Kind<{ readonly host: string; readonly port: number }> = {
  says: '`host:port`, IPv6 as `[::1]:8080`',
  json: { type: 'string', pattern: String.raw`^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.\-]+):[0-9]{1,5}$` },
  read(raw) {
    const [, v6, plain, digits = ''] =
      (typeof raw === 'string' && /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})$/.exec(raw)) || [];
    const host = v6 ?? plain;
    if (host === undefined || Number(digits) > 65_535) throw new Wrong(`must be host:port, not ${shown(raw)}`);
    return { host, port: Number(digits) };
  },
};

/** `https://host[:port]` exactly as browsers write an origin: what is not canonical would never equal a proof's `htu`. */
export const origin: Kind<string> = {
  says: 'origin, such as `https://secrets.example.com`',
  json: { type: 'string', pattern: '^https?://[^/?#@\\s]+$' },
  read(raw) {
    const parsed = typeof raw === 'string' ? URL.parse(raw) : null;
    if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.origin !== raw) {
      throw new Wrong(
        `must be an origin such as https://secrets.example.com (no path, no final slash), not ${shown(raw)}`,
      );
    }
    return parsed.origin;
  },
};

/** A regular expression, matched against the whole text. */
export const pattern: Kind<RegExp> = {
  says: 'regular expression over the whole text',
  json: { type: 'string', minLength: 1, maxLength: 512 },
  read(raw) {
    if (typeof raw !== 'string' || raw.length > 512)
      throw new Wrong('must be a regular expression of at most 512 characters');
    try {
      return new RegExp(`^(?:${raw})$`, 'u');
    } catch {
      throw new Wrong(`is not a regular expression: ${shown(raw)}`);
    }
  },
};

/** A value as an error may show it: short, on one line. */
export function shown(raw: Raw): string {
  if (typeof raw === 'object' && raw !== null) return isList(raw) ? 'a list' : 'a map';
  const line = JSON.stringify(raw);
  return line.length > 80 ? `${line.slice(0, 77)}…` : line;
}

export function isList(raw: Raw): raw is readonly Raw[] {
  return Array.isArray(raw);
}

function split(raw: string): readonly string[] {
  return raw.trim() === '' ? [] : raw.split(',').map((part) => part.trim());
}

/** Strict: the one spelling of these bytes, with or without padding. */
function bytesOf(raw: string): Uint8Array | undefined {
  const spelled = raw
    .trim()
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replace(/={0,2}$/, '');
  const bytes = Buffer.from(spelled, 'base64');
  return spelled !== '' && bytes.toString('base64').replace(/=+$/, '') === spelled ? bytes : undefined;
}
