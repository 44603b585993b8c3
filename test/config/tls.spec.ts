import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';

import { describe, expect, it } from '@jest/globals';

import { type Certificate, makeCa, makeCertificate } from '../support/certificates.js';
import { ConfigError } from '#src/config/faults.js';

import { DEV, type Env, faultsOf, load } from './fixture.js';

const ca = await makeCa('client CA');
const server = await makeCertificate({ name: 'postern', by: ca, usage: 'server' });
const other = await makeCertificate({ name: 'postern', by: ca, usage: 'server' });

const tlsOf = (cert: Certificate): Env => ({ ...DEV, TLS_CERT: cert.pem, TLS_KEY: cert.key });

/** What is wrong with the TLS settings, in an environment that has no other faults. */
const faults = (env: Env, files: Parameters<typeof faultsOf>[2] = {}): string[] =>
  faultsOf({ ...DEV, ...env }, undefined, files);

describe('our own TLS listener', () => {
  it('is there when a certificate is set, and speaks plain HTTP otherwise', () => {
    expect(load(DEV).tls).toBeUndefined();
    const { tls } = load({ ...tlsOf(server), TLS_CLIENT_CA: ca.pem });
    expect([tls?.cert, tls?.key.open(), tls?.clientCa]).toEqual([server.pem, server.key, ca.pem]);
    expect(load(tlsOf(server)).tls?.clientCa).toBeUndefined();
  });

  it('takes PEM text, or paths of PEM files, or a key from TLS_KEY_FILE', () => {
    const files = {
      // as files are when they were joined without a line end between them
      '/etc/tls/cert.pem': `${server.pem.trimEnd()}${ca.pem}`,
      '/srv/postern/tls/key.pem': server.key,
      '/etc/tls/ca.pem': `# our roots\n${ca.pem}`,
    };
    const env = { ...DEV, TLS_CERT: '/etc/tls/cert.pem', TLS_CLIENT_CA: '/etc/tls/ca.pem' };
    for (const key of [{ TLS_KEY: 'tls/key.pem' }, { TLS_KEY_FILE: 'tls/key.pem' }, { TLS_KEY: server.key }]) {
      const { tls } = load({ ...env, ...key }, undefined, files);
      expect([tls?.cert, tls?.key.open().trim()]).toEqual([`${server.pem}${ca.pem}`, server.key.trim()]);
      expect(tls?.clientCa).toContain(ca.pem);
    }
  });

  it('never shows its key', () => {
    const config = load({ ...tlsOf(server), TLS_CLIENT_CA: ca.pem });
    const line = server.key.split('\n')[1]!;
    expect(`${JSON.stringify(config)}${inspect(config, { depth: 9 })}`).not.toContain(line);
  });

  it('needs a certificate and a key together, and a certificate for TLS_CLIENT_CA', () => {
    expect(faults({ TLS_CERT: server.pem })).toEqual(['TLS_KEY: is required by TLS_CERT: set it, or TLS_KEY_FILE']);
    expect(faults({ TLS_KEY: server.key })).toEqual(['TLS_CERT: is required by TLS_KEY: set it']);
    expect(faults({ TLS_CLIENT_CA: ca.pem })).toEqual(['TLS_CLIENT_CA: is for our own TLS listener: set TLS_CERT']);
  });

  it('needs the key of its certificate', () => {
    expect(faults({ ...tlsOf(server), TLS_KEY: other.key })).toEqual([
      'TLS_KEY: is not the key of the first certificate in TLS_CERT',
    ]);
    expect(faults({ ...tlsOf(server), TLS_CERT: `${ca.pem}${server.pem}` })).toEqual([
      'TLS_KEY: is not the key of the first certificate in TLS_CERT',
    ]);
  });

  it('tells everything that cannot be read at once, each in one sentence', () => {
    const locked = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'made-up' },
    }).privateKey;
    const broken = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
    expect(faults({ TLS_CERT: '/nowhere.pem', TLS_KEY: locked, TLS_CLIENT_CA: broken })).toEqual([
      'TLS_CERT: is neither PEM text nor the path of a file that can be read (ENOENT: no such file /nowhere.pem)',
      'TLS_KEY: holds no private key that can be used: PEM without a passphrase is expected',
      'TLS_CLIENT_CA: holds a certificate that cannot be read',
    ]);
    expect(faults({ TLS_CERT: server.key, TLS_KEY: server.pem })).toEqual([
      'TLS_CERT: holds no certificate: -----BEGIN CERTIFICATE----- is expected',
      'TLS_KEY: holds no private key that can be used: PEM without a passphrase is expected',
    ]);
    expect(faults({ TLS_CERT: `${server.pem}${broken}`, TLS_KEY: server.key })).toEqual([
      'TLS_CERT: holds a certificate that cannot be read',
    ]);
    expect(faults({ TLS_CERT: 'a\tb', TLS_KEY: 'c\td' })).toEqual([
      'TLS_CERT: must be PEM text or a path, not "a\\tb"',
      'TLS_KEY: must be PEM text or a path',
    ]);
  });

  it('says at every start that its certificate has expired, or is not valid yet', async () => {
    const of = async (from: number, until: number): Promise<readonly string[]> =>
      load(tlsOf(await makeCertificate({ name: 'postern', by: ca, usage: 'server', from, until }))).warnings;
    expect(await of(-3, -2)).toContainEqual(expect.stringMatching(/^The certificate in TLS_CERT has expired: 20/));
    expect(await of(2, 3)).toContainEqual(expect.stringMatching(/^The certificate in TLS_CERT is not valid before 20/));
    expect((await of(-1, 1)).filter((line) => line.includes('TLS_CERT'))).toEqual([]);
  });

  it('takes no key that is too weak for its rules', async () => {
    const weak = await makeCertificate({ name: 'postern', usage: 'server', rsaBits: 1024 });
    expect(faults(tlsOf(weak))).toEqual([
      expect.stringMatching(/^TLS_CERT: cannot be served with \(ERR_[A-Z_]+\): keys need 2048 bits of RSA/),
    ]);
  });

  it('outside dev and test takes no key from a file that everybody can use', () => {
    const files = { '/key.pem': { text: server.key, mode: 0o644 }, '/cert.pem': { text: server.pem, mode: 0o644 } };
    const env = { ENVIRONMENT: 'production', TLS_CERT: '/cert.pem' };
    expect(faultsOf({ ...env, TLS_KEY: '/key.pem' }, undefined, files)).toContain(
      'TLS_KEY: names a file that everybody on this machine can use: chmod o= /key.pem',
    );
    expect(faultsOf({ ...env, TLS_KEY_FILE: '/key.pem' }, undefined, files)).toContain(
      'TLS_KEY_FILE: names a file that everybody on this machine can use: chmod o= /key.pem',
    );
    expect(faults({ ...env, ...DEV, TLS_KEY: '/key.pem' }, files)).toEqual([]);
  });

  it('shows no fault that quotes a key', () => {
    try {
      load({ ...DEV, TLS_CERT: server.pem, TLS_KEY: `${server.key.slice(0, 60)}!${server.key.slice(61)}` });
      throw new Error('nothing was refused');
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as Error).message).not.toContain(server.key.split('\n')[1]!.slice(0, 20));
    }
  });
});

