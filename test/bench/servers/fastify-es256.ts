/** The floor of the work: bare Fastify plus one ES256 verification of the proof that came, with the key imported once. */
import { createPublicKey, verify, type KeyObject } from 'node:crypto';

import { fastify } from 'fastify';

const keys = new Map<string, KeyObject>();
const app = fastify();
app.get('/api/secrets/value/:uri', (request, reply) => {
  const proof = String(request.headers['dpop']);
  const [header = '', payload = '', signature = ''] = proof.split('.');
  let key = keys.get(header);
  if (key === undefined) {
    const { jwk } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { jwk: Record<string, string> };
    key = createPublicKey({ key: jwk, format: 'jwk' });
    keys.set(header, key);
  }
  const signed = Buffer.from(`${header}.${payload}`);
  // DER and a bare key: the quicker way to verify on this Node (see libs/identity/algorithms.ts)
  if (!verify('sha256', signed, key, der(Buffer.from(signature, 'base64url')))) return reply.code(401).send();
  return {
    uri: 'yaml://dev/bench/hot#value',
    key: 'value',
    value: 'not-a-secret-bench',
    grant: { id: '0.x.y', expires_at: '2026-01-01T00:00:00.000Z', uses_left: 1 },
  };
});
await app.listen({ port: Number(process.env['PORT']), host: '127.0.0.1' });

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
