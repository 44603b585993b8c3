import type { LookupFunction } from 'node:net';

import { Client, type Dispatcher } from 'undici';

import { type Address, addressesOf, isLoopbackHost, type Resolve } from './addresses.js';
import { JwksFault } from './jwks-fault.js';

/** Where a JWK Set is, and how its server is believed. */
export interface JwksPlace {
  readonly uri: URL;
  /** Certificates in PEM; absent: those of the system. */
  readonly ca?: string;
  /** Whether http is allowed elsewhere than on loopback (dev and test). */
  readonly plainHttp: boolean;
  /** Absent: as the system resolves names. */
  readonly resolve?: Resolve;
}

export interface FetchedJwks {
  readonly bytes: Uint8Array;
  /** `max-age` of Cache-Control (RFC 9111 section 5.2.2.1); undefined when it says none. */
  readonly maxAgeSeconds?: number;
}

/** The largest sets of public issuers have 20 KB; a hundred keys with certificates fit. */
export const MAX_JWKS_BYTES = 128 * 1024;
/** RFC 7517 section 8.5, and what most issuers send. */
const TYPES: ReadonlySet<string> = new Set(['application/json', 'application/jwk-set+json']);
const HEADERS = { accept: 'application/jwk-set+json, application/json', 'accept-encoding': 'identity' };

/**
 * One bounded GET (spec, "Trusted issuers"; RFC 8725 section 3.10): https, or http where `JwksPlace` allows it; no redirect, no proxy,
 * no decompression, no more than 128 KiB; one connection, to an address that was looked at, closed afterwards. Whether the bytes are a JWK
 * Set is not checked here.
 *
 * @param signal ends it: the only bound on its time
 * @throws JwksFault
 */
export async function fetchJwks({ uri, ca, plainHttp, resolve }: JwksPlace, signal: AbortSignal): Promise<FetchedJwks> {
  if (uri.protocol !== 'https:' && !(uri.protocol === 'http:' && (plainHttp || isLoopbackHost(uri.hostname)))) {
    throw new JwksFault('its address is not https');
  }
  const addresses = await inTime(addressesOf(uri.hostname, resolve), signal);
  const client = new Client(uri.origin, {
    connect: {
      lookup: pinned(addresses),
      rejectUnauthorized: true,
      // Without it a connection that does not come about outlives the call by the system's own patience.
      signal,
      timeout: 0,
      ...(ca !== undefined && { ca }),
    },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  try {
    const path = `${uri.pathname}${uri.search}`;
    return await read(await client.request({ method: 'GET', path, headers: HEADERS, signal }));
  } catch (error) {
    throw error instanceof JwksFault ? error : new JwksFault(causeOf(error, signal), error);
  } finally {
    await client.destroy();
  }
}

/** Whatever a look-up says after that is not heard. */
async function inTime<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const late = (): void => reject(new JwksFault('its name server is late'));
    if (signal.aborted) late();
    signal.addEventListener('abort', late, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', late));
  });
}

/** Answers every look-up by what was found before. */
function pinned(addresses: readonly Address[]): LookupFunction {
  const [first] = addresses;
  return (_host, { all }, callback) => {
    if (all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family);
  };
}

async function read({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<FetchedJwks> {
  // A body that is given up may fail later, with nobody left to hear it.
  body.on('error', () => {});
  if (statusCode !== 200) throw new JwksFault(`its server answers with status ${statusCode}`);
  const type = textOf(headers['content-type']).split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!TYPES.has(type)) throw new JwksFault('its server answers with something else than JSON');
  if (!['', 'identity'].includes(textOf(headers['content-encoding']))) {
    throw new JwksFault('its server compresses, although it was asked not to');
  }
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    if (!(part instanceof Uint8Array)) throw new JwksFault('its server answers with no bytes');
    size += part.length;
    if (size > MAX_JWKS_BYTES) throw new JwksFault(`it is larger than ${MAX_JWKS_BYTES / 1024} KiB`);
    parts.push(part);
  }
  return { bytes: Buffer.concat(parts), ...maxAgeOf(textOf(headers['cache-control'])) };
}

function maxAgeOf(cacheControl: string): Pick<FetchedJwks, 'maxAgeSeconds'> {
  const [, seconds] = /(?:^|[\s,])max-age="?(\d{1,9})(?![\d])/i.exec(cacheControl) ?? [];
  return seconds === undefined ? {} : { maxAgeSeconds: Number(seconds) };
}

/** A header that stands twice has two values, of which neither is believed. */
function textOf(header: string | string[] | undefined): string {
  return typeof header === 'string' ? header : header === undefined ? '' : 'repeated';
}

/** What undici and OpenSSL throw has a code that says what an operator needs, and messages that may quote the server. */
function causeOf(error: unknown, { aborted }: AbortSignal): string {
  if (aborted) return 'its server is late';
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? `its server cannot be reached: ${code}` : 'its server cannot be reached';
}
