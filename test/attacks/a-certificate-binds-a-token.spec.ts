import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SecureVersion, TLSSocket } from 'node:tls';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { Wire, type WireAnswer } from '../http/wire.js';
import {
  type Attack,
  expectNothingTold,
  expectProblem,
  expectRecord,
  expectSilentHeaders,
  Target,
} from '../support/attack.js';
import { type Certificate, clientCert, makeCa, makeCertificate } from '../support/certificates.js';
import { APP, type Gateway, type MintOptions, startGateway, valuePath } from '../support/gateway.js';
import { askTls, openTls } from '../support/secure-wire.js';

const serverCa = await makeCa('server CA');
const server = await makeCertificate({ name: 'postern', by: serverCa, usage: 'server' });
const ca = await makeCa('client CA');
const otherCa = await makeCa('client CA');
const caller = await makeCertificate({ name: 'svc-billing', by: ca });
const sibling = await makeCertificate({ name: 'svc-billing', by: ca });
const TLS = { TLS_CERT: server.pem, TLS_KEY: server.key };

let target: Target;
let gateway: Gateway;
let anyCertificate: Gateway;
beforeAll(async () => {
  target = await Target.start({ settings: { ...TLS, TLS_CLIENT_CA: ca.pem } });
  ({ gateway } = target);
  anyCertificate = await startGateway({ settings: { ...TLS, ALLOW_UNBOUND_TOKENS: false, UNBOUND_GRANTS_PER_JTI: 1 } });
});
afterAll(async () => {
  await target.close();
  await anyCertificate.close();
});

interface Call {
  /** On the connection. */
  readonly shows?: Certificate | undefined;
  /** In the token. */
  readonly cnf?: Readonly<Record<string, unknown>>;
  readonly claims?: MintOptions['claims'];
  readonly token?: string;
  readonly scheme?: 'Bearer' | 'DPoP';
  readonly proofs?: number;
  readonly fields?: readonly string[];
  readonly path?: string;
}

const names = ({ x5t }: Certificate) => ({ 'x5t#S256': x5t });

/** A request as bytes: its token names what `cnf` says, under Bearer unless it comes with a proof. */
function bytesOf(of: Gateway, { cnf, claims, proofs = 0, fields = [], path = APP, ...call }: Call): Buffer {
  const token = call.token ?? of.mint({ boundTo: null, claims: { ...claims, ...(cnf !== undefined && { cnf }) } });
  const scheme = call.scheme ?? (proofs > 0 ? 'DPoP' : 'Bearer');
  const proof = Array.from({ length: proofs }, () => `DPoP: ${of.prove({ token, path })}`);
  return of.request({ target: path, fields: [`Authorization: ${scheme} ${token}`, ...proof, ...fields] });
}

async function call(of: Gateway, how: Call): Promise<WireAnswer> {
  const { shows } = how;
  return await askTls(of.port, bytesOf(of, how), { ca: serverCa, ...(shows !== undefined && { shows }) });
}

function attack(title: string, refused: Attack['refused'], check: string, how: (of: Gateway) => Call): Attack {
  return { title, refused, check, sends: async (of) => await call(of, how(of)) };
}

const both = (of: Gateway) => ({ jkt: of.keys.caller.jkt, ...names(caller) });
const bound = { cnf: names(caller) };

const VENDORS = [
  'X-Forwarded-Client-Cert',
  'X-SSL-Client-Cert',
  'X-SSL-Cert',
  'SSL-Client-Cert',
  'SSL_CLIENT_CERT',
  'X-ARR-ClientCert',
  'X-Client-Cert',
  'X-Client-Certificate',
  'X-Amzn-Mtls-Clientcert',
  'X-Amzn-Mtls-Clientcert-Leaf',
  'CF-Client-Cert-DER-Base64',
  'X-Tls-Client-Cert',
  'Client-Cert-Chain',
] as const;

