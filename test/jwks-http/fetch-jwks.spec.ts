import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import { addressesOf, isLoopbackHost, type Resolve } from '#libs/jwks-http/addresses.js';
import { fetchJwks, type JwksPlace } from '#libs/jwks-http/fetch-jwks.js';
import { JwksFault } from '#libs/jwks-http/jwks-fault.js';

import { type Certificate, makeCa, makeCertificate } from '../support/certificates.js';
import { jwksOf, makeKey } from '../support/tokens.js';
import { JwksServer } from './jwks-server.js';

const SET = jwksOf(makeKey());
const servers: JwksServer[] = [];

async function serve(...options: Parameters<typeof JwksServer.start>): Promise<JwksServer> {
  const server = await JwksServer.start(...options);
  servers.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.down()));
});

/** The set, or why there is none. */
async function fetched(place: Omit<JwksPlace, 'plainHttp'>, plainHttp = false): Promise<unknown> {
  try {
    const { bytes } = await fetchJwks({ plainHttp, ...place }, new AbortController().signal);
    return JSON.parse(Buffer.from(bytes).toString()) as unknown;
  } catch (error) {
    if (error instanceof JwksFault) return error.message;
    throw error;
  }
}

/** Names mean these addresses, and nothing else does. */
function names(table: Readonly<Record<string, readonly string[]>>): Resolve & { asked: string[] } {
  const asked: string[] = [];
  const resolve = async (host: string) => {
    asked.push(host);
    const found = table[host];
    if (found === undefined) throw new Error('ENOTFOUND');
    return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  return Object.assign(resolve, { asked });
}

describe('J9: where keys are fetched', () => {
  it('J9: by one GET of the address that is configured, which says nothing of us', async () => {
    const server = await serve(SET);
    expect(await fetched({ uri: new URL(`${server.origin}/a%20b/keys?appid=1`) })).toEqual(SET);
    expect(server.requests).toEqual(['GET /a%20b/keys?appid=1']);
    expect(Object.keys(server.headers).sort()).toEqual(['accept', 'accept-encoding', 'connection', 'host']);
    expect(server.headers).toMatchObject({ 'accept-encoding': 'identity', host: `127.0.0.1:${server.port}` });
  });

  it.each([
    'http://id.example.com/jwks',
    'http://127.0.0.1.example.com/jwks',
    'http://[::2]/jwks',
    'ftp://127.0.0.1/jwks',
  ])('J9: not from %s', async (address) => {
    const resolve = names({});
    expect(await fetched({ uri: new URL(address), resolve })).toBe('its address is not https');
    expect(resolve.asked).toEqual([]);
  });

  it('J9: over http elsewhere than on loopback only where that is allowed', async () => {
    const resolve = names({ keycloak: [] });
    expect(await fetched({ uri: new URL('http://keycloak:8080/jwks'), resolve }, true)).not.toBe(
      'its address is not https',
    );
    expect(resolve.asked).toEqual(['keycloak']);
  });
});

describe('N25: which addresses are connected to', () => {
  const NOWHERE = [
    '169.254.169.254',
    '169.254.0.1',
    '0.0.0.0',
    '0.1.2.3',
    '224.0.0.1',
    '255.255.255.255',
    '240.0.0.1',
    '100.100.100.200',
    '168.63.129.16',
    '::',
    'fe80::1',
    'febf::1',
    'ff02::1',
    'fd00:ec2::254',
    'fd20:ce::254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '64:ff9b::169.254.169.254',
    '64:ff9b::a9fe:a9fe',
  ];
  it.each(NOWHERE)('N25: not to %s, however it was found', async (address) => {
    const resolve = names({ 'id.example.com': [address], mixed: ['93.184.215.14', address] });
    const why = /^its host has an address where no issuer is|^its host is this machine/;
    await expect(addressesOf('id.example.com', resolve)).rejects.toThrow(why);
    await expect(addressesOf('mixed', resolve)).rejects.toThrow(why);
    await expect(addressesOf(address.includes(':') ? `[${address}]` : address)).rejects.toThrow(JwksFault);
  });

  it.each(['127.0.0.1', '127.255.0.1', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1'])(
    'N25: not to %s under a name of elsewhere',
    async (address) => {
      const resolve = names({ 'id.example.com': [address] });
      await expect(addressesOf('id.example.com', resolve)).rejects.toThrow('its host is this machine and not named so');
    },
  );

  it('N25: not to elsewhere under the name of this machine', async () => {
    const resolve = names({ localhost: ['127.0.0.1', '10.0.0.1'] });
    await expect(addressesOf('localhost', resolve)).rejects.toThrow('its host is named as this machine and is another');
  });

  it.each(['10.0.0.1', '172.16.0.1', '192.168.1.1', '100.64.0.1', '93.184.215.14', 'fd12::1', '2001:db8::1'])(
    'N25: to %s, since issuers live in private networks as well',
    async (address) => {
      const found = await addressesOf('id.example.com', names({ 'id.example.com': [address] }));
      expect(found.map((each) => each.address)).toEqual([address]);
    },
  );

  it('N25: to this machine under its own names', async () => {
    expect((await addressesOf('127.0.0.1'))[0]?.address).toBe('127.0.0.1');
    expect((await addressesOf('[::1]'))[0]?.address).toBe('::1');
    expect((await addressesOf('localhost')).length).toBeGreaterThan(0);
    expect(['localhost', '127.9.9.9', '[::1]', '::ffff:127.0.0.1'].map(isLoopbackHost)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['localhost.example', '128.0.0.1', '[::2]', 'localhos'].map(isLoopbackHost)).toEqual(Array(4).fill(false));
  });

  it('N25: a host without an address is no fault of a token, nor of ours', async () => {
    await expect(addressesOf('id.example.com', names({}))).rejects.toThrow('its host has no address');
    await expect(addressesOf('id.example.com', names({ 'id.example.com': [] }))).rejects.toThrow(
      'its host has no address',
    );
  });

  it('N25: the address that was looked at is the one that is connected to: the name is asked once', async () => {
    const elsewhere = await serve(SET, { host: '127.0.0.2' });
    const here = await serve({ keys: [] }, { host: '127.0.0.1', port: elsewhere.port });
    const resolve = names({ localhost: ['127.0.0.2'] });
    expect(await fetched({ uri: new URL(`http://localhost:${elsewhere.port}/jwks`), resolve })).toEqual(SET);
    expect(resolve.asked).toEqual(['localhost']);
    expect([elsewhere.requests.length, here.connections]).toEqual([1, 0]);
    expect(elsewhere.headers.host).toBe(`localhost:${elsewhere.port}`);
  });

  it('N25: a name server that never answers is given up with the rest', async () => {
    const abort = new AbortController();
    const place = {
      uri: new URL('https://id.example.com/'),
      plainHttp: false,
      resolve: async () => await new Promise<never>(() => {}),
    };
    const answer = fetchJwks(place, abort.signal);
    abort.abort();
    await expect(answer).rejects.toThrow('its name server is late');
    await expect(fetchJwks(place, abort.signal)).rejects.toThrow('its name server is late');
  });
});

describe('J9: whom the keys are believed of', () => {
  let ca: Certificate;
  let other: Certificate;
  const place = (server: JwksServer, host = 'localhost') => ({ uri: new URL(`https://${host}:${server.port}/jwks`) });

  beforeAll(async () => {
    [ca, other] = await Promise.all([makeCa('test ca'), makeCa('other ca')]);
  });
  afterAll(() => {
    expect(servers).toEqual([]);
  });

  it('J9: a server whose certificate is by the configured authority and for its name', async () => {
    const server = await serve(SET, { certificate: await makeCertificate({ name: 'keys', usage: 'server', by: ca }) });
    expect(await fetched({ ...place(server), ca: ca.pem })).toEqual(SET);
    expect(await fetched({ ...place(server, '127.0.0.1'), ca: ca.pem })).toEqual(SET);
  });

  it('J9: none by another authority, nor by none that the system knows, whatever the environment says', async () => {
    const server = await serve(SET, { certificate: await makeCertificate({ name: 'keys', usage: 'server', by: ca }) });
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      expect(await fetched({ ...place(server), ca: other.pem })).toMatch(/^its server cannot be reached: [A-Z_]+/);
      expect(await fetched(place(server))).toMatch(/^its server cannot be reached: [A-Z_]+/);
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
    expect(server.requests).toEqual([]);
  });

  it('J9: none for another name', async () => {
    const server = await serve(SET, {
      certificate: await makeCertificate({ name: 'keys', usage: 'server', by: ca }),
      host: '127.0.0.2',
    });
    expect(await fetched({ ...place(server, '127.0.0.2'), ca: ca.pem })).toMatch(/ERR_TLS_CERT_ALTNAME_INVALID/);
    expect(server.requests).toEqual([]);
  });

  it('J9: none whose certificate has run out', async () => {
    const certificate = await makeCertificate({ name: 'keys', usage: 'server', by: ca, from: -3, until: -1 });
    const server = await serve(SET, { certificate });
    expect(await fetched({ ...place(server), ca: ca.pem })).toMatch(/CERT_HAS_EXPIRED/);
  });

  it('J9: no https from a server that speaks http', async () => {
    const server = await serve(SET);
    expect(await fetched(place(server, '127.0.0.1'))).toMatch(/^its server cannot be reached/);
    expect(server.requests).toEqual([]);
  });
});
