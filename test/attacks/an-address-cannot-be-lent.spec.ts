import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { JsonObject } from '#libs/kernel/json.js';

import { ask, type WireAnswer } from '../http/wire.js';
import { comparable, expectNothingTold, expectProblem, expectRecord, Target } from '../support/attack.js';
import { makeCa, makeCertificate } from '../support/certificates.js';
import { APP, type Gateway, POLICIES, startGateway, valuePath } from '../support/gateway.js';
import { askTls } from '../support/secure-wire.js';

/*
 * Every address of 127.0.0.0/8 is this machine, so that requests can come from many places. Unless a test says otherwise the proxies
 * are 127.0.1.0/24, and 203.0.113.0/24, 2001:db8::/32 and 127.0.2.0/24 may call.
 */
const PROXY = '127.0.1.1';
const WORLD = {
  TRUSTED_PROXY_CIDRS: '127.0.1.0/24',
  ADDRESS_ALLOWLIST: '203.0.113.0/24,2001:db8::/32,127.0.2.0/24',
};
const BY_ADDRESS = `
@id("by-address")
permit (principal, action in Action::"disclose", resource in Folder::"yaml://kv/plans")
when { context has address && context.address.isInRange(ip("203.0.113.0/24")) };`;

let target: Target;
let gateway: Gateway;
beforeAll(async () => {
  target = await Target.start({ settings: WORLD, policies: { acme: `${POLICIES}${BY_ADDRESS}` } });
  ({ gateway } = target);
});
afterAll(async () => await target.close());

interface Call {
  /** The peer's address. */
  readonly from: string;
  readonly fields?: readonly string[];
  readonly path?: string;
  /** `null`: nothing is presented. */
  readonly token?: string | null;
}

/** A request with all that it needs, from an address. */
async function call(
  { from, fields = [], path = APP, token = gateway.mint() }: Call,
  of = gateway,
): Promise<WireAnswer> {
  const credentials = token === null ? [] : [`Authorization: DPoP ${token}`, `DPoP: ${of.prove({ token, path })}`];
  return await ask(of.port, of.request({ target: path, fields: [...credentials, ...fields] }), { from });
}

const forwarded = (...lines: readonly string[]): readonly string[] => lines.map((line) => `X-Forwarded-For: ${line}`);

async function recordOf({ headers }: WireAnswer): Promise<JsonObject | undefined> {
  const [id] = headers['x-request-id'] ?? [];
  return (await gateway.records()).find((record) => record['request_id'] === id);
}

