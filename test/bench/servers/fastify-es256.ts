/**
 * The floor of the work: bare Fastify plus one ES256 verification of the proof that came, with the key imported once. `VERIFY` says how:
 * `jose`, as the customer's own code would; `raw`, Node with the signature as JOSE writes it; `der`, the quickest way known on this Node
 * (a bare key and a DER signature, as libs/identity does it).
 */
import { createPublicKey, verify, type JsonWebKey, type KeyObject } from 'node:crypto';

import { fastify } from 'fastify';
import { compactVerify } from 'jose';

const WAYS: Readonly<Record<string, (proof: string) => boolean | Promise<boolean>>> = {
  jose: async (proof) =>
    await compactVerify(proof, ({ jwk }) => keyOf(proof, jwk), { algorithms: ['ES256'] }).then(
      () => true,
      () => false,
    ),
  raw: (proof) => {
    const { signed, key, signature } = partsOf(proof);
    return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
  },
  der: (proof) => {
    const { signed, key, signature } = partsOf(proof);
    return verify('sha256', signed, key, der(signature));
  },
};

const keys = new Map<string, KeyObject>();
const holds = WAYS[process.env['VERIFY'] ?? ''];
if (holds === undefined) throw new Error('VERIFY is jose, raw or der');

const app = fastify();
app.get('/api/secrets/value/:uri', async (request, reply) => {
  if (!(await holds(String(request.headers['dpop'])))) return reply.code(401).send();
  return {
    uri: 'yaml://dev/bench/hot#value',
    key: 'value',
    value: 'not-a-secret-bench',
    grant: { id: '0.x.y', expires_at: '2026-01-01T00:00:00.000Z', uses_left: 1 },
  };
});
await app.listen({ port: Number(process.env['PORT']), host: '127.0.0.1' });

function partsOf(proof: string): { readonly signed: Buffer; readonly key: KeyObject; readonly signature: Buffer } {
  const [header = '', payload = '', signature = ''] = proof.split('.');
  return {
    signed: Buffer.from(`${header}.${payload}`),
    key: keyOf(proof),
    signature: Buffer.from(signature, 'base64url'),
  };
}

/** By the header's text: importing costs as much as verifying. */
function keyOf(proof: string, known?: unknown): KeyObject {
  const header = proof.slice(0, proof.indexOf('.'));
  let key = keys.get(header);
  if (key === undefined) {
    const { jwk } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { jwk: JsonWebKey };
    key = createPublicKey({ key: (known ?? jwk) as JsonWebKey, format: 'jwk' });
    keys.set(header, key);
  }
  return key;
}

function der(raw: Buffer): Buffer {
  const integers = [raw.subarray(0, 32), raw.subarray(32)].map((half) => {
    const start = half.findIndex((byte) => byte !== 0);
    const trimmed = half.subarray(start);
    const body = (trimmed[0] ?? 0) > 127 ? Buffer.concat([Buffer.of(0), trimmed]) : trimmed;
    return Buffer.concat([Buffer.of(2, body.length), body]);
  });
  const content = Buffer.concat(integers);
  return Buffer.concat([Buffer.of(0x30, content.length), content]);
}
