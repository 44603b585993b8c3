import 'reflect-metadata';

import { randomBytes, webcrypto } from 'node:crypto';

import {
  BasicConstraintsExtension,
  type Extension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

import { ClientCertificate } from '#libs/identity/certificate.js';

/** A certificate and its private key, made at run time. */
export interface Certificate {
  readonly pem: string;
  readonly der: Buffer;
  /** PKCS #8, PEM. */
  readonly key: string;
  /** `x5t#S256`. */
  readonly x5t: string;
  readonly made: X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

export interface CertificateOptions {
  readonly name: string;
  /** Who signs; left out, it signs itself. */
  readonly by?: Certificate;
  readonly usage?: 'client' | 'server' | 'ca';
  /** Days from now. */
  readonly from?: number;
  readonly until?: number;
  readonly rsaBits?: 1024 | 2048;
}

const DAY_MS = 86_400_000;

/** An honest certificate unless it is told otherwise: P-256, good for a day, for clients; for servers it names the loopback hosts. */
export async function makeCertificate(options: CertificateOptions): Promise<Certificate> {
  const { name, by, usage = 'client', from = -1, until = 1, rsaBits } = options;
  const signingAlgorithm =
    rsaBits === undefined ? { name: 'ECDSA', hash: 'SHA-256' } : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const keys = await makeKeys(rsaBits);
  const made = await X509CertificateGenerator.create({
    serialNumber: `01${randomBytes(8).toString('hex')}`,
    subject: `CN=${name}`,
    issuer: by?.made.subject ?? `CN=${name}`,
    notBefore: new Date(Date.now() + from * DAY_MS),
    notAfter: new Date(Date.now() + until * DAY_MS),
    signingAlgorithm: by === undefined ? signingAlgorithm : { name: 'ECDSA', hash: 'SHA-256' },
    publicKey: keys.publicKey,
    signingKey: by?.keys.privateKey ?? keys.privateKey,
    extensions: extensionsOf(usage),
  });
  const der = Buffer.from(made.rawData);
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return {
    pem: `${made.toString('pem').trimEnd()}\n`,
    der,
    key: toPem('PRIVATE KEY', pkcs8),
    x5t: new ClientCertificate(der).x5t,
    made,
    keys,
  };
}

export async function makeCa(name: string): Promise<Certificate> {
  return await makeCertificate({ name, usage: 'ca' });
}

/** `Client-Cert` as a proxy writes it (RFC 9440 section 2.2). */
export function clientCert({ der }: Pick<Certificate, 'der'>): string {
  return `:${der.toString('base64')}:`;
}

async function makeKeys(rsaBits: number | undefined): Promise<webcrypto.CryptoKeyPair> {
  const algorithm =
    rsaBits === undefined
      ? { name: 'ECDSA', namedCurve: 'P-256' }
      : {
          name: 'RSASSA-PKCS1-v1_5',
          hash: 'SHA-256',
          modulusLength: rsaBits,
          publicExponent: new Uint8Array([1, 0, 1]),
        };
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

function extensionsOf(usage: 'client' | 'server' | 'ca'): Extension[] {
  if (usage === 'ca') {
    return [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ];
  }
  const purpose = usage === 'client' ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth;
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([purpose]),
    ...(usage === 'server'
      ? [
          new SubjectAlternativeNameExtension([
            { type: 'dns', value: 'localhost' },
            { type: 'ip', value: '127.0.0.1' },
          ]),
        ]
      : []),
  ];
}

function toPem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
