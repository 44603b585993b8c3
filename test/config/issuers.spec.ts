import { describe, expect, it } from '@jest/globals';

import { DEV, faultsOf, load, newJwks } from './fixture.js';

const URI = 'https://id.example.com/keys';
const http = { issuer: 'https://id.example.com', jwks_uri: URI, algorithms: 'RS256' };
const compat = { access_token_claim: 'scp' };
const files = {
  '/srv/postern/keys.json': newJwks(),
  '/srv/postern/ca.pem': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
  '/srv/postern/text': 'text',
};

const issuersOf = (...issuers: readonly object[]) => load(DEV, { issuers }, files).issuers;
const faults = (row: object): string[] => faultsOf(DEV, { issuers: [row] }, files);

describe('an issuer whose keys are fetched', () => {
  it('J9: is read with the address, and with the certificates that its server is believed by', () => {
    const [plain, own] = issuersOf(http, { ...http, issuer: 'urn:b', jwks_ca_file: 'ca.pem' });
    expect(plain).toEqual({
      issuer: 'https://id.example.com',
      jwksUri: URI,
      algorithms: ['RS256'],
      audience: 'crud.secrets',
      claims: {},
      maxTokenAgeSeconds: 3600,
    });
    expect(own).toMatchObject({ jwksUri: URI, jwksCa: files['/srv/postern/ca.pem'] });
  });

  it('T18: its last good keys serve on for JWKS_GRACE_SECONDS', () => {
    expect(load(DEV, {}).jwksGraceSeconds).toBe(600);
    expect(load({ ...DEV, JWKS_GRACE_SECONDS: '0' }, {}).jwksGraceSeconds).toBe(0);
    expect(faultsOf({ ...DEV, JWKS_GRACE_SECONDS: '86401' }, {})).toEqual([
      'JWKS_GRACE_SECONDS: must be an integer from 0 to 86400, not "86401"',
    ]);
  });

  const { jwks_uri: _, ...none } = http;
  it.each([
    ['neither file nor address', none, 'issuers[0].jwks_uri: is required, or jwks_file: say where its public keys are'],
    ['both', { ...http, jwks_file: 'keys.json' }, 'issuers[0].jwks_uri: stands beside jwks_file: keep one of the two'],
    [
      'certificates for a file',
      { ...none, jwks_file: 'keys.json', jwks_ca_file: 'ca.pem' },
      'issuers[0].jwks_ca_file: is for jwks_uri: remove it',
    ],
    ['no certificates', { ...http, jwks_ca_file: 'text' }, 'issuers[0].jwks_ca_file: holds no certificate in PEM'],
    [
      'certificates that are not there',
      { ...http, jwks_ca_file: 'x' },
      'issuers[0].jwks_ca_file: cannot be read: does the file exist, and may we read it?',
    ],
    ['a fragment', { ...http, jwks_uri: `${URI}#a` }, /jwks_uri: has a fragment/],
    ['another scheme', { ...http, jwks_uri: 'file:///etc/keys.json' }, /jwks_uri: must be an absolute address/],
    ['a user in the address', { ...http, jwks_uri: 'https://me@id.example.com/keys' }, /jwks_uri: must be an absolute/],
    ['another spelling of an address', { ...http, jwks_uri: 'https://0x7f.1/keys' }, /jwks_uri: must be an absolute/],
    ['a path with dots', { ...http, jwks_uri: 'https://id.example.com/a/../keys' }, /jwks_uri: must be an absolute/],
  ])('J9: refuses %s', (_name, row, what) => {
    expect(faults(row)).toEqual([typeof what === 'string' ? what : expect.stringMatching(what)]);
  });

  it('J9: http elsewhere than on loopback is for dev and test alone', () => {
    const over = (host: string, ENVIRONMENT: string) =>
      faultsOf({ ...DEV, ENVIRONMENT }, { issuers: [{ ...http, jwks_uri: `http://${host}/keys` }] }).filter((fault) =>
        fault.startsWith('issuers'),
      );
    for (const environment of ['staging', 'production']) {
      expect(over('keycloak:8080', environment)).toEqual([
        'issuers: fetch the keys of https://id.example.com over http: use https, or http on a loopback address only',
      ]);
      expect(over('127.0.0.1.example.com', environment)).toHaveLength(1);
      for (const host of ['localhost:1', '127.0.0.1', '[::1]:8080']) expect(over(host, environment)).toEqual([]);
    }
    for (const environment of ['dev', 'test']) expect(over('keycloak:8080', environment)).toEqual([]);
  });
});