describe('certificates that proxies hand over', () => {
  const hex = Buffer.from(server.x5t, 'base64url').toString('hex');
  const colons = (hex.match(/../g) ?? []).join(':').toUpperCase();

  it('M8: are taken from nobody unless it is asked for', () => {
    expect(load(DEV).addresses).toMatchObject({ clientCertHeader: false, proxyThumbprints: [], proxies: [] });
  });

  it('M8: are taken from trusted proxies only, which must be named', () => {
    expect(faults({ CLIENT_CERT_HEADER: 'true' })).toEqual([
      'CLIENT_CERT_HEADER: is true, but no proxy is trusted to send it: set TRUSTED_PROXY_CIDRS',
    ]);
    expect(faults({ CLIENT_CERT_HEADER: 'true', TRUSTED_PROXY_CIDRS: '' })).toHaveLength(1);
    const { addresses } = load({ ...DEV, CLIENT_CERT_HEADER: 'true', TRUSTED_PROXY_CIDRS: '10.0.0.7' });
    expect(addresses.clientCertHeader).toBe(true);
  });

  it('M8: it is said at every start when an address alone makes a trusted proxy', () => {
    const warned = (env: Env): boolean =>
      load({ ...tlsOf(server), ...env }).warnings.some((line) => line.startsWith('CLIENT_CERT_HEADER is true, and '));
    const byAddress = { CLIENT_CERT_HEADER: 'true', TRUSTED_PROXY_CIDRS: '127.0.0.1,10.0.0.7' };
    expect(warned(byAddress)).toBe(true);
    expect(warned({ ...byAddress, CLIENT_CERT_HEADER: 'false' })).toBe(false);
    expect(warned({ ...byAddress, TRUSTED_PROXY_CIDRS: '127.0.0.1,::1' })).toBe(false);
    expect(warned({ ...byAddress, TRUSTED_PROXY_THUMBPRINTS: other.x5t })).toBe(false);
  });

  it("M8: a proxy's certificate is named as tokens name it or as openssl prints it", () => {
    const env = { ...tlsOf(server), TRUSTED_PROXY_CIDRS: '10.0.0.7' };
    for (const spelled of [server.x5t, hex, hex.toUpperCase(), colons]) {
      const { addresses } = load({ ...env, TRUSTED_PROXY_THUMBPRINTS: `${spelled}, ${other.x5t}` });
      expect(addresses.proxyThumbprints).toEqual([server.x5t, other.x5t]);
    }
  });

  it.each([
    'sha256',
    hex.slice(2),
    `${hex}00`,
    colons.slice(0, -3),
    colons.replace(':', ''),
    `${server.x5t}=`,
    server.x5t.slice(1),
    `${server.x5t.slice(0, -1)}B`,
  ])('M8: %s is no thumbprint', (spelled) => {
    const env = { ...tlsOf(server), TRUSTED_PROXY_CIDRS: '10.0.0.7', TRUSTED_PROXY_THUMBPRINTS: spelled };
    expect(faults(env)).toEqual([
      expect.stringMatching(/^TRUSTED_PROXY_THUMBPRINTS: must be the SHA-256 of a certificate, not "/),
    ]);
  });

  it('M8: thumbprints need the addresses that they narrow, and the listener where certificates are shown', () => {
    expect(faults({ TRUSTED_PROXY_THUMBPRINTS: server.x5t })).toEqual([
      'TRUSTED_PROXY_THUMBPRINTS: narrow TRUSTED_PROXY_CIDRS, which is not there: set both',
      'TRUSTED_PROXY_THUMBPRINTS: need our own TLS listener, where proxies show certificates: set TLS_CERT',
    ]);
  });
});
