import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { WireAnswer } from '../http/wire.js';
import { type Attack, expectNothingTold, expectSilentHeaders, Target } from '../support/attack.js';
import { type Certificate, clientCert, makeCa, makeCertificate } from '../support/certificates.js';
import { APP, type Gateway, startGateway } from '../support/gateway.js';
import { askFrom, askTls } from '../support/secure-wire.js';

const serverCa = await makeCa('server CA');
const server = await makeCertificate({ name: 'postern', by: serverCa, usage: 'server' });
const caller = await makeCertificate({ name: 'svc-billing' });
const sibling = await makeCertificate({ name: 'svc-billing' });
const proxy = await makeCertificate({ name: 'edge-proxy' });
const oldProxy = await makeCertificate({ name: 'edge-proxy' });

/** The one trusted address, and one that is not: both are this machine. */
const PROXY = '127.0.0.2';
const STRANGER = '127.0.0.1';

let target: Target;
let gateway: Gateway;
beforeAll(async () => {
  target = await Target.start({ settings: { TRUSTED_PROXY_CIDRS: PROXY, CLIENT_CERT_HEADER: true } });
  ({ gateway } = target);
});
afterAll(async () => await target.close());

interface Handover {
  readonly from?: string;
  /** Whose certificate the token names. */
  readonly names?: Certificate;
  readonly fields: readonly string[];
}

function bytesOf(of: Gateway, { names = caller, fields }: Handover): Buffer {
  const token = of.mint({ boundTo: null, claims: { cnf: { 'x5t#S256': names.x5t } } });
  return of.request({ target: APP, fields: [`Authorization: Bearer ${token}`, ...fields] });
}

async function handOver(of: Gateway, how: Handover): Promise<WireAnswer> {
  return await askFrom(how.from ?? PROXY, of.port, bytesOf(of, how));
}

/** The request of a caller with a key of its own, which needs no certificate. */
async function keyed(of: Gateway, fields: readonly string[], from = PROXY): Promise<WireAnswer> {
  const token = of.mint();
  const credentials = [`Authorization: DPoP ${token}`, `DPoP: ${of.prove({ token })}`];
  return await askFrom(from, of.port, of.request({ target: APP, fields: [...credentials, ...fields] }));
}

function attack(title: string, refused: Attack['refused'], check: string, how: Handover): Attack {
  return { title, refused, check, sends: async (of) => await handOver(of, how) };
}

const good = `Client-Cert: ${clientCert(caller)}`;
const base64 = caller.der.toString('base64');

const MALFORMED: Readonly<Record<string, readonly string[]>> = {
  'an empty field': ['Client-Cert:'],
  'no colons': [`Client-Cert: ${base64}`],
  base64url: [`Client-Cert: :${caller.der.toString('base64url')}_-:`],
  'PEM text on one line': [`Client-Cert: ${caller.pem.replaceAll('\n', ' ')}`],
  'PEM text, escaped': [`Client-Cert: ${encodeURIComponent(caller.pem)}`],
  'a list': [`${good}, ${clientCert(caller)}`],
  'a repeat': [good, good],
  'a repeat in other letters': [good, `CLIENT-CERT: ${clientCert(sibling)}`],
  'a repeat of which one is empty': ['Client-Cert:', good],
  'a parameter': [`${good};q=1`],
  'text behind': [`${good}x`],
  'a byte behind the certificate': [
    `Client-Cert: :${Buffer.concat([caller.der, Buffer.from([0])]).toString('base64')}:`,
  ],
  'bytes that are no DER': ['Client-Cert: :AAECAwQFBgcICQ==:'],
  'DER that ends too soon': [`Client-Cert: :${caller.der.subarray(0, 40).toString('base64')}:`],
  'no bytes': ['Client-Cert: ::'],
};

