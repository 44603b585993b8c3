import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { calculateThumbprint, generateKeyPair } from 'dpop';

import { PosternClient, type PosternClientOptions } from '#libs/client/client.js';
import { PosternError } from '#libs/client/error.js';

import { json, LoopbackGateway, problem, secret } from './loopback-gateway.js';

const URI = 'openbao+kv2://secret/app/api?version=3#token';
const TOKEN = 'header.payload.signature';

let gateway: LoopbackGateway;
beforeEach(async () => {
  gateway = await LoopbackGateway.start();
});
afterEach(async () => {
  await gateway.close();
});

const client = (more: Partial<PosternClientOptions> = {}): PosternClient =>
  new PosternClient({ origin: gateway.origin, accessToken: () => TOKEN, ...more });

describe('a read', () => {
  it('gives the secret that the gateway gave', async () => {
    expect(await client().read(URI)).toEqual({
      uri: URI,
      key: 'token',
      value: 'a value',
      version: 3,
      grant: { id: 'g-1', expires_at: '2026-01-01T00:05:00.000Z', uses_left: 4 },
      receipt: 'w.7',
    });
  });

  it('gives a map, and a secret without versions', async () => {
    gateway.lineUp((response) =>
      json(response, 200, { ...secret('/yaml%3A%2F%2Fm%2Fa'), value: { a: '1' }, version: undefined }),
    );
    const { value, key, version } = await client().read('yaml://m/a');
    expect([value, key, version]).toEqual([{ a: '1' }, undefined, undefined]);
  });

  it('names the secret in the path, which the proof covers, and nothing in the query', async () => {
    await client().read(URI);
    expect(gateway.seen[0]?.method).toBe('GET');
    expect(gateway.seen[0]?.path).toBe(
      '/api/secrets/value/openbao%2Bkv2%3A%2F%2Fsecret%2Fapp%2Fapi%3Fversion%3D3%23token',
    );
  });

  it('proves that it holds the key that it was given', async () => {
    const keyPair = await generateKeyPair('Ed25519');
    await client({ keyPair }).read(URI);
    expect(gateway.seen[0]?.jkt).toBe(await calculateThumbprint(keyPair.publicKey));
  });

  it('makes one key of its own, which it shows to whoever fetches the token', async () => {
    const shown: string[] = [];
    const reader = client({
      accessToken: async (keyPair) => {
        expect(keyPair?.privateKey.extractable).toBe(false);
        shown.push(keyPair === undefined ? 'none' : await calculateThumbprint(keyPair.publicKey));
        return TOKEN;
      },
    });
    await Promise.all([reader.read(URI), reader.read(URI)]);
    expect(new Set([...shown, ...gateway.seen.map(({ jkt }) => jkt)]).size).toBe(1);
  });

  it('carries the reason, when there is one', async () => {
    await client().read(URI, { reason: 'restart of the shop, ticket 7' });
    await client().read(URI);
    expect(gateway.seen.map(({ headers }) => headers['x-access-reason'])).toEqual([
      'restart of the shop, ticket 7',
      undefined,
    ]);
  });

  it('sends an unbound token without proof, and without a key, when the scheme is Bearer', async () => {
    const keys: unknown[] = [];
    const accessToken = (keyPair: unknown): string => {
      keys.push(keyPair);
      return TOKEN;
    };
    await client({ scheme: 'Bearer', accessToken }).read(URI);
    expect([gateway.seen[0]?.headers.authorization, gateway.seen[0]?.headers['dpop'], keys]).toEqual([
      `Bearer ${TOKEN}`,
      undefined,
      [undefined],
    ]);
  });
});

