import { generateKeyPairSync } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as jose from 'jose';

import { ProtectedResource, type ResourceTerms } from '#src/http/protected-resource.js';

import { expectProblem } from '../support/attack.js';
import { makeCa, makeCertificate } from '../support/certificates.js';
import { APP, type Gateway, type GatewayOptions, startGateway } from '../support/gateway.js';
import { askTls } from '../support/secure-wire.js';
import { ISSUER, makeKey } from '../support/tokens.js';
import { OTHER_ISSUER } from '../support/world.js';
import { ask, type WireAnswer } from './wire.js';

const PATH = '/.well-known/oauth-protected-resource';

const TERMS: ResourceTerms = {
  identifier: 'https://secrets.example.com',
  documentation: undefined,
  issuers: [],
  unbound: false,
  certificates: false,
};

function documentOf(terms: Partial<ResourceTerms>): Record<string, unknown> {
  return JSON.parse(new ProtectedResource({ ...TERMS, ...terms }).document()) as Record<string, unknown>;
}

/** The document of a running gateway, by plain bytes: nothing is presented. */
async function fetched(gateway: Gateway, path = PATH): Promise<WireAnswer> {
  return await gateway.send(gateway.request({ target: path }));
}

async function withGateway(options: GatewayOptions, then: (gateway: Gateway) => Promise<void>): Promise<void> {
  const gateway = await startGateway(options);
  try {
    await then(gateway);
  } finally {
    await gateway.close();
  }
}