describe('N27 an address', () => {
  it.each<readonly [title: string, call: Call]>([
    ['its own', { from: '127.0.2.9' }],
    ['what a proxy says', { from: PROXY, fields: forwarded('203.0.113.7') }],
    ['what a proxy says last', { from: PROXY, fields: forwarded('198.51.100.1, 203.0.113.7') }],
    ['what a proxy says in a line of its own', { from: PROXY, fields: forwarded('198.51.100.1', '203.0.113.7') }],
    ['what the first of two proxies says', { from: PROXY, fields: forwarded('198.51.100.1, 203.0.113.7, 127.0.1.2') }],
    ['an IPv6 one', { from: PROXY, fields: forwarded('2001:db8::7') }],
    ['an IPv4 one in IPv6 clothes', { from: PROXY, fields: forwarded('::ffff:203.0.113.7') }],
  ])('N27: that is allowed lets a request on: %s', async (_title, given) => {
    expect((await call(given)).status).toBe(200);
  });

  it.each<readonly [title: string, call: Call]>([
    ['its own', { from: '127.0.0.1' }],
    ['its own, next to a network that is allowed', { from: '127.0.3.0' }],
    ['what a proxy says', { from: PROXY, fields: forwarded('198.51.100.1') }],
    ['what a proxy says, an allowed one to its left', { from: PROXY, fields: forwarded('203.0.113.7, 198.51.100.1') }],
    ['what a proxy says, an allowed line before it', { from: PROXY, fields: forwarded('203.0.113.7', '198.51.100.1') }],
    [
      'what a proxy says, an allowed one behind many',
      { from: PROXY, fields: forwarded(`203.0.113.7${', 127.0.1.2'.repeat(9)}, 198.51.100.1`) },
    ],
    ["a proxy's own", { from: PROXY }],
    ["a proxy's own, with another proxy as its client", { from: PROXY, fields: forwarded('127.0.1.9') }],
    ['its own, lent by a header', { from: '127.0.0.1', fields: forwarded('203.0.113.7') }],
    [
      'its own, lent by a header that names a proxy',
      { from: '127.0.0.1', fields: forwarded('203.0.113.7, 127.0.1.1') },
    ],
    ['next to a proxy', { from: '127.0.0.255', fields: forwarded('203.0.113.7') }],
  ])('N27: that is not allowed ends it, with the record that says so: %s', async (_title, given) => {
    const before = gateway.storedKeys();
    await target.passes(1_000);
    const answer = await call(given);
    expectProblem(answer, '403 ADDRESS_NOT_ALLOWED');
    expect(answer.problem).not.toHaveProperty('detail');
    expect(answer.headers['www-authenticate']).toBeUndefined();
    expect(gateway.storedKeys()).toBe(before);
    await expectRecord(gateway, answer, 'address allowlist');
  });

  it.each(
    ['X-Real-IP: 203.0.113.7', 'Forwarded: for=203.0.113.7', 'X-Client-IP: 203.0.113.7', 'True-Client-IP: 203.0.113.7', 'CF-Connecting-IP: 203.0.113.7', 'X-Cluster-Client-IP: 203.0.113.7', 'Fastly-Client-IP: 203.0.113.7', 'X-Original-Forwarded-For: 203.0.113.7', 'X-Forwarded: for=203.0.113.7', 'Forwarded-For: 203.0.113.7', 'X-Forwarded-For-: 203.0.113.7', 'X_Forwarded_For: 203.0.113.7', 'Via: 1.1 203.0.113.7', 'X-Envoy-External-Address: 203.0.113.7', 'X-Azure-ClientIP: 203.0.113.7', 'X-Appengine-User-IP: 203.0.113.7'],
  )('T17: %s is not read, from a proxy neither', async (field) => {
    await target.passes(1_000);
    for (const fields of [[field], [field, ...forwarded('198.51.100.1')]]) {
      expectProblem(await call({ from: PROXY, fields }), '403 ADDRESS_NOT_ALLOWED');
    }
    expectProblem(await call({ from: '127.0.0.1', fields: [field] }), '403 ADDRESS_NOT_ALLOWED');
  }); // prettier-ignore

  it.each([
    '203.0.113.7:4711', '[2001:db8::7]', '2001:db8::7%eth0', '203.0.113.07', '0xcb007107', '3405803783', '203.0.29063', 'unknown', '_secret', 'localhost', '', '203.0.113.7;', '203.0.113.7,', ',', '203.0.113.7 127.0.1.2', '"203.0.113.7"', 'for=203.0.113.7',
  ])('T17: that nobody can know (%j) is refused, whoever is allowed', async (hop) => {
    await target.passes(1_000);
    for (const fields of [forwarded(hop), forwarded(`203.0.113.7, ${hop}`), forwarded('203.0.113.7', hop)]) {
      const answer = await call({ from: PROXY, fields });
      expectProblem(answer, '400 INVALID_REQUEST');
      await expectRecord(gateway, answer, 'forwarded address');
      expect(await recordOf(answer)).not.toHaveProperty('address_prefix');
    }
  }); // prettier-ignore

  it('N27: is looked at before the token: what is presented makes no difference', async () => {
    await target.passes(1_000);
    const token = gateway.mint();
    const from = '127.0.0.1';
    const answers = [
      await call({ from, token }),
      await call({ from, token: 'a.b.c' }),
      await call({ from, token: gateway.mint({ claims: { exp: 1 } }) }),
      await call({ from, path: valuePath('yaml://kv/closed/next#token') }),
      await call({ from, path: valuePath('yaml://elsewhere/x#y') }),
    ];
    const [first, ...rest] = answers.map(comparable);
    for (const other of rest) expect(other).toEqual(first);
    expectProblem(await call({ from, token: null }), '403 ADDRESS_NOT_ALLOWED');
  });

  it('N27: is looked at after sizes and shapes: a request that HTTP refuses is told that', async () => {
    const bytes = gateway.request({ target: APP, fields: ['Host: elsewhere.example'] });
    expectProblem(await ask(gateway.port, bytes, { from: '127.0.0.1' }), '421 MISDIRECTED');
  });

  it('T17: that policies see is the one that was admitted', async () => {
    const plans = valuePath('yaml://kv/plans/next#token');
    expect((await call({ from: PROXY, fields: forwarded('203.0.113.7'), path: plans })).status).toBe(200);
    expectProblem(await call({ from: PROXY, fields: forwarded('2001:db8::7'), path: plans }), '403 DENIED');
    const lent = await call({ from: '127.0.2.9', fields: forwarded('203.0.113.7'), path: plans });
    expectProblem(lent, '403 DENIED');
  });

  it('T17: that records see is the one that was admitted, by its network alone', async () => {
    const calls: readonly (readonly [Call, string])[] = [
      [{ from: PROXY, fields: forwarded('203.0.113.7') }, '203.0.113.0/24'],
      [{ from: PROXY, fields: forwarded('2001:db8:5::7') }, '2001:db8:5::/48'],
      [{ from: '127.0.2.9', fields: forwarded('203.0.113.7') }, '127.0.2.0/24'],
      [{ from: '127.0.0.1', fields: forwarded('203.0.113.7') }, '127.0.0.0/24'],
    ];
    for (const [given, prefix] of calls) {
      await target.passes(1_000);
      expect((await recordOf(await call(given)))?.['address_prefix']).toBe(prefix);
    }
  });

  it('N27: is never told, and nothing else is', async () => {
    await expectNothingTold(gateway, ['203.0.113.7', '198.51.100.1', '2001:db8::7']);
  });
});