const VENDORS: readonly string[] = [
  `X-Forwarded-Client-Cert: Hash=${caller.der.toString('hex').slice(0, 64)};Cert="${encodeURIComponent(caller.pem)}"`,
  `X-SSL-Client-Cert: ${encodeURIComponent(caller.pem)}`,
  `SSL-Client-Cert: ${clientCert(caller)}`,
  `X-ARR-ClientCert: ${base64}`,
  `X-Client-Cert: ${clientCert(caller)}`,
  `X-Amzn-Mtls-Clientcert: ${encodeURIComponent(caller.pem)}`,
  `Client_Cert: ${clientCert(caller)}`,
  `Client-Certificate: ${clientCert(caller)}`,
  `Client-Cert-Chain: ${clientCert(caller)}`,
  `Client-Cert-Chain: ${clientCert(caller)}, ${clientCert(sibling)}`,
];

const ATTACKS: readonly Attack[] = [
  ...Object.entries(MALFORMED).map(([title, fields]) =>
    attack(`M7: ${title}`, '400 INVALID_REQUEST', 'M7 client-cert', { fields }),
  ),
  attack('M7: a repeat from an address that is no trusted proxy', '400 INVALID_REQUEST', 'M7 client-cert', {
    from: STRANGER,
    fields: [good, good],
  }),
  attack('M1: no certificate handed over', '401 INVALID_TOKEN', 'M1 certificate', { fields: [] }),
  attack('M2: another certificate handed over', '401 INVALID_TOKEN', 'M2 x5t#S256', {
    fields: [`Client-Cert: ${clientCert(sibling)}`],
  }),
  attack('M2: DER of another thing, with the certificate in it', '401 INVALID_TOKEN', 'M2 x5t#S256', {
    fields: [`Client-Cert: ${clientCert({ der: wrapped(caller.der) })}`],
  }),
  attack('M8: the certificate from an address that is no trusted proxy', '401 INVALID_TOKEN', 'M8 client-cert', {
    from: STRANGER,
    fields: [good],
  }),
  attack('M8: the same, with the name of a trusted proxy in forwarding fields', '401 INVALID_TOKEN', 'M8 client-cert', {
    from: STRANGER,
    fields: [good, `X-Forwarded-For: ${PROXY}`, `Forwarded: for=${PROXY}`, `X-Real-IP: ${PROXY}`],
  }),
  ...VENDORS.map((field, at) =>
    attack(`M10: ${field.split(':', 1)[0]} (${at})`, '401 INVALID_TOKEN', 'M1 certificate', { fields: [field] }),
  ),
];

/** A sequence around bytes. */
function wrapped(der: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x30, 0x82, der.length >> 8, der.length & 0xff]), der]);
}

describe('a certificate that a proxy hands over', () => {
  it('M1, M8: opens for the caller whose token names it, from a trusted proxy', async () => {
    expect((await handOver(gateway, { fields: [good] })).status).toBe(200);
    const [intent] = (await gateway.records()).filter(({ type }) => type === 'intent');
    expect(intent?.['binding']).toEqual({ kind: 'mtls', x5t: caller.x5t });
  });

  it.each(ATTACKS)('$title', async (each) => void (await target.refuses(each)));

  it('M7: that is malformed is refused whoever calls, also one that needs no certificate', async () => {
    const answer = await keyed(gateway, ['Client-Cert: MIIB']);
    expect(`${answer.status} ${String(answer.problem['code'])}`).toBe('400 INVALID_REQUEST');
  });

  it('M8: is not read from anybody else: a malformed one changes nothing there', async () => {
    expect((await keyed(gateway, ['Client-Cert: MIIB'], STRANGER)).status).toBe(200);
  });

  it('M10: changes nothing for anybody under any other name', async () => {
    for (const field of VENDORS) expect((await keyed(gateway, [field])).status).toBe(200);
  });

  it('M9: is answered in a way that nobody may store', async () => {
    for (const fields of [[good], [`Client-Cert: ${clientCert(sibling)}`], ['Client-Cert: x'], []]) {
      expectSilentHeaders((await handOver(gateway, { fields })).headers);
    }
  });

  it('M7, I16: with a bit flipped is refused, 400 times', async () => {
    const value = Buffer.from(clientCert(caller), 'latin1');
    const before = gateway.storedKeys();
    const runs = Array.from({ length: 400 }, (_, run) => run);
    const wrong: unknown[] = [];
    for (const run of runs) {
      const flipped = Buffer.from(value);
      const at = Math.floor((run * value.length) / runs.length);
      flipped[at] = flipped[at]! ^ (1 << (run % 8));
      const { status, problem } = await handOver(gateway, { fields: [`Client-Cert: ${flipped.toString('latin1')}`] });
      const said = `${status} ${String(problem['code'])}`;
      if (!['400 INVALID_REQUEST', '401 INVALID_TOKEN'].includes(said)) wrong.push({ run, said });
    }
    expect(wrong).toEqual([]);
    expect(gateway.storedKeys()).toBe(before);
    expect((await handOver(gateway, { fields: [good] })).status).toBe(200);
  });

  it('N20: none of all this stands in a log or a record', async () => {
    await expectNothingTold(gateway, [base64.slice(40, 120)]);
  });
});