describe('the metadata of the protected resource', () => {
  let gateway: Gateway;
  let answer: WireAnswer;
  beforeAll(async () => {
    gateway = await startGateway({ settings: { ALLOW_UNBOUND_TOKENS: false } });
    answer = await fetched(gateway);
  });
  afterAll(async () => await gateway.close());

  it.each([
    ['https://secrets.example.com', PATH],
    ['https://secrets.example.com/', PATH],
    ['https://secrets.example.com/api', `${PATH}/api`],
    ['https://secrets.example.com/api/', `${PATH}/api`],
    ['https://secrets.example.com:8443/api/v1', `${PATH}/api/v1`],
  ])('R1: of %s lies at %s of the same host', (identifier, path) => {
    const resource = new ProtectedResource({ ...TERMS, identifier });
    expect(resource.path).toBe(path);
    expect(resource.metadataUrl).toBe(`${new URL(identifier).origin}${path}`);
  });

  it('R1: is served where the identifier says, and nowhere else', async () => {
    const settings = {
      PUBLIC_ORIGIN: 'https://secrets.example.com',
      RESOURCE_IDENTIFIER: 'https://secrets.example.com/api/v1',
    };
    await withGateway({ settings }, async (named) => {
      expect((await fetched(named, `${PATH}/api/v1`)).problem['resource']).toBe('https://secrets.example.com/api/v1');
      for (const path of [
        PATH,
        `${PATH}/`,
        `${PATH}/api`,
        `${PATH}/api/v1/`,
        `${PATH}/api/v1/x`,
        '/api/v1',
        `/api/v1${PATH}`,
      ]) {
        expectProblem(await fetched(named, path), '404 NOT_FOUND');
      }
    });
  });

  it('R2: is 200 and application/json, one object with nothing empty but what means something', () => {
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toEqual(['application/json']);
    expect(answer.problem).toEqual({
      resource: gateway.origin,
      authorization_servers: [ISSUER, OTHER_ISSUER],
      scopes_supported: ['secrets.read'],
      bearer_methods_supported: [],
      dpop_signing_alg_values_supported: ['ES256', 'Ed25519'],
      dpop_bound_access_tokens_required: true,
      tls_client_certificate_bound_access_tokens: false,
    });
    expect(documentOf({})).not.toHaveProperty('authorization_servers');
    expect(documentOf({})).not.toHaveProperty('resource_documentation');
  });

  it.each([
    'https://secrets.example.com',
    'https://secrets.example.com/',
    'https://secrets.example.com/Api',
    'https://secrets.example.com/api/',
  ])('R3: names the resource %s octet for octet', (identifier) => {
    expect(documentOf({ identifier })['resource']).toBe(identifier);
  });

  it('R4: names the issuers that have an address, and no others', () => {
    const issuers = [
      'https://a.example',
      'urn:postern:dev',
      'https://b.example/realms/x',
      'joe',
      'mailto:a@b.example',
      'http://127.0.0.1:9',
    ];
    expect(documentOf({ issuers })['authorization_servers']).toEqual([
      'https://a.example',
      'https://b.example/realms/x',
      'http://127.0.0.1:9',
    ]);
  });

  it.each([
    [{ unbound: false, certificates: false }, [], true],
    [{ unbound: true, certificates: false }, ['header'], false],
    [{ unbound: false, certificates: true }, ['header'], false],
    [{ unbound: true, certificates: true }, ['header'], false],
  ])('R4: with %j Bearer is %j, and DPoP the only way: %s', (terms, methods, required) => {
    expect(documentOf(terms)).toMatchObject({
      bearer_methods_supported: methods,
      dpop_bound_access_tokens_required: required,
      tls_client_certificate_bound_access_tokens: terms.certificates,
    });
  });

  it('R4: names documentation where there is some', () => {
    const documentation = 'https://docs.example.com/secrets';
    expect(documentOf({ documentation })['resource_documentation']).toBe(documentation);
  });

  it('R5: is not signed, and says so by saying nothing', () => {
    expect(answer.problem).not.toHaveProperty('signed_metadata');
  });

  it('R6: is named by every challenge, whatever it is for', async () => {
    const url = `resource_metadata="${gateway.origin}${PATH}"`;
    const challenged = [
      await gateway.read(APP, { token: null }),
      await gateway.read(APP, { token: 'a.b.c', proof: null }),
      await gateway.read(APP, { token: 'a.b.c', proof: null, scheme: 'Bearer' }),
      await gateway.read(APP, { proof: null }),
      await gateway.read(APP, { token: gateway.mint({ claims: { scope: 'secrets.write' } }) }),
      await gateway.read(APP, { fields: ['X-Access-Reason: \x80'] }),
      await gateway.send(gateway.request({ target: APP, fields: ['Authorization: DPoP a', 'Authorization: DPoP b'] })),
    ];
    expect(challenged.map(({ status }) => status)).toEqual([401, 401, 401, 401, 403, 400, 400]);
    for (const { headers } of challenged) {
      const challenges = headers['www-authenticate'] ?? [];
      expect(challenges.length).toBeGreaterThan(0);
      for (const challenge of challenges) expect(challenge).toContain(url);
    }
  });

  it('R6: is found by whoever follows the challenge', async () => {
    const { headers } = await gateway.read(APP, { token: null });
    const url = new URL(/resource_metadata="([^"]+)"/.exec(headers['www-authenticate']?.[0] ?? '')?.[1] ?? '');
    const found = await fetch(url);
    expect(await found.json()).toEqual(answer.problem);
  });

  it('R6: is named by the challenges of a configured identifier at its own place', async () => {
    const settings = {
      PUBLIC_ORIGIN: 'https://secrets.example.com',
      RESOURCE_IDENTIFIER: 'https://secrets.example.com/api',
    };
    await withGateway({ settings }, async (named) => {
      for (const challenge of (await named.read(APP, { token: null })).headers['www-authenticate'] ?? []) {
        expect(challenge).toContain(`resource_metadata="https://secrets.example.com${PATH}/api"`);
      }
    });
  });

  it('R7: is never said to lie elsewhere than on the public origin, whatever the request says', async () => {
    const settings = { PUBLIC_ORIGIN: 'https://secrets.example.com' };
    await withGateway({ settings }, async (named) => {
      const fields = [
        'X-Forwarded-Proto: http',
        'X-Forwarded-Host: evil.example',
        'Forwarded: host=evil.example;proto=http',
      ];
      const found = await named.send(named.request({ target: PATH, fields }));
      expect(found.problem['resource']).toBe('https://secrets.example.com');
      const { headers } = await named.read(APP, { token: null, fields });
      expect(headers['www-authenticate']?.[0]).toContain(`resource_metadata="https://secrets.example.com${PATH}"`);
      expectProblem(
        await named.send(named.request({ target: PATH, fields: ['Host: evil.example'] })),
        '421 MISDIRECTED',
      );
    });
  });

  it('R7: names our own TLS listener by https, and that it takes certificates', async () => {
    const ca = await makeCa('server CA');
    const { pem, key } = await makeCertificate({ name: 'postern', by: ca, usage: 'server' });
    await withGateway({ settings: { TLS_CERT: pem, TLS_KEY: key, ALLOW_UNBOUND_TOKENS: false } }, async (secure) => {
      const { problem } = await askTls(secure.port, secure.request({ target: PATH }), { ca });
      expect(problem).toMatchObject({
        resource: `https://127.0.0.1:${secure.port}`,
        bearer_methods_supported: ['header'],
        tls_client_certificate_bound_access_tokens: true,
      });
      const { headers } = await askTls(secure.port, secure.request({ target: APP }), { ca });
      const url = `resource_metadata="https://127.0.0.1:${secure.port}${PATH}"`;
      expect(headers['www-authenticate']).toEqual([expect.stringContaining(url), expect.stringContaining(url)]);
    });
  });

  it('R8: is the same for everybody, may be kept for a bounded time, and needs no token', async () => {
    expect(answer.headers['cache-control']).toEqual(['public, max-age=300']);
    for (const fields of [
      [],
      ['Authorization: DPoP a.b.c'],
      ['Authorization: Basic YTpi', 'Accept: text/html'],
      ['X-Access-Reason: why'],
    ]) {
      const other = await gateway.send(gateway.request({ target: PATH, fields }));
      expect({ status: other.status, body: other.body }).toEqual({ status: 200, body: answer.body });
    }
  });

  it('R8: says nothing of secrets, mounts, tenants, policies or keys, and is not audited', async () => {
    expect(answer.body).not.toMatch(/kv|acme|umbrella|app-use|payments|yaml|crud\.secrets|token_jti|BEGIN/);
    expect(answer.body).not.toContain(gateway.canary);
    const ids = answer.headers['x-request-id'];
    expect((await gateway.records()).filter((record) => ids?.includes(String(record['request_id'])))).toEqual([]);
  });

  it('R8: is there for whoever may not call, and takes no token of a bucket', async () => {
    await withGateway({ settings: { ADDRESS_ALLOWLIST: '', RATE_LIMIT_ADDRESS: '0.001/1' } }, async (closed) => {
      for (let at = 0; at < 3; at += 1) expect((await fetched(closed)).status).toBe(200);
    });
  });

  it.each(['HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE'])('R2: takes GET alone: %s is 405', async (method) => {
    const toHead = method === 'HEAD';
    const refused = await ask(gateway.port, gateway.request({ target: PATH, method }), { toHead });
    expect([refused.status, refused.headers['allow']]).toEqual([405, ['GET']]);
    expect(refused.headers['cache-control']).toEqual(['no-store']);
    if (!toHead) expectProblem(refused, '405 METHOD_NOT_ALLOWED');
  });
});