describe('N27 an empty list', () => {
  let closed: Target;
  beforeAll(async () => {
    closed = await Target.start({ settings: { ADDRESS_ALLOWLIST: '', TRUSTED_PROXY_CIDRS: '127.0.1.0/24' } });
  });
  afterAll(async () => await closed.close());

  it('N27: lets nobody on, from this machine neither', async () => {
    const { gateway: of } = closed;
    for (const [from, fields] of [
      ['127.0.0.1', []],
      [PROXY, forwarded('127.0.0.1')],
      [PROXY, []],
    ] as const) {
      expectProblem(await call({ from, fields, token: of.mint() }, of), '403 ADDRESS_NOT_ALLOWED');
    }
  });
});

describe('T17 a proxy that must show its certificate', () => {
  it('T17: is believed with that certificate, and lends nothing with another or with none', async () => {
    const ca = await makeCa('server CA');
    const server = await makeCertificate({ name: 'postern', by: ca, usage: 'server' });
    const proxy = await makeCertificate({ name: 'proxy', by: ca });
    const other = await makeCertificate({ name: 'proxy', by: ca });
    const settings = {
      TLS_CERT: server.pem,
      TLS_KEY: server.key,
      TRUSTED_PROXY_CIDRS: '127.0.0.0/8',
      TRUSTED_PROXY_THUMBPRINTS: proxy.x5t,
      ADDRESS_ALLOWLIST: '203.0.113.0/24',
    };
    const secure = await startGateway({ settings });
    try {
      const bytes = secure.request({ target: APP, fields: forwarded('203.0.113.7') });
      expectProblem(await askTls(secure.port, bytes, { ca, shows: proxy }), '401 CREDENTIALS_REQUIRED');
      expectProblem(await askTls(secure.port, bytes, { ca, shows: other }), '403 ADDRESS_NOT_ALLOWED');
      expectProblem(await askTls(secure.port, bytes, { ca }), '403 ADDRESS_NOT_ALLOWED');
    } finally {
      await secure.close();
    }
  });
});

describe('N27 without a list', () => {
  let open: Target;
  beforeAll(async () => {
    open = await Target.start();
  });
  afterAll(async () => await open.close());

  it('N27: everybody is let on, and no header says who anybody is', async () => {
    const { gateway: of } = open;
    for (const fields of [forwarded('203.0.113.7'), forwarded('no address'), []]) {
      expect((await call({ from: '127.0.9.9', fields, token: of.mint() }, of)).status).toBe(200);
    }
    await open.passes(1_000);
    const prefixes = new Set((await of.records()).flatMap((record) => record['address_prefix'] ?? []));
    expect(prefixes).toEqual(new Set(['127.0.9.0/24']));
  });
});
