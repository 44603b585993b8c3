import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { APP } from '../support/gateway.js';
import { Authority, type Identity } from './certificates.js';
import { Front } from './front.js';
import { askHttp2 } from './http2.js';
import { throughProxies } from './proxy.js';

/** Client-Cert as RFC 9440 spells it. */
function field({ certificate }: Identity): string {
  return `:${certificate.replace(/-----[A-Z ]+-----|\s/g, '')}:`;
}

/** Ways in which a client could try to say itself which certificate it has, or to take away what the proxy says. */
const SMUGGLED: readonly (readonly [title: string, lines: (value: string) => readonly string[]])[] = [
  ['as it is', (value) => [`Client-Cert: ${value}`]],
  ['in lower case', (value) => [`client-cert: ${value}`]],
  ['in capitals', (value) => [`CLIENT-CERT: ${value}`]],
  ['with an underscore', (value) => [`Client_Cert: ${value}`]],
  ['twice', (value) => [`Client-Cert: ${value}`, `Client-Cert: ${value}`]],
  ['as a list', (value) => [`Client-Cert: ${value}, ${value}`]],
  ['with a space before the colon', (value) => [`Client-Cert : ${value}`]],
  ['with a tab before the colon', (value) => [`Client-Cert\t: ${value}`]],
  ['folded', (value) => ['X-Note: a', ` Client-Cert: ${value}`]],
  ['behind a bare line feed', (value) => [`X-Note: a\nClient-Cert: ${value}`]],
  ['behind a bare carriage return', (value) => [`X-Note: a\rClient-Cert: ${value}`]],
  ['behind NUL', (value) => [`X-Note: a\0\r\nClient-Cert: ${value}`]],
  ['as a field of the connection', (value) => ['Connection: close, Client-Cert', `Client-Cert: ${value}`]],
  ['as a trailer', (value) => ['Trailer: Client-Cert', `Client-Cert: ${value}`]],
  ['as a chain', (value) => [`Client-Cert-Chain: ${value}`]],
  [
    'under the names of vendors',
    (value) => [`X-SSL-Client-Cert: ${value}`, `X-Forwarded-Client-Cert: Cert="${value}"`],
  ],
];

