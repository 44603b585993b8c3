import { afterEach, describe, expect, it } from '@jest/globals';

import { ask, type WireAnswer } from '../http/wire.js';
import { comparable, expectNothingTold, expectProblem, expectRecord, Target } from '../support/attack.js';
import { APP, type Gateway, type MintOptions, POLICIES, valuePath } from '../support/gateway.js';
import { makeKey } from '../support/tokens.js';
import { OTHER_ISSUER } from '../support/world.js';

let target: Target;
let gateway: Gateway;

async function start(settings: Record<string, string | boolean>): Promise<void> {
  const umbrella = `@id("umbrella-use") permit (principal in Group::"${OTHER_ISSUER}#payments", action in Action::"disclose", resource);`;
  target = await Target.start({ settings, policies: { acme: POLICIES, umbrella } });
  ({ gateway } = target);
}
afterEach(async () => {
  await expectNothingTold(gateway);
  await target.close();
});

/** A request with a proof of its own, or the very same one when it is given ready. */
function request(changes: MintOptions = {}, path = APP, fields: readonly string[] = []): Buffer {
  const token = gateway.mint(changes);
  const key = changes.boundTo ?? gateway.keys.caller;
  const proof = gateway.prove({ token, path, key });
  return gateway.request({
    target: path,
    fields: [`Authorization: DPoP ${token}`, `DPoP: ${proof}`, ...fields],
  });
}

const send = async (bytes: Buffer, from = '127.0.0.1'): Promise<WireAnswer> => await ask(gateway.port, bytes, { from });

async function statuses(count: number, make: () => Buffer, from?: string): Promise<number[]> {
  const found: number[] = [];
  for (let at = 0; at < count; at += 1) found.push((await send(make(), from)).status);
  return found;
}

/** The answer of a limit: nothing but when to come again. */
async function expectLimited(answer: WireAnswer, check: string, seconds: number): Promise<void> {
  expectProblem(answer, '429 RATE_LIMITED');
  expect(answer.headers['retry-after']).toEqual([String(seconds)]);
  expect(answer.headers['www-authenticate']).toBeUndefined();
  expect(answer.problem).not.toHaveProperty('detail');
  await expectRecord(gateway, answer, check);
}

const nobody = (): Buffer => gateway.request({ target: APP });
const somebodyElse = (sub: string): MintOptions => ({ claims: { sub } });
const ofUmbrella = (): MintOptions => ({ key: gateway.keys.other, claims: { iss: OTHER_ISSUER, tenant: 'umbrella' } });

describe('RATE_LIMIT_ADDRESS', () => {
  it('I42: holds back one address, and no other', async () => {
    await start({ RATE_LIMIT_ADDRESS: '0.5/3' });
    expect(await statuses(3, () => request())).toEqual([200, 200, 200]);
    await expectLimited(await send(request()), 'rate address', 2);
    expect(await statuses(2, () => request(), '127.0.0.2')).toEqual([200, 200]);
  });

  it('I42: lets on again after Retry-After, and not before', async () => {
    await start({ RATE_LIMIT_ADDRESS: '0.5/1' });
    expect(await statuses(2, () => request())).toEqual([200, 429]);
    await target.passes(1_999);
    await expectLimited(await send(request()), 'rate address', 1);
    await target.passes(1);
    expect(await statuses(2, () => request())).toEqual([200, 429]);
  });

  it('N17: counts strangers before anything of theirs is verified: to guess tokens is to wait', async () => {
    await start({ RATE_LIMIT_ADDRESS: '1/5' });
    const guess = (): Buffer => gateway.request({ target: APP, fields: ['Authorization: Bearer a.b.c'] });
    expect(await statuses(3, nobody)).toEqual([401, 401, 401]);
    expect(await statuses(3, guess)).toEqual([401, 401, 429]);
    const [first, ...rest] = [await send(nobody()), await send(guess()), await send(request())].map(comparable);
    for (const other of rest) expect(other).toEqual(first);
  });

  it('I42: spends no proof: the very same request is good when the time has come', async () => {
    await start({ RATE_LIMIT_ADDRESS: '1/1' });
    expect(await statuses(1, nobody)).toEqual([401]);
    const bytes = request();
    const before = gateway.storedKeys();
    await expectLimited(await send(bytes), 'rate address', 1);
    expect(gateway.storedKeys()).toBe(before);
    await target.passes(1_000);
    expect((await send(bytes)).status).toBe(200);
  });

  it('I42: counts nothing that HTTP itself refuses, and nothing from where nobody may call', async () => {
    await start({ RATE_LIMIT_ADDRESS: '0.001/1', ADDRESS_ALLOWLIST: '127.0.0.1' });
    for (const bytes of [
      gateway.request({ target: '/nowhere' }),
      gateway.request({ target: APP, method: 'DELETE' }),
      gateway.request({ target: APP, fields: ['Host: elsewhere.example'] }),
    ]) {
      expect((await send(bytes)).status).toBeGreaterThan(400);
    }
    expect(await statuses(3, nobody, '127.0.0.9')).toEqual([403, 403, 403]);
    expect(await statuses(2, () => request())).toEqual([200, 429]);
  });

  it('T17: counts the client behind a trusted proxy, and whoever is no proxy by its own address, whatever it says', async () => {
    await start({ RATE_LIMIT_ADDRESS: '0.001/1', TRUSTED_PROXY_CIDRS: '127.0.1.0/24' });
    let other = 0;
    const elsewhere = (): Buffer => request({}, APP, [`X-Forwarded-For: 203.0.113.${(other += 1)}`]);
    expect(await statuses(3, elsewhere, '127.0.1.1')).toEqual([200, 200, 200]);
    expect(await statuses(3, elsewhere, '127.0.0.1')).toEqual([200, 429, 429]);
    other = 0;
    expect(await statuses(1, elsewhere, '127.0.1.2')).toEqual([429]);
  });

  it('N27: counts all of an IPv6 /64 as one, since one machine has all of it', async () => {
    await start({ RATE_LIMIT_ADDRESS: '0.001/2', TRUSTED_PROXY_CIDRS: '127.0.1.0/24' });
    const by = (address: string): Buffer => request({}, APP, [`X-Forwarded-For: ${address}`]);
    const from = '127.0.1.1';
    expect(await statuses(1, () => by('2001:db8:1:2::1'), from)).toEqual([200]);
    expect(await statuses(1, () => by('2001:db8:1:2:ffff::9'), from)).toEqual([200]);
    expect(await statuses(1, () => by('2001:db8:1:2:3:4:5:6'), from)).toEqual([429]);
    expect(await statuses(1, () => by('2001:db8:1:3::1'), from)).toEqual([200]);
  });
});

