import { randomBytes } from 'node:crypto';

import { afterEach, describe, expect, it } from '@jest/globals';

import { ANONYMOUS_ISSUER, anonymousOf } from '#libs/identity/anonymous.js';
import { providerNames } from '#libs/kernel/provider-names.js';
import { tenantOf, type Tenant } from '#libs/tenancy/tenants.js';
import { createGate } from '#src/composition/create-gate.js';

import { load } from '../config/fixture.js';
import { APP, startGateway, valuePath, type Gateway, type GatewayOptions } from '../support/gateway.js';
import { ISSUER, makeKey } from '../support/tokens.js';

const ANYBODY = '@id("anybody") permit (principal == service::"urn:postern:anonymous#anonymous", action, resource);';
const PAYMENTS = `@id("payments") permit (principal in Group::"${ISSUER}#payments", action, resource in Folder::"yaml://kv/app");`;

let gateway: Gateway;
afterEach(async () => await gateway.close());

/** The single-tenant case, with these switches off. */
async function without(
  names: readonly string[],
  { settings, policies }: Pick<GatewayOptions, 'settings' | 'policies'> = {},
): Promise<Gateway> {
  gateway = await startGateway({
    policies: policies ?? { acme: `${ANYBODY}\n${PAYMENTS}` },
    settings: {
      TENANT_ID: 'acme',
      TENANT_ALLOWED_MOUNTS: 'yaml://kv',
      TENANT_SALT: randomBytes(32).toString('base64'),
      ...Object.fromEntries(names.map((name) => [name, false])),
      ...settings,
    },
  });
  return gateway;
}

/** Asks without any credentials. */
async function askBare(target = APP, fields: readonly string[] = []) {
  return await gateway.read(target, { token: null, proof: null, fields });
}

describe('with SECRETS_API_REQUIRE_AUTH=false', () => {
  const OFF = ['SECRETS_API_REQUIRE_AUTH'];

  it('whoever sends no credentials is anonymous of TENANT_ID, and gets what policy gives anonymous', async () => {
    await without(OFF);
    const answer = await askBare();
    expect(answer).toMatchObject({ status: 200, problem: { value: gateway.canary } });
    const intent = (await gateway.records()).find(({ type }) => type === 'intent');
    expect(intent).toMatchObject({
      tenant: 'acme',
      iss: 'urn:postern:anonymous',
      sub: 'anonymous',
      client_id: 'anonymous',
      binding: { kind: 'none' },
      policy_ids: ['anybody'],
    });
  });

  it('policy still decides: what it does not give anonymous is denied', async () => {
    await without(OFF, { policies: { acme: PAYMENTS } });
    expect(await askBare()).toMatchObject({ status: 403, problem: { code: 'DENIED' } });
  });

  it('what is presented is judged: a bad token is refused as ever', async () => {
    await without(OFF);
    const forged = gateway.mint({ key: makeKey('ES256', 'issuer-1'), boundTo: null });
    const expired = gateway.mint({ boundTo: null, claims: { iat: 1, exp: 2 } });
    for (const token of [forged, expired, 'nonsense', '']) {
      expect(await gateway.read(APP, { token, scheme: 'Bearer', proof: null })).toMatchObject({
        status: 401,
        problem: { code: 'INVALID_TOKEN' },
      });
    }
  });

  it.each([
    ['a scheme that is not ours', ['Authorization: Basic YTpi'], 401, 'CREDENTIALS_REQUIRED'],
    ['an empty Authorization', ['Authorization:'], 401, 'CREDENTIALS_REQUIRED'],
    ['a proof without its token', ['DPoP: e30.e30.e30'], 401, 'CREDENTIALS_REQUIRED'],
    ['two Authorization lines', ['Authorization: Bearer a', 'Authorization: Bearer b'], 400, 'INVALID_REQUEST'],
  ])('what is presented is judged: %s does not pass for nothing', async (_, fields, status, code) => {
    await without(OFF);
    expect(await askBare(APP, fields)).toMatchObject({ status, problem: { code } });
  });

  it('I20: a bound token still needs its proof, under every scheme', async () => {
    await without([...OFF, 'ENABLE_AUTHORIZATION', 'SECRETS_ENFORCE_SCOPES']);
    const token = gateway.mint();
    for (const scheme of ['DPoP', 'Bearer']) {
      expect(await gateway.read(APP, { token, scheme, proof: null })).toMatchObject({ status: 401 });
    }
  });

  it('whoever sends a good token is who it says, not anonymous', async () => {
    await without(OFF);
    expect(await gateway.read(APP)).toMatchObject({ status: 200 });
    const intent = (await gateway.records()).find(({ type }) => type === 'intent');
    expect(intent).toMatchObject({ iss: ISSUER, policy_ids: ['payments'] });
    expect(intent?.['sub']).not.toBe('anonymous');
  });

  it('nobody can make a token of anonymous', async () => {
    await without(OFF);
    const token = gateway.mint({ boundTo: null, claims: { iss: ANONYMOUS_ISSUER, sub: 'anonymous' } });
    expect(await gateway.read(APP, { token, scheme: 'Bearer', proof: null })).toMatchObject({
      status: 401,
      problem: { code: 'INVALID_TOKEN' },
    });
  });

  it("anonymous gets the one tenant's mounts and no other, whatever it writes beside its request", async () => {
    await without([...OFF, 'ENABLE_AUTHORIZATION', 'SECRETS_ENFORCE_SCOPES']);
    const fields = ['X-Tenant-ID: umbrella', 'X-Tenant: umbrella', 'Tenant: umbrella'];
    expect(await askBare(valuePath('side://vault/app/api#token'), fields)).toMatchObject({
      status: 403,
      problem: { code: 'TENANT_MOUNT_MISMATCH' },
    });
    expect(await askBare(APP, fields)).toMatchObject({ status: 200 });
    const tenants = (await gateway.records()).flatMap(({ tenant }) => tenant ?? []);
    expect(new Set(tenants)).toEqual(new Set(['acme']));
  });

  it('anonymous speaks for the tenant it was made for, and for none that does not let it', async () => {
    await without(OFF);
    const tenant = (id: string, issuer: string): Tenant => ({
      id,
      issuers: new Set([issuer]),
      claimOptional: true,
      mounts: [{ mount: 'kv' }],
      acrValues: [],
      providers: providerNames([{ name: 'yaml' }]),
    });
    const both = (acme: string, umbrella: string) =>
      new Map([
        ['acme', tenant('acme', acme)],
        ['umbrella', tenant('umbrella', umbrella)],
      ]);
    const anonymous = anonymousOf('acme');
    expect(tenantOf(anonymous, both(ANONYMOUS_ISSUER, ANONYMOUS_ISSUER))?.id).toBe('acme');
    expect(tenantOf(anonymous, both(ISSUER, ANONYMOUS_ISSUER))).toBeUndefined();
    expect(gateway.gate.tokens.anonymous?.tenant).toBe('acme');
  });

  it('anonymous has every scope of the data plane, and none of the admin listener', () => {
    const { scopes } = anonymousOf('acme');
    expect([...scopes].sort()).toEqual([
      'secrets.delete',
      'secrets.destroy',
      'secrets.read',
      'secrets.read_metadata',
      'secrets.rotate',
      'secrets.set_owner',
      'secrets.write',
    ]);
  });
});