describe('nonces', () => {
  it('are answered once, with a new proof', async () => {
    gateway.nonce = 'n-1';
    await client().read(URI);
    expect(gateway.seen.map(({ claims }) => claims?.['nonce'])).toEqual([undefined, 'n-1']);
    expect(new Set(gateway.seen.map(({ claims }) => claims?.jti)).size).toBe(2);
  });

  it('are remembered from any answer, a 200 and a refusal alike', async () => {
    const reader = client();
    gateway.nextNonce = 'n-1';
    await reader.read(URI);
    gateway.nextNonce = 'n-2';
    gateway.lineUp((response) => problem(response, 403, 'DENIED'));
    await refused(reader.read(URI));
    gateway.nextNonce = undefined;
    await reader.read(URI);
    await reader.read(URI);
    expect(gateway.seen.map(({ claims }) => claims?.['nonce'])).toEqual([undefined, 'n-1', 'n-2', 'n-2']);
  });

  it('are answered no second time in one read', async () => {
    gateway.nonce = 'n-1';
    let at = 1;
    const moving = client({
      accessToken: () => {
        gateway.nonce = `n-${(at += 1)}`;
        return TOKEN;
      },
    });
    const error = await refused(moving.read(URI));
    expect([error.code, error.status, gateway.seen.length]).toEqual(['USE_DPOP_NONCE', 401, 2]);
  });

  it('are no reason to ask again when a 401 wants something else', async () => {
    gateway.nextNonce = 'n-1';
    gateway.lineUp((response) => problem(response, 401, 'INVALID_TOKEN'));
    expect((await refused(client().read(URI))).code).toBe('INVALID_TOKEN');
    expect(gateway.seen).toHaveLength(1);
  });

  it('are not asked for twice when the challenge brings none', async () => {
    gateway.lineUp((response) => {
      response.setHeader('WWW-Authenticate', 'DPoP error="use_dpop_nonce"');
      problem(response, 401, 'USE_DPOP_NONCE');
    });
    expect((await refused(client().read(URI))).code).toBe('USE_DPOP_NONCE');
    expect(gateway.seen).toHaveLength(1);
  });

  it('are answered for no other status than 401, and for no other scheme than DPoP', async () => {
    const challenge =
      (status: number) =>
      (response: Parameters<typeof problem>[0]): void => {
        response.setHeader('DPoP-Nonce', 'n-1');
        response.setHeader('WWW-Authenticate', 'DPoP error="use_dpop_nonce"');
        problem(response, status, 'USE_DPOP_NONCE');
      };
    gateway.lineUp(challenge(403), challenge(401));
    expect((await refused(client().read(URI))).status).toBe(403);
    expect((await refused(client({ scheme: 'Bearer' }).read(URI))).status).toBe(401);
    expect(gateway.seen).toHaveLength(2);
  });

  it('that are none by the grammar are not sent back', async () => {
    const reader = client();
    gateway.nextNonce = 'has "quotes"';
    await reader.read(URI);
    await reader.read(URI);
    expect(gateway.seen[1]?.claims?.['nonce']).toBeUndefined();
  });
});

describe('trying again', () => {
  const busy =
    (status: number, retryAfter?: string) =>
    (response: Parameters<typeof problem>[0]): void => {
      if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter);
      problem(response, status, status === 429 ? 'RATE_LIMITED' : 'UNAVAILABLE');
    };

  it('happens after a 503 and a 429 that name a time, each with a new proof and a token that was asked for again', async () => {
    let tokens = 0;
    gateway.lineUp(busy(503, '0'), busy(429, '0'));
    const { value } = await client({ accessToken: () => `${TOKEN}${(tokens += 1)}` }).read(URI);
    expect([value, tokens, gateway.seen.length]).toEqual(['a value', 3, 3]);
    expect(new Set(gateway.seen.map(({ headers }) => headers['dpop'])).size).toBe(3);
  });

  it('ends after the number of times that was set', async () => {
    gateway.lineUp(busy(503, '0'), busy(503, '0'), busy(503, '0'), busy(503, '0'));
    const error = await refused(client().read(URI));
    expect([error.code, error.retryAfterSeconds, gateway.seen.length]).toEqual(['UNAVAILABLE', 0, 3]);
    expect((await refused(client({ retries: 0 }).read(URI))).code).toBe('UNAVAILABLE');
    expect(gateway.seen).toHaveLength(4);
  });

  it('does not use up the answer to a nonce', async () => {
    gateway.nonce = 'n-1';
    gateway.lineUp(busy(503, '0'));
    await client({ retries: 1 }).read(URI);
    expect(gateway.seen).toHaveLength(3);
  });

  it.each([400, 401, 403, 404, 409, 500, 502])(
    'does not happen after a %i, whatever it says of retrying',
    async (status) => {
      gateway.lineUp(busy(status, '0'));
      expect((await refused(client().read(URI))).status).toBe(status);
      expect(gateway.seen).toHaveLength(1);
    },
  );

  it('does not happen when the 503 names no time', async () => {
    gateway.lineUp(busy(503));
    expect((await refused(client().read(URI))).retryAfterSeconds).toBeUndefined();
    expect(gateway.seen).toHaveLength(1);
  });

  it('does not wait for what lies beyond the time limit', async () => {
    gateway.lineUp(busy(503, '3600'));
    const error = await refused(client({ timeoutMs: 5_000 }).read(URI));
    expect([error.code, error.retryAfterSeconds, gateway.seen.length]).toEqual(['UNAVAILABLE', 3_600, 1]);
  });

  it('reads a time that is a date', async () => {
    gateway.lineUp(
      busy(503, new Date(Date.now() + 90_000).toUTCString()),
      busy(503, 'Thu, 01 Jan 2026 00:00:00 GMT'),
      busy(503, 'soon'),
    );
    const reader = client({ retries: 0 });
    expect((await refused(reader.read(URI))).retryAfterSeconds).toBeGreaterThan(80);
    expect((await refused(reader.read(URI))).retryAfterSeconds).toBe(0);
    expect((await refused(reader.read(URI))).retryAfterSeconds).toBeUndefined();
  });
});