describe('RATE_LIMIT_TENANT', () => {
  it('I42: holds back one tenant, from wherever and as whomever it calls, and no other tenant', async () => {
    await start({ RATE_LIMIT_TENANT: '0.5/3' });
    expect(await statuses(1, () => request(), '127.0.0.1')).toEqual([200]);
    expect(await statuses(1, () => request(somebodyElse('svc-2')), '127.0.0.2')).toEqual([200]);
    expect(await statuses(1, () => request(somebodyElse('svc-3')), '127.0.0.3')).toEqual([200]);
    await expectLimited(await send(request(somebodyElse('svc-4')), '127.0.0.4'), 'rate tenant', 2);
    expect(await statuses(2, () => request(ofUmbrella()))).toEqual([200, 200]);
  });

  it('I42: takes no use and spends no proof', async () => {
    await start({ RATE_LIMIT_TENANT: '1/1' });
    const few = valuePath('yaml://kv/few#token');
    const first = await send(request({}, few));
    expect(first.problem['grant']).toMatchObject({ uses_left: 2 });
    const bytes = request({}, few);
    const before = gateway.storedKeys();
    await expectLimited(await send(bytes), 'rate tenant', 1);
    expect(gateway.storedKeys()).toBe(before);
    await target.passes(1_000);
    expect((await send(bytes)).problem['grant']).toMatchObject({ uses_left: 1 });
  });

  it('I42: is not used up by who has no proof, no scope, no tenant or no mount', async () => {
    await start({ RATE_LIMIT_TENANT: '0.001/1' });
    const stolen = (): Buffer => {
      const token = gateway.mint();
      const proof = gateway.prove({ token, key: makeKey() });
      return gateway.request({ target: APP, fields: [`Authorization: DPoP ${token}`, `DPoP: ${proof}`] });
    };
    expect(await statuses(3, nobody)).toEqual([401, 401, 401]);
    expect(await statuses(3, stolen)).toEqual([401, 401, 401]);
    expect(await statuses(3, () => request({ claims: { scope: 'secrets.write' } }))).toEqual([403, 403, 403]);
    expect(await statuses(3, () => request({ claims: { tenant: 'nobody' } }))).toEqual([403, 403, 403]);
    expect(await statuses(3, () => request({}, valuePath('yaml://kv2/app/api#token')))).toEqual([403, 403, 403]);
    expect(await statuses(2, () => request())).toEqual([200, 429]);
  });
});

describe('RATE_LIMIT_SUBJECT', () => {
  it('I42: holds back one caller, from wherever it calls and whatever key it has, and no other caller', async () => {
    await start({ RATE_LIMIT_SUBJECT: '0.5/3' });
    expect(await statuses(1, () => request(), '127.0.0.1')).toEqual([200]);
    expect(await statuses(1, () => request({ boundTo: makeKey() }), '127.0.0.2')).toEqual([200]);
    expect(await statuses(1, () => request({}, valuePath('yaml://kv/few#token')), '127.0.0.3')).toEqual([200]);
    await expectLimited(await send(request(), '127.0.0.4'), 'rate subject', 2);
    expect(await statuses(2, () => request(somebodyElse('svc-2')))).toEqual([200, 200]);
    expect(await statuses(1, () => request(ofUmbrella()))).toEqual([200]);
  });

  it('I42: takes no use and spends no proof: the very same request is good when the time has come', async () => {
    await start({ RATE_LIMIT_SUBJECT: '1/1' });
    const few = valuePath('yaml://kv/few#token');
    expect((await send(request({}, few))).problem['grant']).toMatchObject({ uses_left: 2 });
    const bytes = request({}, few);
    await expectLimited(await send(bytes), 'rate subject', 1);
    await target.passes(1_000);
    expect((await send(bytes)).problem['grant']).toMatchObject({ uses_left: 1 });
    await target.passes(1_000);
    expectProblem(await send(bytes), '401 PROOF_REPLAYED');
  });

  it('I42: counts a request that policy denies: to search is to wait', async () => {
    await start({ RATE_LIMIT_SUBJECT: '0.001/3' });
    const closed = (): Buffer => request({}, valuePath('yaml://kv/closed/next#token'));
    expect(await statuses(4, closed)).toEqual([403, 403, 403, 429]);
  });

  it('I42: never lets more through than the burst, however many come at once', async () => {
    await start({ RATE_LIMIT_SUBJECT: '0.001/5' });
    const all = await Promise.all(Array.from({ length: 30 }, async () => await send(request())));
    const found = all.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(found).toEqual([...Array.from({ length: 5 }, () => 200), ...Array.from({ length: 25 }, () => 429)]);
  });
});