const ATTACKS: readonly Attack[] = [
  attack('M1: no certificate', '401 INVALID_TOKEN', 'M1 certificate', () => bound),
  attack('M1: the certificate in a field instead of the connection', '401 INVALID_TOKEN', 'M1 certificate', () => ({
    ...bound,
    fields: [`Client-Cert: ${clientCert(caller)}`],
  })),
  attack('M1: another certificate beside the right one in a field', '401 INVALID_TOKEN', 'M2 x5t#S256', () => ({
    ...bound,
    shows: sibling,
    fields: [`Client-Cert: ${clientCert(caller)}`],
  })),
  attack('M1 D19: the certificate under the scheme DPoP', '401 INVALID_TOKEN', 'D19 scheme', () => ({
    ...bound,
    shows: caller,
    scheme: 'DPoP',
  })),
  attack('M1 I20: a proof in place of the certificate', '401 INVALID_TOKEN', 'D19 scheme', () => ({
    ...bound,
    proofs: 1,
  })),
  attack('M1 I20: a proof under Bearer in place of the certificate', '401 INVALID_TOKEN', 'M1 certificate', () => ({
    ...bound,
    proofs: 1,
    scheme: 'Bearer',
  })),
  attack('M1: a proof beside the certificate, which nothing asks for', '400 INVALID_REQUEST', 'D20 proof', () => ({
    ...bound,
    shows: caller,
    proofs: 1,
    scheme: 'Bearer',
  })),
  attack('M2: another certificate of the same name and CA', '401 INVALID_TOKEN', 'M2 x5t#S256', () => ({
    ...bound,
    shows: sibling,
  })),
  attack('M2: a token that names the PEM text', '401 INVALID_TOKEN', 'M2 x5t#S256', () => ({
    cnf: names({ ...caller, x5t: digestOf(Buffer.from(caller.pem)) }),
    shows: caller,
  })),
  attack('M2: a token that names the public key', '401 INVALID_TOKEN', 'M2 x5t#S256', () => ({
    cnf: names({ ...caller, x5t: digestOf(Buffer.from(caller.made.publicKey.rawData)) }),
    shows: caller,
  })),
  attack('M2: a token that names the CA of the certificate', '401 INVALID_TOKEN', 'M2 x5t#S256', () => ({
    cnf: names(ca),
    shows: caller,
  })),
  ...(['x5t', 'x5t#s256', 'x5t#S512', 'X5T#S256'] as const).map((name) =>
    attack(`M2: a token that names it as ${name}`, '401 INVALID_TOKEN', 'D18 cnf', () => ({
      cnf: { [name]: caller.x5t },
      shows: caller,
    })),
  ),
  attack('M3: of both bindings the proof alone', '401 INVALID_TOKEN', 'M1 certificate', (of) => ({
    cnf: both(of),
    proofs: 1,
  })),
  attack('M3: of both bindings the certificate alone', '401 INVALID_DPOP_PROOF', 'D1 missing', (of) => ({
    cnf: both(of),
    shows: caller,
    scheme: 'DPoP',
  })),
  attack('M3 D20: of both bindings the certificate, under Bearer', '401 INVALID_TOKEN', 'D20 scheme', (of) => ({
    cnf: both(of),
    shows: caller,
  })),
  attack('M3: of both bindings the proof and another certificate', '401 INVALID_TOKEN', 'M2 x5t#S256', (of) => ({
    cnf: both(of),
    shows: sibling,
    proofs: 1,
  })),
  attack('M3: of both bindings the certificate and another key', '401 INVALID_TOKEN', 'D18 jkt', (of) => ({
    cnf: { ...both(of), jkt: of.keys.issuer.jkt },
    shows: caller,
    proofs: 1,
  })),
  ...VENDORS.flatMap((name) =>
    [
      clientCert(caller),
      caller.der.toString('base64'),
      encodeURIComponent(caller.pem),
      `Hash=${caller.der.toString('hex')}`,
    ].map((value, at) =>
      attack(`M10: ${name} holds the certificate (${at})`, '401 INVALID_TOKEN', 'M1 certificate', () => ({
        ...bound,
        fields: [`${name}: ${value.slice(0, 4_000)}`],
      })),
    ),
  ),
];

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url');
}