describe('the caller', () => {
  it('ends a read with its signal, and gets its own reason', async () => {
    const mine = new Error('enough');
    const abort = new AbortController();
    gateway.lineUp(() => abort.abort(mine));
    await expect(client().read(URI, { signal: abort.signal })).rejects.toBe(mine);
    await expect(client().read(URI, { signal: abort.signal })).rejects.toBe(mine);
    expect(gateway.seen).toHaveLength(1);
  });

  it('does not wait for a token when its signal was aborted before', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    const reader = client({ accessToken: async () => new Promise<string>(() => undefined), timeoutMs: 5_000 });
    await expect(reader.read(URI, { signal })).rejects.toBe(signal.reason);
  });

  it('ends a wait with its signal', async () => {
    const abort = new AbortController();
    gateway.lineUp((response) => {
      response.setHeader('Retry-After', '5');
      problem(response, 503, 'UNAVAILABLE');
      setTimeout(() => abort.abort(), 50);
    });
    const failure: unknown = await client()
      .read(URI, { signal: abort.signal })
      .catch((error: unknown) => error);
    expect(failure).toBe(abort.signal.reason);
    expect(gateway.seen).toHaveLength(1);
  });

  it('hears its own error when it has no token', async () => {
    const mine = new Error('no token today');
    await expect(client({ accessToken: async () => Promise.reject(mine) }).read(URI)).rejects.toBe(mine);
    expect(gateway.seen).toHaveLength(0);
  });

  it.each([
    ['that never answers', (): void => undefined],
    [
      'that stops in the middle',
      (response: Parameters<typeof json>[0]): void =>
        void response.writeHead(200, { 'Content-Length': 100 }).write('{"uri"'),
    ],
  ])('hears TIMED_OUT of a gateway %s', async (_what, turn) => {
    gateway.lineUp(turn);
    const error = await refused(client({ timeoutMs: 200 }).read(URI));
    expect([error.code, error.status]).toEqual(['TIMED_OUT', 0]);
  });

  it('hears TIMED_OUT when its own token does not come', async () => {
    const error = await refused(
      client({ timeoutMs: 50, accessToken: async () => new Promise<string>(() => undefined) }).read(URI),
    );
    expect(error.code).toBe('TIMED_OUT');
  });

  it.each(['..', '.', '', 'secret/app', 'openbao://a/\ud800'])(
    'gets a TypeError for %j, which is no secret URI',
    async (uri) => {
      await expect(client().read(uri)).rejects.toThrow(TypeError);
      expect(gateway.seen).toHaveLength(0);
    },
  );

  it.each(['', 'a\r\nX-Evil: 1', 'caf\u00e9', 'x'.repeat(257)])(
    'gets a TypeError for the reason %j',
    async (reason) => {
      await expect(client().read(URI, { reason })).rejects.toThrow(TypeError);
      expect(gateway.seen).toHaveLength(0);
    },
  );

  it.each(['', 'two words', 'line\nbreak', '"quoted"', undefined])(
    'gets a TypeError for the token %j, which is not repeated',
    async (token) => {
      const failure: unknown = await client({ accessToken: () => token as string })
        .read(URI)
        .catch((error: unknown) => error);
      expect(failure).toEqual(new TypeError('accessToken gave no token'));
      expect(gateway.seen).toHaveLength(0);
    },
  );

  it.each([
    '',
    'postern',
    'ftp://postern.example',
    'https://postern.example/api',
    'https://postern.example?x',
    'https://u:p@postern.example',
    'https://postern.example/#x',
  ])('gets a TypeError for the origin %j', (origin) => {
    expect(() => client({ origin })).toThrow('origin is scheme, host and port alone');
  });

  it.each(['http://postern.example', 'http://127.0.0.1.example', 'http://localhost.example:80'])(
    'does not send a token to %s in the clear by mistake',
    (origin) => {
      expect(() => client({ origin })).toThrow('insecureHttp');
      expect(() => client({ origin, insecureHttp: true })).not.toThrow();
    },
  );

  it.each([
    'https://postern.example',
    'https://postern.example:8443/',
    'http://localhost:3000',
    'http://[::1]:3000',
    'http://127.0.0.1',
  ])('may use %s', (origin) => {
    expect(client({ origin })).toBeInstanceOf(PosternClient);
  });
});

async function refused(read: Promise<unknown>): Promise<PosternError> {
  const failure: unknown = await read.then(
    () => 'was read',
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(PosternError);
  return failure as PosternError;
}