await throughProxies('client certificates through a proxy', (available) => {
  describe('the client certificate', () => {
    let front: Front;
    let mine: Identity;
    let others: Identity;
    let token: string;
    beforeAll(async () => {
      front = await Front.start(available);
      [mine, others] = [await front.clients.client('mine'), await front.clients.client('others')];
      token = front.gateway.mint({ boundTo: null, claims: { cnf: { 'x5t#S256': mine.thumbprint } } });
    });
    afterAll(async () => await front.close());

    const read = async (identity?: Identity, fields: readonly string[] = []) =>
      await front.read(APP, { token, scheme: 'Bearer', fields, ...(identity !== undefined && { identity }) });

    it('M1, M2: a token that is bound to a certificate is good for the client that shows it', async () => {
      expect(await read(mine)).toMatchObject({ status: 200, problem: { value: front.gateway.canary } });
    });

    it('M1: for another certificate it is not, and not without one', async () => {
      for (const identity of [others, undefined]) {
        expect(await read(identity)).toMatchObject({ status: 401, problem: { code: 'INVALID_TOKEN' } });
      }
    });

    it('M3: a token that is bound to a key and a certificate needs both', async () => {
      const { gateway } = front;
      const both = gateway.mint({ claims: { cnf: { jkt: gateway.keys.caller.jkt, 'x5t#S256': mine.thumbprint } } });
      expect((await front.read(APP, { token: both, identity: mine })).status).toBe(200);
      expect(await front.read(APP, { token: both, identity: others })).toMatchObject({ status: 401 });
      expect(await front.read(APP, { token: both })).toMatchObject({ status: 401 });
    });

    it('M1: over HTTP/2 it is handed over too', async () => {
      const { gateway } = front;
      const fields = { ':path': APP, authorization: `Bearer ${token}` };
      const answer = await askHttp2(await front.connect('h2', { identity: mine }), gateway.origin, fields);
      expect(answer).toMatchObject({ status: 200, problem: { value: gateway.canary } });
      const claimed = { ...fields, 'client-cert': field(mine) };
      const refused = await askHttp2(await front.connect('h2', { identity: others }), gateway.origin, claimed);
      expect(refused).toMatchObject({ status: 401, problem: { code: 'INVALID_TOKEN' } });
    });

    it.each(SMUGGLED)('M8: a client cannot say itself which certificate it has: %s', async (_, lines) => {
      for (const identity of [undefined, others]) {
        const { status, body } = await read(identity, lines(field(mine)));
        expect([400, 401]).toContain(status);
        expect(body).not.toContain(front.gateway.canary);
      }
    });

    it.each(SMUGGLED)('M8: whoever shows a certificate is known by it, whatever else it says: %s', async (_, lines) => {
      const { status, problem } = await read(mine, lines(field(others)));
      // Some are malformed already; the others are read by the certificate that was shown.
      if (status === 200) expect(problem).toMatchObject({ value: front.gateway.canary });
      else expect(status).toBe(400);
    });

    it('M8: clients that share a connection to the gateway do not share certificates', async () => {
      const wires = [await front.open({ identity: mine }), await front.open({ identity: others }), await front.open()];
      const bytes = front.gateway.request({ target: APP, fields: [`Authorization: Bearer ${token}`] });
      for (let round = 0; round < 8; round += 1) {
        const answers = [];
        for (const wire of wires) answers.push(await wire.send(bytes).answer());
        expect(answers.map(({ status }) => status)).toEqual([200, 401, 401]);
      }
      for (const wire of wires) wire.end();
    });

    it.each([
      ['by a stranger', 'strangers'],
      ['by one who took the name of the authority', 'clients'],
    ])('M5: a certificate that was signed %s never reaches the gateway', async (_, name) => {
      const strange = await (await Authority.make(name)).client('mine');
      const before = front.served;
      const outcome = await read(strange).then(
        ({ status }) => status,
        () => 'no connection',
      );
      expect([400, 'no connection']).toContain(outcome);
      expect(front.served).toBe(before);
    });

    it('M6: no session is resumed', async () => {
      const first = await front.connect('http/1.1', { identity: mine });
      let session: Buffer | undefined = first.getSession();
      first.on('session', (ticket) => (session = ticket));
      first.write(front.gateway.request({ target: '/nowhere' }));
      await new Promise((resolve) => first.once('data', resolve));
      first.destroy();
      const second = await front.connect('http/1.1', session === undefined ? {} : { session });
      expect(second.isSessionReused()).toBe(false);
      second.destroy();
    });
  });

  describe('the client address', () => {
    let front: Front;
    beforeAll(async () => {
      front = await Front.start(available, { settings: { ADDRESS_ALLOWLIST: '127.0.0.2/32, 203.0.113.0/24' } });
    });
    afterAll(async () => await front.close());

    it('T17: is that of the connection to the proxy', async () => {
      expect((await front.read(APP, { from: '127.0.0.2' })).status).toBe(200);
      const strange = await front.read(APP, { from: '127.0.0.3' });
      expect(strange).toMatchObject({ status: 403, problem: { code: 'ADDRESS_NOT_ALLOWED' } });
    });

    it('T17, M8: nor can one that calls from where proxies stand', async () => {
      const fields = ['X-Forwarded-For: 203.0.113.7'];
      expect((await front.read(APP, { from: '127.0.0.1', fields })).status).toBe(403);
    });

    it.each([
      ['as it is', ['X-Forwarded-For: 203.0.113.7']],
      ['twice', ['X-Forwarded-For: 203.0.113.7', 'X-Forwarded-For: 203.0.113.7']],
      ['as a list', ['X-Forwarded-For: 203.0.113.7, 127.0.0.1']],
      ['with an underscore', ['X_Forwarded_For: 203.0.113.7']],
      ['as a field of the connection', ['Connection: X-Forwarded-For', 'X-Forwarded-For: 203.0.113.7']],
      ['by standard', ['Forwarded: for=203.0.113.7']],
      ['under other names', ['X-Real-IP: 203.0.113.7', 'True-Client-IP: 203.0.113.7']],
    ])('T17, M8: a client cannot say itself where it comes from: %s', async (_, fields) => {
      const answer = await front.read(APP, { from: '127.0.0.3', fields });
      expect(answer).toMatchObject({ status: 403, problem: { code: 'ADDRESS_NOT_ALLOWED' } });
    });
  });
});