describe('a token that names a certificate', () => {
  it('M1, M2: opens with that certificate on the connection, under Bearer, and is recorded as bound to it', async () => {
    const answer = await call(gateway, { ...bound, shows: caller });
    expect(answer.status).toBe(200);
    const [intent] = (await gateway.records()).filter(
      ({ type, binding }) => type === 'intent' && binding !== undefined,
    );
    expect(intent).toMatchObject({ binding: { kind: 'mtls', x5t: caller.x5t } });
    expect(intent?.['token_jti_hash']).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('M3: that names a key too opens with both, and is recorded as bound to both', async () => {
    expect((await call(gateway, { cnf: both(gateway), shows: caller, proofs: 1 })).status).toBe(200);
    const intents = (await gateway.records()).filter(({ type }) => type === 'intent');
    expect(intents.at(-1)).toMatchObject({
      binding: { kind: 'dpop+mtls', jkt: gateway.keys.caller.jkt, x5t: caller.x5t },
    });
  });

  it.each(ATTACKS)('$title', async (each) => void (await target.refuses(each)));

  it('M4: a certificate is asked for before any token is seen, of everybody, and nobody needs one', async () => {
    const asked = await openTls(gateway.port, { ca: serverCa });
    expect(asked.authorized).toBe(true);
    asked.destroy();
    const keyed = { cnf: { jkt: gateway.keys.caller.jkt }, proofs: 1 };
    expect((await call(gateway, keyed)).status).toBe(200);
    expect((await call(gateway, { ...keyed, shows: caller })).status).toBe(200);
    const records = (await gateway.records()).filter(({ type }) => type === 'intent');
    expect(records.at(-1)?.['binding']).toEqual({ kind: 'dpop', jkt: gateway.keys.caller.jkt });
  });

  it('M4: all requests of one connection are judged by its certificate, each with its own token', async () => {
    const wire = Wire.over(await openTls(gateway.port, { ca: serverCa, shows: caller }));
    const statuses: number[] = [];
    for (const how of [bound, { cnf: names(sibling) }, { cnf: { jkt: gateway.keys.caller.jkt }, proofs: 1 }, bound]) {
      statuses.push((await wire.send(bytesOf(gateway, how)).answer()).status);
    }
    wire.end();
    expect(statuses).toEqual([200, 401, 200, 200]);
  });

  it('M1: a certificate on the connection binds no token that does not name it', async () => {
    const answer = await call(anyCertificate, { shows: caller });
    expectProblem(answer, '401 BINDING_REQUIRED');
  });

  it('M9: is answered in a way that nobody may store', async () => {
    for (const shows of [caller, sibling, undefined])
      expectSilentHeaders((await call(gateway, { ...bound, shows })).headers);
  });
});

describe('what a certificate must be, M5', () => {
  const kinds: readonly (readonly [string, () => Promise<Certificate>])[] = [
    ['signed by itself', async () => await makeCertificate({ name: 'svc-billing' })],
    ['of another CA with the same name', async () => await makeCertificate({ name: 'svc-billing', by: otherCa })],
    ['expired', async () => await makeCertificate({ name: 'svc-billing', by: ca, from: -2, until: -1 })],
    ['not valid yet', async () => await makeCertificate({ name: 'svc-billing', by: ca, from: 1, until: 2 })],
    ['for servers alone', async () => await makeCertificate({ name: 'svc-billing', by: ca, usage: 'server' })],
    ['signed by one that is no CA', async () => await makeCertificate({ name: 'svc-billing', by: caller })],
  ];

  it.each(kinds)(
    'M5: one that is %s is not used where TLS_CLIENT_CA is set, though the token names it',
    async (_title, make) => {
      const shows = await make();
      await target.refuses(attack('', '401 INVALID_TOKEN', 'M5 certificate', () => ({ cnf: names(shows), shows })));
      const keyed = { cnf: { jkt: gateway.keys.caller.jkt }, proofs: 1, shows };
      expect((await call(gateway, keyed)).status).toBe(200);
    },
  );

  it('M5: the refusal says what is wrong with the chain, and nothing of the certificate', async () => {
    const shows = await makeCertificate({ name: 'svc-not-for-logs', by: ca, from: -2, until: -1 });
    const { problem } = await call(gateway, { cnf: names(shows), shows });
    expect(problem['detail']).toBe('The client certificate of this connection does not verify here: CERT_HAS_EXPIRED.');
  });

  it.each(kinds)(
    'M5: one that is %s binds where TLS_CLIENT_CA is not set: the key is shown, and the token names it',
    async (_title, make) => {
      const shows = await make();
      expect((await call(anyCertificate, { cnf: names(shows), shows })).status).toBe(200);
      expectProblem(await call(anyCertificate, { cnf: names(caller), shows }), '401 INVALID_TOKEN');
    },
  );

  it('T6: one whose key can be factored binds nobody, whatever TLS_CLIENT_CA says', async () => {
    const shows = await makeCertificate({ name: 'svc-billing', rsaBits: 1024 });
    const token = anyCertificate.mint({ boundTo: null, claims: { cnf: names(shows) } });
    const tls = { ciphers: 'ALL:@SECLEVEL=0' };
    const answer = await askTls(anyCertificate.port, bytesOf(anyCertificate, { token }), { ca: serverCa, shows, tls });
    expectProblem(answer, '401 INVALID_TOKEN');
    await expectRecord(anyCertificate, answer, 'T6 certificate key');
  });
});

describe('a certificate with a bit flipped, shown with its key', () => {
  it('M2, I16, I19: is another certificate, or none; the gateway goes on', async () => {
    const shown = { accepted: 0, refused: 0, unusable: 0 };
    for (let run = 0; run < 250; run += 1) {
      const der = Buffer.from(caller.der);
      const at = Math.floor((run * der.length) / 250);
      der[at] = der[at]! ^ (1 << (run % 8));
      const pem = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
      // Many of these the client's own library does not take, or the server's.
      const answer = await call(anyCertificate, { ...bound, shows: { ...caller, pem } }).catch(() => undefined);
      if (answer === undefined) shown.unusable += 1;
      else if (answer.status === 401) shown.refused += 1;
      else shown.accepted += 1;
    }
    expect(shown.accepted).toBe(0);
    expect(shown.refused).toBeGreaterThan(20);
    expect((await call(anyCertificate, { ...bound, shows: caller })).status).toBe(200);
    expect(anyCertificate.logLines().filter((line) => line.includes('fault'))).toEqual([]);
  });
});

describe('a connection has one handshake, M6', () => {
  /** A session that a server gave, as a client would keep it: in TLS 1.2 with the handshake, in TLS 1.3 some time after. */
  async function sessionOf(port: number, version: SecureVersion): Promise<Buffer> {
    const tls = { minVersion: version, maxVersion: version };
    const socket = await openTls(port, { ca: serverCa, shows: caller, tls });
    const given = once(socket, 'session').then(([session]) => session as Buffer);
    const session = version === 'TLSv1.3' ? await given : socket.getSession();
    socket.destroy();
    return session ?? Buffer.alloc(0);
  }

  async function resumed(port: number, version: SecureVersion): Promise<TLSSocket> {
    const session = await sessionOf(port, version);
    expect(session.length).toBeGreaterThan(0);
    return await openTls(port, { ca: serverCa, tls: { session, minVersion: version, maxVersion: version } });
  }

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'M6: a session of %s is not resumed, so that its certificate is not either',
    async (version) => {
      const socket = await resumed(gateway.port, version);
      expect(socket.isSessionReused()).toBe(false);
      const answer = await Wire.over(socket).send(bytesOf(gateway, bound)).answer();
      socket.destroy();
      expectProblem(answer, '401 INVALID_TOKEN');
    },
  );

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'M6: the same client does resume %s with a server that lets it',
    async (version) => {
      const usual = createServer(
        { cert: server.pem, key: server.key, requestCert: true, rejectUnauthorized: false },
        (_, answer) => void answer.end(),
      );
      usual.listen(0, '127.0.0.1');
      await once(usual, 'listening');
      try {
        const socket = await resumed((usual.address() as AddressInfo).port, version);
        expect(socket.isSessionReused()).toBe(true);
        socket.destroy();
      } finally {
        usual.close();
        usual.closeAllConnections();
      }
    },
  );

  it('M6: TLS 1.2 is not renegotiated, with another certificate or the same', async () => {
    const socket = await openTls(gateway.port, { ca: serverCa, shows: caller, tls: { maxVersion: 'TLSv1.2' } });
    const outcome = await new Promise<Error | null>((resolve) => {
      socket.once('error', resolve);
      if (!socket.renegotiate({}, resolve)) resolve(new Error('refused here'));
    });
    socket.destroy();
    expect(String(outcome)).toMatch(/^Error: /);
    expect((await call(gateway, { ...bound, shows: caller })).status).toBe(200);
  });
});

