/** The floor of the framework: the same answer shape, nothing checked. */
import { fastify } from 'fastify';

const app = fastify();
app.get('/api/secrets/value/:uri', () => ({
  uri: 'yaml://dev/bench/hot#value',
  key: 'value',
  value: 'not-a-secret-bench',
  grant: { id: '0.x.y', expires_at: '2026-01-01T00:00:00.000Z', uses_left: 1 },
}));
await app.listen({ port: Number(process.env['PORT']), host: '127.0.0.1' });