describe('the metadata agrees with behaviour', () => {
  /** A read whose proof is signed with an algorithm, by a key that the token is bound to. */
  async function readWith(gateway: Gateway, alg: string): Promise<WireAnswer> {
    const { privateKey, jwk } = proofKey(alg);
    const jkt = await jose.calculateJwkThumbprint(jwk);
    const token = gateway.mint({ boundTo: null, claims: { cnf: { jkt } } });
    const proof = await new jose.SignJWT({
      htm: 'GET',
      htu: `${gateway.origin}${APP}`,
      jti: `jti-${alg}`,
      ath: await hashOf(token),
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg, jwk })
      .setIssuedAt()
      .sign(privateKey);
    return await gateway.read(APP, { token, proof });
  }

  const LISTED = async (gateway: Gateway): Promise<readonly string[]> =>
    (await fetched(gateway)).problem['dpop_signing_alg_values_supported'] as readonly string[];

  it('R9: each algorithm that is listed opens, and is the one of the challenge', async () => {
    await withGateway({}, async (gateway) => {
      const listed = await LISTED(gateway);
      expect(listed.length).toBeGreaterThan(0);
      for (const alg of listed) expect([alg, (await readWith(gateway, alg)).status]).toEqual([alg, 200]);
      const [challenge = ''] = (await gateway.read(APP, { token: null })).headers['www-authenticate'] ?? [];
      expect(challenge).toContain(`algs="${listed.join(' ')}"`);
    });
  });

  it.each(['ES384', 'ES512', 'PS256', 'RS256', 'RS512'])('R9: %s is not listed, and does not open', async (alg) => {
    await withGateway({}, async (gateway) => {
      expect(await LISTED(gateway)).not.toContain(alg);
      expectProblem(await readWith(gateway, alg), '401 INVALID_DPOP_PROOF');
    });
  });

  it('R9: Bearer opens exactly where it is listed', async () => {
    for (const unbound of [true, false]) {
      await withGateway({ settings: { ALLOW_UNBOUND_TOKENS: unbound } }, async (gateway) => {
        const { problem } = await fetched(gateway);
        expect(problem['bearer_methods_supported']).toEqual(unbound ? ['header'] : []);
        expect(problem['dpop_bound_access_tokens_required']).toBe(!unbound);
        const token = gateway.mint({ boundTo: null });
        const plain = await gateway.read(APP, { token, proof: null, scheme: 'Bearer' });
        expect(plain.status).toBe(unbound ? 200 : 401);
        const offers = (await gateway.read(APP, { token: null })).headers['www-authenticate'] ?? [];
        expect(offers.map((offer) => offer.split(' ')[0])).toEqual(unbound ? ['DPoP', 'Bearer'] : ['DPoP']);
      });
    }
  });

  it('R9: a token that is bound to a certificate opens exactly where that is listed', async () => {
    const { der, x5t } = await makeCertificate({ name: 'svc-billing', by: await makeCa('client CA') });
    const handedOver = `Client-Cert: :${Buffer.from(der).toString('base64')}:`;
    for (const certificates of [true, false]) {
      const proxies = { TRUSTED_PROXY_CIDRS: '127.0.0.0/8', CLIENT_CERT_HEADER: certificates };
      await withGateway({ settings: { ALLOW_UNBOUND_TOKENS: false, ...proxies } }, async (gateway) => {
        expect((await fetched(gateway)).problem).toMatchObject({
          bearer_methods_supported: certificates ? ['header'] : [],
          dpop_bound_access_tokens_required: !certificates,
          tls_client_certificate_bound_access_tokens: certificates,
        });
        const token = gateway.mint({ boundTo: null, claims: { cnf: { 'x5t#S256': x5t } } });
        const answer = await gateway.read(APP, { token, proof: null, scheme: 'Bearer', fields: [handedOver] });
        expect(answer.status).toBe(certificates ? 200 : 401);
        const offers = answer.headers['www-authenticate'] ?? [];
        if (!certificates) expect(offers.map((offer) => offer.split(' ')[0])).toEqual(['DPoP']);
      });
    }
  });

  it('R9: each scope that is listed is enough for some route, and no other is', async () => {
    await withGateway({}, async (gateway) => {
      const scopes = (await fetched(gateway)).problem['scopes_supported'] as readonly string[];
      for (const scope of scopes) {
        expect((await gateway.read(APP, { token: gateway.mint({ claims: { scope } }) })).status).toBe(200);
      }
      const others =
        'secrets.write secrets.delete secrets.destroy secrets.rotate secrets.read_metadata secrets.set_owner';
      expectProblem(
        await gateway.read(APP, { token: gateway.mint({ claims: { scope: others } }) }),
        '403 INSUFFICIENT_SCOPE',
      );
    });
  });

  it('R9: each issuer that is listed is trusted, and one that is not is not', async () => {
    await withGateway({}, async (gateway) => {
      const servers = (await fetched(gateway)).problem['authorization_servers'];
      expect(servers).toEqual([ISSUER, OTHER_ISSUER]);
      expect((await gateway.read(APP)).status).toBe(200);
      const strange = gateway.mint({ key: makeKey('ES256', 'issuer-1'), claims: { iss: 'https://strange.example' } });
      expectProblem(await gateway.read(APP, { token: strange }), '401 INVALID_TOKEN');
    });
  });
});

function proofKey(alg: string): { privateKey: ReturnType<typeof generateKeyPairSync>['privateKey']; jwk: jose.JWK } {
  const { publicKey, privateKey } = pairFor(alg);
  return { privateKey, jwk: publicKey.export({ format: 'jwk' }) };
}

function pairFor(alg: string) {
  switch (alg) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'ES384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' });
    case 'ES512':
      return generateKeyPairSync('ec', { namedCurve: 'P-521' });
    case 'Ed25519':
      return generateKeyPairSync('ed25519');
    default:
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
  }
}

async function hashOf(token: string): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(token))).toString('base64url');
}