describe('where nobody asked for it', () => {
  it.each([
    ['CLIENT_CERT_HEADER is not set', { TRUSTED_PROXY_CIDRS: PROXY }],
    ['nothing is set', {}],
  ])('M8: it is not read: %s', async (_title, settings) => {
    const other = await Target.start({ settings });
    try {
      await other.refuses(attack('', '401 INVALID_TOKEN', 'M1 certificate', { fields: [good] }));
      expect((await keyed(other.gateway, ['Client-Cert: MIIB'])).status).toBe(200);
    } finally {
      await other.close();
    }
  });
});

describe('a proxy that shows a certificate of its own', () => {
  let known: Gateway;
  beforeAll(async () => {
    known = await startGateway({
      settings: {
        TLS_CERT: server.pem,
        TLS_KEY: server.key,
        TRUSTED_PROXY_CIDRS: '127.0.0.0/30',
        TRUSTED_PROXY_THUMBPRINTS: proxy.x5t,
        CLIENT_CERT_HEADER: true,
      },
    });
  });
  afterAll(async () => await known.close());

  const through = async (shows: Certificate | undefined, how: Handover): Promise<string> => {
    const options = { ca: serverCa, ...(shows !== undefined && { shows }) };
    const { status, problem } = await askTls(known.port, bytesOf(known, how), options);
    if (status === 200) return '200';
    const [record] = (await known.records()).filter(({ request_id: id }) => id === problem['request_id']);
    return `${status} ${String(record?.['check'])}`;
  };

  it('M8: is trusted with a certificate that is known', async () => {
    expect(await through(proxy, { fields: [good] })).toBe('200');
  });

  it('M8: is not trusted with another one or none, though its address is', async () => {
    expect(await through(oldProxy, { fields: [good] })).toBe('401 M2 x5t#S256');
    expect(await through(undefined, { fields: [good] })).toBe('401 M8 client-cert');
  });

  it('M8: never lends its own certificate to a caller: what is not handed over is not there', async () => {
    expect(await through(proxy, { names: proxy, fields: [] })).toBe('401 M1 certificate');
    expect(await through(proxy, { names: proxy, fields: [good] })).toBe('401 M2 x5t#S256');
  });

  it('M8: that is not known calls for itself, with its own certificate', async () => {
    expect(await through(oldProxy, { names: oldProxy, fields: [] })).toBe('200');
    expect(await through(oldProxy, { names: oldProxy, fields: [good] })).toBe('200');
  });

  it('M8: is believed about addresses under the same condition', async () => {
    const fields = [good, 'X-Forwarded-For: 192.0.2.77'];
    await through(proxy, { fields });
    await through(undefined, { fields });
    const prefixes = (await known.records()).slice(-3).map(({ address_prefix: prefix }) => prefix);
    expect(prefixes.at(0)).toBe('192.0.2.0/24');
    expect(prefixes.at(-1)).toBe('127.0.0.0/24');
  });
});