describe('with ENABLE_AUTHORIZATION=false', () => {
  const OFF = ['ENABLE_AUTHORIZATION'];

  it('what no policy permits is permitted, under the decision id disabled and the default limits', async () => {
    await without(OFF, { policies: {}, settings: { POLICIES_DIR: 'nowhere', GRANT_MAX_USES_DEFAULT: 2 } });
    const closed = valuePath('yaml://kv/closed/next#token');
    const first = await gateway.read(closed);
    expect(first).toMatchObject({ status: 200, problem: { grant: { uses_left: 1 } } });
    expect(await gateway.read(closed)).toMatchObject({ status: 200, problem: { grant: { uses_left: 0 } } });
    expect(await gateway.read(closed)).toMatchObject({ status: 200, problem: { grant: { uses_left: 1 } } });
    const told = (await gateway.records()).filter(({ type }) => type === 'grant' || type === 'intent');
    expect(told.map(({ type }) => type)).toEqual(['grant', 'intent', 'intent', 'grant', 'intent']);
    for (const record of told) expect(record).toMatchObject({ decision_id: 'disabled', policy_version: 'disabled' });
  });

  it('token, proof, scope and mount count as ever', async () => {
    await without(OFF);
    const codes = [
      await askBare(),
      await gateway.read(APP, { proof: null }),
      await gateway.read(APP, { token: gateway.mint({ claims: { scope: 'secrets.write' } }) }),
      await gateway.read(valuePath('yaml://kv2/app/api#token')),
    ].map(({ status, problem }) => [status, problem['code']]);
    expect(codes).toEqual([
      [401, 'CREDENTIALS_REQUIRED'],
      [401, 'INVALID_DPOP_PROOF'],
      [403, 'INSUFFICIENT_SCOPE'],
      [403, 'TENANT_MOUNT_MISMATCH'],
    ]);
  });
});

describe('with SECRETS_ENFORCE_SCOPES=false', () => {
  it('a token without the scope reads what policy gives its subject, and nothing else', async () => {
    await without(['SECRETS_ENFORCE_SCOPES']);
    for (const scope of ['', 'secrets.write', undefined]) {
      const token = gateway.mint({ claims: { scope } });
      expect(await gateway.read(APP, { token })).toMatchObject({ status: 200 });
    }
    const token = gateway.mint({ claims: { scope: '' } });
    expect(await gateway.read(valuePath('yaml://kv/closed/next'), { token })).toMatchObject({
      status: 403,
      problem: { code: 'DENIED' },
    });
    expect(await askBare()).toMatchObject({ status: 401, problem: { code: 'CREDENTIALS_REQUIRED' } });
  });
});

describe('a switch that is off', () => {
  it.each([
    [['SECRETS_API_REQUIRE_AUTH']],
    [['ENABLE_AUTHORIZATION']],
    [['SECRETS_ENFORCE_SCOPES']],
    [['SECRETS_API_REQUIRE_AUTH', 'ENABLE_AUTHORIZATION', 'SECRETS_ENFORCE_SCOPES']],
  ])('stands in every record of its process: %j', async (names) => {
    await without(names);
    await gateway.read(APP);
    await askBare(valuePath('yaml://kv2/app/api'));
    const records = await gateway.records();
    expect(new Set(records.map(({ type }) => type))).toEqual(new Set(['open', 'grant', 'intent', 'result', 'refusal']));
    for (const record of records) expect(record['switches_off']).toEqual(names);
  });

  it('is not told of where none is', async () => {
    await without([]);
    await gateway.read(APP);
    for (const record of await gateway.records()) expect(record).not.toHaveProperty('switches_off');
  });

  it('is refused by a gate outside dev and test, also when a program made its configuration by hand', async () => {
    await without([]);
    const config = load({ ENVIRONMENT: 'dev', STATE_DIR: 'state', AUDIT_DIR: 'audit' });
    for (const environment of ['staging', 'production'] as const) {
      await expect(createGate({ ...config, environment, switchesOff: ['ENABLE_AUTHORIZATION'] })).rejects.toThrow(
        `ENABLE_AUTHORIZATION cannot be false when ENVIRONMENT is ${environment}.`,
      );
    }
  });
});
