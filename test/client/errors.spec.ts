import { inspect } from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { PosternClient, type PosternClientOptions } from '#libs/client/client.js';
import { PosternError } from '#libs/client/error.js';

import { json, LoopbackGateway, problem, type Turn } from './loopback-gateway.js';

const TOKEN = 'the-token.that.nobody-sees';
const VALUE = 'the-value-that-nobody-sees';

let gateway: LoopbackGateway;
beforeEach(async () => {
  gateway = await LoopbackGateway.start();
});
afterEach(async () => {
  await gateway.close();
});

describe('a refusal of the gateway', () => {
  it('becomes an error with all that the problem says', async () => {
    const error = await after((response) => {
      response.setHeader('Postern-Receipt', 'w.9');
      response.setHeader('Retry-After', '7');
      problem(response, 403, 'QUOTA_EXHAUSTED', { detail: 'Wait.', resets_at: '2026-01-02T00:00:00Z' });
    });
    expect(Object.assign({}, error)).toEqual({
      name: 'PosternError',
      code: 'QUOTA_EXHAUSTED',
      status: 403,
      title: 'Title of QUOTA_EXHAUSTED',
      detail: 'Wait.',
      requestId: 'r-1',
      correlationId: 'c-1',
      receipt: 'w.9',
      retryAfterSeconds: 7,
      resetsAt: '2026-01-02T00:00:00Z',
    });
    expect(error.message).toBe('QUOTA_EXHAUSTED Title of QUOTA_EXHAUSTED: Wait. (request r-1)');
  });

  it('S2: says what the next sign-in must be, when the gateway asks for one', async () => {
    const asked = async (...challenges: string[]) =>
      (
        await after((response) => {
          response.setHeader('WWW-Authenticate', challenges);
          problem(response, 401, 'STEP_UP_REQUIRED');
        })
      ).stepUp;
    const error = 'error="insufficient_user_authentication"';
    const algs = 'algs="ES256 Ed25519"';
    expect(await asked(`DPoP ${error}, acr_values="urn:a gold", max_age="900", ${algs}`, 'Bearer realm="x"')).toEqual({
      acrValues: ['urn:a', 'gold'],
      maxAgeSeconds: 900,
    });
    expect(await asked(`DPoP ${algs}`, `Bearer ${error}, max_age="0"`)).toEqual({ acrValues: [], maxAgeSeconds: 0 });
    expect(await asked(`DPoP ${error}, max_age=900, acr_values=gold`)).toEqual({ acrValues: [] });
    expect(await asked(`DPoP error="invalid_token", max_age="900"`)).toBeUndefined();
  });

  it('leaves out what the problem does not say, or says in another type', async () => {
    const error = await after((response) =>
      problem(response, 403, 'DENIED', { title: 7, request_id: null, correlation_id: [] }),
    );
    expect([error.code, error.title, error.detail, error.requestId, error.correlationId]).toEqual([
      'DENIED',
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(error.message).toBe('DENIED');
  });

  it('goes by the status of the answer, not by the one in its body', async () => {
    expect((await after((response) => problem(response, 404, 'NOT_FOUND', { status: 200 }))).status).toBe(404);
  });

  it('does not come back with the token or the proof, even when the answer quotes them', async () => {
    let proof = '';
    const error = await after((response, { headers }) => {
      proof = String(headers['dpop']);
      problem(response, 401, 'INVALID_TOKEN', { title: `got ${TOKEN}`, detail: `and ${proof}`, request_id: TOKEN });
    });
    expect(proof.length).toBeGreaterThan(100);
    expect([error.code, error.title, error.detail, error.requestId]).toEqual([
      'INVALID_TOKEN',
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("an answer that is not the gateway's", () => {
  const secret = { uri: 'yaml://m/a', value: VALUE, grant: { id: 'g', expires_at: 'x', uses_left: 1 }, receipt: 'r' };
  it.each<[string, Turn, number]>([
    [
      'a page',
      (response) =>
        void response.writeHead(502, { 'Content-Type': 'text/html; charset=utf-8' }).end(`<h1>${VALUE}</h1>`),
      502,
    ],
    ['no content', (response) => void response.writeHead(204).end(), 204],
    ['a redirect', (response) => void response.writeHead(302, { Location: gateway.origin }).end(), 302],
    [
      'a problem that is no JSON',
      (response) => void response.writeHead(500, { 'Content-Type': 'application/problem+json' }).end(VALUE),
      500,
    ],
    ['a problem of another type', (response) => json(response, 403, { code: 'DENIED', title: VALUE }), 403],
    ['a problem without code', (response) => problem(response, 500, 'X', { code: 7 }), 500],
    [
      'JSON that is cut',
      (response) => void response.writeHead(200, { 'Content-Type': 'application/json' }).end(`{"value":"${VALUE}"`),
      200,
    ],
    [
      'a secret of another type',
      (response) => void response.writeHead(200, { 'Content-Type': 'text/plain' }).end(JSON.stringify(secret)),
      200,
    ],
    ['a secret with another status', (response) => json(response, 201, secret), 201],
    ['an array', (response) => json(response, 200, [secret]), 200],
    ['null', (response) => json(response, 200, null), 200],
    ['a secret without uri', (response) => json(response, 200, { ...secret, uri: undefined }), 200],
    ['a secret without value', (response) => json(response, 200, { ...secret, value: undefined }), 200],
    ['a secret without grant', (response) => json(response, 200, { ...secret, grant: undefined }), 200],
    [
      'a secret with half a grant',
      (response) => json(response, 200, { ...secret, grant: { id: 'g', expires_at: 'x' } }),
      200,
    ],
    ['a secret without receipt', (response) => json(response, 200, { ...secret, receipt: 1 }), 200],
    ['a secret with a strange version', (response) => json(response, 200, { ...secret, version: '3' }), 200],
    ['a secret with a strange key', (response) => json(response, 200, { ...secret, key: 3 }), 200],
  ])('%s is UNEXPECTED_ANSWER and repeats nothing', async (_what, turn, status) => {
    const error = await after(turn);
    expect([error.code, error.status]).toEqual(['UNEXPECTED_ANSWER', status]);
  });

  it('is told by status and media type', async () => {
    const error = await after(
      (response) => void response.writeHead(502, { 'Content-Type': 'Text/HTML; charset=utf-8' }).end(),
    );
    expect(error.detail).toBe('HTTP 502 with text/html; check the origin');
  });

  it('is tried again when it is a 503 with a time', async () => {
    gateway.lineUp((response) => void response.writeHead(503, { 'Retry-After': '0' }).end('busy'));
    expect((await client().read('yaml://m/a')).value).toBe('a value');
  });

  it('is not followed when it points elsewhere', async () => {
    await after((response) => void response.writeHead(307, { Location: `${gateway.origin}/elsewhere` }).end());
    expect(gateway.seen).toHaveLength(1);
  });
});

describe('no answer', () => {
  it('is NO_ANSWER with the code of the system', async () => {
    const dead = await LoopbackGateway.start();
    const { origin } = dead;
    await dead.close();
    const error = await failureOf(client({ origin }));
    expect([error.code, error.status, error.detail]).toEqual(['NO_ANSWER', 0, 'ECONNREFUSED']);
  });

  it('is NO_ANSWER when the connection breaks in the middle', async () => {
    const error = await after((response) => {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 1_000 });
      response.write(`{"value":"${VALUE}"`, () => response.destroy());
    });
    expect(error.code).toBe('NO_ANSWER');
  });

  it('does not pass on what the transport says, which may hold the bytes of the answer', async () => {
    const error = await failureOf(
      client({
        fetch: async () =>
          Promise.reject(
            new TypeError(`fetch failed: ${VALUE}`, {
              cause: Object.assign(new Error(VALUE), { code: VALUE, data: VALUE }),
            }),
          ),
      }),
    );
    expect([error.code, error.detail]).toEqual(['NO_ANSWER', undefined]);
  });
});

describe('a client that is logged', () => {
  it('shows neither its options nor its key', async () => {
    const reader = client();
    await reader.read('yaml://m/a');
    expect([inspect(reader, { depth: 9, showHidden: true }).includes('origin'), JSON.stringify(reader)]).toEqual([
      false,
      '{}',
    ]);
  });
});

function client(more: Partial<PosternClientOptions> = {}): PosternClient {
  return new PosternClient({ origin: gateway.origin, accessToken: () => TOKEN, retries: 1, ...more });
}

async function after(turn: Turn): Promise<PosternError> {
  gateway.lineUp(turn);
  return await failureOf(client());
}

/** The error of a read, which is looked through for what must not be in it. */
async function failureOf(reader: PosternClient): Promise<PosternError> {
  const failure: unknown = await reader.read('yaml://m/a').then(
    () => 'was read',
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(PosternError);
  const error = failure as PosternError;
  const shown = inspect(error, { depth: 9, showHidden: true }) + String(error.stack) + JSON.stringify(error);
  for (const sealed of [TOKEN, VALUE, ...gateway.seen.map(({ headers }) => String(headers['dpop']))]) {
    expect(shown.includes(sealed)).toBe(false);
  }
  return error;
}