describe('the profile compat', () => {
  it('A10: is read with the claim that tells access tokens from ID tokens', () => {
    const [least, most] = issuersOf(
      { ...http, profile: 'compat', compat },
      {
        ...http,
        issuer: 'urn:b',
        profile: 'compat',
        compat: { access_token_claim: 'sub', access_token_values: ['spiffe://a.example/*', 'x'], jti_claim: 'uti' },
      },
    );
    expect(least?.compat).toEqual({ accessTokenClaim: 'scp' });
    expect(most?.compat).toEqual({
      accessTokenClaim: 'sub',
      accessTokenValues: ['spiffe://a.example/*', 'x'],
      jtiClaim: 'uti',
    });
  });

  it.each([
    ['without the claim', { ...http, profile: 'compat' }, /compat\.access_token_claim: is required by compat/],
    ['with no values', { ...http, profile: 'compat', compat: { ...compat, access_token_values: [] } }, /is empty/],
    ...['repo:acme*', '*', 'a*b', 'a:*:*', 'a/**'].map((value) => [
      `with the value ${value}`,
      { ...http, profile: 'compat', compat: { ...compat, access_token_values: [value] } },
      /compat\.access_token_values: holds ".*": one \* may stand at the end, after : or \//,
    ]),
    [
      'whose members stand under the other',
      { ...http, compat },
      /access_token_claim: is for profile: compat: remove it/,
    ],
  ] as [string, object, RegExp][])('A10: is refused %s', (_name, row, what) => {
    expect(faults(row)).toEqual([expect.stringMatching(what)]);
  });

  it('A10: says at every start, in every environment, by what it is weaker', () => {
    const { warnings } = load(DEV, { issuers: [http, { ...http, issuer: 'urn:b', profile: 'compat', compat }] });
    const weak = warnings.filter((line) => line.includes('compat'));
    expect(weak).toEqual([
      'The issuer urn:b has the profile compat: the claim scp alone tells its access tokens from its ID tokens, and client_id, jti and iat may be guessed.',
    ]);
  });
});

describe('what holds of every token of an issuer', () => {
  it('A8: its scopes and its subject type', () => {
    const every_token = { scopes: 'secrets.read', subject_type: 'service' };
    const config = load(DEV, { issuers: [{ ...http, every_token }] });
    expect(config.issuers[0]?.everyToken).toEqual({ scopes: ['secrets.read'], subjectType: 'service' });
    expect(config.warnings).toContain(
      'Every token of the issuer https://id.example.com has the scopes secrets.read, whoever got it.',
    );
  });

  it.each([
    [
      'the scope of administrators',
      { every_token: { scopes: 'secrets.admin' } },
      /every_token\.scopes: must be secrets/,
    ],
    [
      'another subject type',
      { every_token: { subject_type: 'robot' } },
      /subject_type: must be service or user or agent/,
    ],
    [
      'scopes beside a claim with scopes',
      { every_token: { scopes: 'secrets.read' }, claims: { scope: 'scp' } },
      /every_token\.scopes: stands beside claims\.scope/,
    ],
  ])('A8: %s is refused', (_name, more, what) => {
    expect(faults({ ...http, ...more })).toEqual([expect.stringMatching(what)]);
  });

  it('A8: a claim for scopes is read by its name', () => {
    expect(issuersOf({ ...http, claims: { scope: 'scp' } })[0]?.claims).toEqual({ scope: 'scp' });
  });
});
