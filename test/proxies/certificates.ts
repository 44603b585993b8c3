import 'reflect-metadata';

import { createHash, webcrypto } from 'node:crypto';

import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

cryptoProvider.set(webcrypto);

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const HOUR_MS = 3_600_000;

/** A certificate with its key, both PEM. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
  /** `x5t#S256` of a token that is bound to it (RFC 8705 section 3.1). */
  readonly thumbprint: string;
}

/** An authority, and what it signs: made at run time, good for an hour. */
export class Authority {
  private constructor(
    readonly certificate: string,
    private readonly issuer: X509Certificate,
    private readonly signingKey: webcrypto.CryptoKey,
  ) {}

  static async make(name: string): Promise<Authority> {
    const keys = await generate();
    const issuer = await X509CertificateGenerator.createSelfSigned({
      ...lifetime(),
      name: `CN=${name}`,
      keys,
      signingAlgorithm: ECDSA,
      extensions: [new BasicConstraintsExtension(true, 1, true)],
    });
    return new Authority(issuer.toString('pem'), issuer, keys.privateKey);
  }

  /** For a server under this DNS name. */
  async server(name: string): Promise<Identity> {
    const names = new SubjectAlternativeNameExtension([{ type: 'dns', value: name }]);
    return await this.#sign(name, [new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]), names]);
  }

  async client(name: string): Promise<Identity> {
    return await this.#sign(name, [new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])]);
  }

  async #sign(name: string, extensions: readonly Extension[]): Promise<Identity> {
    const keys = await generate();
    const certificate = await X509CertificateGenerator.create({
      ...lifetime(),
      subject: `CN=${name}`,
      issuer: this.issuer.subjectName,
      publicKey: keys.publicKey,
      signingKey: this.signingKey,
      signingAlgorithm: ECDSA,
      extensions: [new BasicConstraintsExtension(false), ...extensions],
    });
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
    return {
      certificate: certificate.toString('pem'),
      key: `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
      thumbprint: createHash('sha256').update(Buffer.from(certificate.rawData)).digest('base64url'),
    };
  }
}

async function generate(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify']);
}

function lifetime(): { readonly notBefore: Date; readonly notAfter: Date } {
  return { notBefore: new Date(Date.now() - HOUR_MS), notAfter: new Date(Date.now() + HOUR_MS) };
}