describe('grants of a certificate', () => {
  const few = valuePath('yaml://kv/few#token');
  const holder = valuePath('yaml://kv/holder#token');
  const grantsOf = async (of: Gateway): Promise<readonly unknown[]> =>
    (await of.records()).filter(({ type }) => type === 'grant').map(({ grant_id: id }) => id);

  it('M1, I10: are never used under another certificate, nor under both bindings', async () => {
    const claims = { sub: 'svc-replicas' };
    const before = (await grantsOf(gateway)).length;
    const reads: readonly Call[] = [
      { cnf: names(caller), shows: caller },
      { cnf: names(sibling), shows: sibling },
      { cnf: both(gateway), shows: caller, proofs: 1 },
      { cnf: { jkt: gateway.keys.caller.jkt }, shows: caller, proofs: 1 },
      { cnf: names(caller), shows: caller },
    ];
    for (const how of reads) expect((await call(gateway, { ...how, claims, path: few })).status).toBe(200);
    expect((await grantsOf(gateway)).length - before).toBe(4);
  });

  it('M1: one token may have as many as the policy gives: its jti is recorded, not counted', async () => {
    const before = (await grantsOf(anyCertificate)).length;
    const token = anyCertificate.mint({ boundTo: null, claims: bound });
    for (let use = 0; use < 7; use += 1) {
      expect((await call(anyCertificate, { token, shows: caller, path: few })).status).toBe(200);
    }
    expect((await grantsOf(anyCertificate)).length - before).toBe(3);
  });

  it('M1: another certificate does not get what one holder holds', async () => {
    const claims = { sub: 'svc-holder' };
    expect((await call(gateway, { ...bound, shows: caller, claims, path: holder })).status).toBe(200);
    const other = await call(gateway, { cnf: names(sibling), shows: sibling, claims, path: holder });
    expectProblem(other, '403 BINDING_CHANGED');
  });
});

it('N20: none of all this stands in a log or a record', async () => {
  await expectNothingTold(gateway, [caller.der.toString('base64'), caller.pem, 'svc-not-for-logs']);
});
