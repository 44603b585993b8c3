import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { types } from 'node:util';

import { type TlsParts, tlsOptions } from '#src/http/tls.js';

import type { ReadFile } from './config-file.js';
import type { Fault } from './faults.js';
import type { Reading } from './reading.js';
import { SETTINGS as S } from './schema.js';
import { Sealed } from './sealed.js';
import { type Environment, relaxed, type Setting } from './setting.js';
import { isPem } from './tls-kinds.js';
import type { Values } from './values.js';

interface Context {
  readonly environment: Environment;
  readonly reading: Reading;
  readonly readFile: ReadFile;
  readonly resolve: (path: string) => string;
}

/**
 * What our own TLS listener needs, read and tried out: what OpenSSL would refuse at the first handshake is a fault at start.
 * Undefined when there is none, or when something is wrong with it, which is then noted.
 */
export function readTls({ tlsCert, tlsKey, tlsClientCa }: Values, context: Context): TlsParts | undefined {
  checkPair(context);
  const cert = certificatesOf(S.tlsCert, tlsCert, context);
  const key = privateKeyOf(tlsKey?.open(), context);
  const clientCa = certificatesOf(S.tlsClientCa, tlsClientCa, context);
  if (cert === undefined || key === undefined) return undefined;
  if (!cert.first.checkPrivateKey(key.object)) {
    context.reading.fault(S.tlsKey, 'is not the key of the first certificate in TLS_CERT');
    return undefined;
  }
  const parts = { cert: cert.text, key: new Sealed(key.text), clientCa: clientCa?.text };
  return serves(parts, context) ? parts : undefined;
}

/** A certificate, its key, and whom it asks for certificates come together. */
function checkPair({ reading }: Context): void {
  const [cert, key] = [reading.has(S.tlsCert), reading.has(S.tlsKey)];
  if (cert && !key) reading.fault(S.tlsKey, 'is required by TLS_CERT: set it, or TLS_KEY_FILE');
  if (key && !cert) reading.fault(S.tlsCert, 'is required by TLS_KEY: set it');
  if (reading.has(S.tlsClientCa) && !cert) reading.fault(S.tlsClientCa, 'is for our own TLS listener: set TLS_CERT');
}

/** The PEM text, from the file that is named where the setting is no PEM itself. */
function pemOf(setting: Setting<unknown>, text: string | undefined, context: Context): string | undefined {
  if (text === undefined || isPem(text)) return text;
  const { reading, readFile, resolve, environment } = context;
  try {
    const file = readFile(resolve(text));
    if (setting.secret === true && (file.mode & 0o007) !== 0 && !relaxed(environment)) {
      reading.fault(setting, `names a file that everybody on this machine can use: chmod o= ${text}`);
      return undefined;
    }
    return file.text;
  } catch (error) {
    reading.fault(setting, `is neither PEM text nor the path of a file that can be read (${whyNot(error, setting)})`);
    return undefined;
  }
}

/** Of a secret only the code: the message repeats the path, which may be the secret in another form than PEM. */
function whyNot(error: unknown, { secret }: Setting<unknown>): string {
  if (!types.isNativeError(error)) return 'unknown';
  if (secret !== true) return error.message;
  return 'code' in error ? String(error.code) : error.name;
}

/** One or more certificates, each of which can be read, and nothing of what stands around them. */
function certificatesOf(
  setting: Setting<unknown>,
  given: string | undefined,
  context: Context,
): { readonly text: string; readonly first: X509Certificate } | undefined {
  const text = pemOf(setting, given, context);
  if (text === undefined) return undefined;
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const fault = (what: string): undefined => {
    context.reading.fault(setting, what);
  };
  try {
    const [first] = blocks.map((block) => new X509Certificate(block));
    if (first === undefined) return fault('holds no certificate: -----BEGIN CERTIFICATE----- is expected');
    return { text: `${blocks.join('\n')}\n`, first };
  } catch {
    return fault('holds a certificate that cannot be read');
  }
}

function privateKeyOf(
  given: string | undefined,
  context: Context,
): { readonly text: string; readonly object: KeyObject } | undefined {
  const text = pemOf(S.tlsKey, given, context);
  if (text === undefined) return undefined;
  try {
    return { text, object: createPrivateKey(text) };
  } catch {
    // What OpenSSL says could quote the file.
    context.reading.fault(S.tlsKey, 'holds no private key that can be used: PEM without a passphrase is expected');
    return undefined;
  }
}

/** Whether OpenSSL takes all of it, under the rules of the listener. */
function serves(parts: TlsParts, { reading }: Context): boolean {
  try {
    createSecureContext(tlsOptions(parts, 1));
    return true;
  } catch (error) {
    const why = types.isNativeError(error) && 'code' in error ? String(error.code) : 'unknown';
    reading.fault(
      S.tlsCert,
      `cannot be served with (${why}): keys need 2048 bits of RSA or 256 of EC, signatures SHA-256`,
    );
    return false;
  }
}

/** Who may hand certificates over, and how they are known. */
export function certificateFaults(values: Values): readonly Fault[] {
  const {
    trustedProxyCidrs: cidrs = [],
    trustedProxyThumbprints: thumbprints = [],
    clientCertHeader,
    tlsCert,
  } = values;
  const faults: Fault[] = [];
  const fault = ({ name: path }: Setting<unknown>, what: string): unknown => faults.push({ path, what });
  if (clientCertHeader === true && cidrs.length === 0) {
    fault(S.clientCertHeader, 'is true, but no proxy is trusted to send it: set TRUSTED_PROXY_CIDRS');
  }
  if (thumbprints.length > 0 && cidrs.length === 0) {
    fault(S.trustedProxyThumbprints, 'narrow TRUSTED_PROXY_CIDRS, which is not there: set both');
  }
  if (thumbprints.length > 0 && tlsCert === undefined) {
    fault(S.trustedProxyThumbprints, 'need our own TLS listener, where proxies show certificates: set TLS_CERT');
  }
  return faults;
}
