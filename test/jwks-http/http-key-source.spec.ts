import { type AddressInfo, createServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';

import { afterEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { HttpKeySource, type HttpKeySourceOptions, TIMES } from '#libs/jwks-http/http-key-source.js';
import type { Json } from '#libs/kernel/json.js';

import { ManualClock } from '../support/clock.js';
import { jwksOf, makeKey } from '../support/tokens.js';
import { json, JwksServer, raw, until } from './jwks-server.js';

const [first, second] = [makeKey('ES256', 'first'), makeKey('ES256', 'second')];
const SET = jwksOf(first);
const GRACE = 600_000;
const WAIT = 800;
const { cooldown, refresh, retry, timeout } = TIMES;

/** A source, the server it asks and the clock by which both are judged. */
class Scene {
  readonly alarms: string[] = [];
  readonly clock = new ManualClock();
  source!: HttpKeySource;

  private constructor(readonly server: JwksServer) {}

  static async open(
    answer: Parameters<typeof JwksServer.start>[0] = SET,
    changes: Partial<HttpKeySourceOptions> = {},
  ): Promise<Scene> {
    const scene = await Scene.before(answer);
    await scene.opened(changes);
    return scene;
  }

  static async before(answer: Parameters<typeof JwksServer.start>[0] = SET): Promise<Scene> {
    const scene = new Scene(await JwksServer.start(answer));
    scenes.push(scene);
    return scene;
  }

  async opened(changes: Partial<HttpKeySourceOptions> = {}): Promise<void> {
    this.source = await HttpKeySource.open({
      place: { uri: this.server.uri, plainHttp: false },
      clock: this.clock,
      graceMs: GRACE,
      waitMs: WAIT,
      alarm: (what) => void this.alarms.push(what),
      ...changes,
    });
  }

  /** `key`, `none`, or why there is no answer. */
  async ask(kid: string): Promise<string> {
    try {
      return (await this.source.key(kid, 'ES256')) === undefined ? 'none' : 'key';
    } catch (error) {
      return error instanceof Error ? `${error.name}: ${error.message}` : 'thrown';
    }
  }

  /** Lets time pass, and the fetch that it starts end: a fetch that has ended has armed one timer, for the next. */
  async passes(ms: number): Promise<void> {
    const requests = this.server.connections;
    this.clock.advance(ms);
    await this.fetched();
    expect(this.server.connections).toBeGreaterThanOrEqual(requests);
  }

  /** While a fetch is under way its timeout is armed as well as nothing else; afterwards the next one's timer is. */
  async fetched(): Promise<void> {
    await until(() => !this.source.fetching);
  }

  async close(): Promise<void> {
    this.source?.close();
    await this.server.down();
  }
}

const scenes: Scene[] = [];
afterEach(async () => {
  await Promise.all(scenes.splice(0).map((scene) => scene.close()));
});

/** Ends the connection without an answer, as a server that is gone does; each try can be counted. */
const hangUp = (response: { destroy(): unknown }): void => void response.destroy();
const never = (): void => {};

describe('T18: how often keys are fetched', () => {
  it('T18: once at the start, whatever is asked of it', async () => {
    const scene = await Scene.open();
    for (let at = 0; at < 1_000; at += 1) expect(await scene.ask('first')).toBe('key');
    expect(scene.server.requests).toEqual(['GET /jwks']);
  });

  it('T18: kids that nobody knows cause one fetch in a cooldown, however many they are', async () => {
    const scene = await Scene.open();
    for (let at = 0; at < 500; at += 1) expect(await scene.ask(`made-up-${at}`)).toBe('none');
    expect(scene.server.requests).toHaveLength(1);
    for (let cooldowns = 2; cooldowns < 5; cooldowns += 1) {
      scene.clock.advance(cooldown);
      const asked = Array.from({ length: 500 }, (_, at) => scene.ask(`made-up-${cooldowns}-${at}`));
      expect(new Set(await Promise.all(asked))).toEqual(new Set(['none']));
      expect(scene.server.requests).toHaveLength(cooldowns);
    }
    scene.clock.advance(cooldown - 1);
    expect(await scene.ask('made-up')).toBe('none');
    expect(scene.server.requests).toHaveLength(4);
  });

  it('T18: a new key is found by the first token that names it, and all that wait for it share one fetch', async () => {
    const scene = await Scene.open();
    scene.clock.advance(cooldown);
    scene.server.answers(jwksOf(first, second));
    const found = await Promise.all(Array.from({ length: 100 }, () => scene.ask('second')));
    expect(new Set(found)).toEqual(new Set(['key']));
    expect(scene.server.requests).toHaveLength(2);
  });

  it('T18: while the endpoint is down no request fetches: the timer alone does', async () => {
    const scene = await Scene.open();
    scene.server.answers(hangUp);
    await scene.passes(refresh.most);
    expect(scene.server.connections).toBe(2);
    for (let tries = 3; tries < 8; tries += 1) {
      for (let at = 0; at < 200; at += 1) await scene.ask(at % 2 === 0 ? 'first' : `made-up-${at}`);
      expect(scene.server.connections).toBe(tries - 1);
      await scene.passes(retry);
      expect(scene.server.connections).toBe(tries);
    }
  });

  it('T18: while it never was up no request fetches either', async () => {
    const scene = await Scene.open(hangUp);
    scene.clock.advance(retry - 1);
    for (let at = 0; at < 200; at += 1) expect(await scene.ask('first')).toMatch(/^JwksFault/);
    expect(scene.server.connections).toBe(1);
  });

  it.each([
    ['no Cache-Control', {}, refresh.most],
    ['max-age within bounds', { 'cache-control': 'public, max-age=120' }, 120_000],
    ['a max-age of a day', { 'cache-control': 'max-age=86400' }, refresh.most],
    ['a max-age of nothing', { 'cache-control': 'no-store, max-age=0' }, refresh.least],
    ['a max-age of more digits than there are', { 'cache-control': `max-age=${'9'.repeat(30)}` }, refresh.most],
    ['another directive', { 'cache-control': 's-maxage=70, stale-max-age=70' }, refresh.most],
  ] as [string, Record<string, string>, number][])(
    'T18: with %s, again when it is due',
    async (_name, headers, due) => {
      const scene = await Scene.open(json(SET, headers));
      scene.clock.advance(due - 1);
      expect(scene.source.fetching).toBe(false);
      expect(scene.server.requests).toHaveLength(1);
      await scene.passes(1);
      expect(scene.server.requests).toHaveLength(2);
    },
  );
});

describe('T18: when keys cannot be had', () => {
  it('T18, I23: the last good set serves on for the grace, and then nobody is told that a token is bad', async () => {
    const scene = await Scene.open();
    await scene.server.down();
    await scene.passes(refresh.most);
    expect([scene.source.state, await scene.ask('first')]).toEqual(['kept', 'key']);
    expect(scene.alarms).toEqual([expect.stringMatching(/its server cannot be reached: ECONNREFUSED/)]);
    scene.clock.advance(GRACE - 1);
    expect(await scene.ask('first')).toBe('key');
    scene.clock.advance(1);
    expect(await scene.ask('first')).toMatch(/^JwksFault: /);
    expect(scene.source.state).toBe('none');
    await scene.fetched();
  });

  it('T18: meanwhile a kid that is not known may be a new one, so that the answer is no refusal of the token', async () => {
    const scene = await Scene.open();
    await scene.server.down();
    await scene.passes(refresh.most);
    expect(await scene.ask('second')).toMatch(/^JwksFault/);
    expect(await scene.source.key('first', 'RS256')).toBeUndefined();
  });

  it('T18: meanwhile no request waits for a try that is under way', async () => {
    const scene = await Scene.open();
    scene.server.answers(never);
    scene.clock.advance(refresh.most);
    await until(() => scene.server.requests.length === 2);
    await scene.passes(timeout);
    scene.clock.advance(retry);
    await until(() => scene.server.requests.length === 3);
    // The clock stands still: whoever waited would wait for ever.
    expect(await scene.ask('second')).toBe('JwksFault: its server is late');
    expect([await scene.ask('first'), scene.source.fetching]).toEqual(['key', true]);
  });

  it('I24: they are had again at the next try once the endpoint is back, well within 5 s', async () => {
    expect(timeout + retry).toBeLessThan(5_000);
    const scene = await Scene.open();
    await scene.server.down();
    await scene.passes(refresh.most + GRACE);
    expect(await scene.ask('first')).toMatch(/^JwksFault/);
    await scene.server.up();
    await scene.passes(retry);
    expect([scene.source.state, await scene.ask('first')]).toEqual(['good', 'key']);
  });

  it('I24: a gateway that starts before its issuer has keys as soon as that is up', async () => {
    const scene = await Scene.before();
    await scene.server.down();
    await scene.opened();
    expect([scene.source.state, await scene.ask('first')]).toEqual(['none', expect.stringMatching(/^JwksFault/)]);
    await scene.server.up();
    await scene.passes(retry);
    expect(await scene.ask('first')).toBe('key');
  });

  it('T18: an endpoint that never answers is given up in time, by its start and by every request', async () => {
    const scene = await Scene.before(never);
    const opening = scene.opened();
    await until(() => scene.server.requests.length === 1);
    scene.clock.advance(timeout);
    await opening;
    expect(scene.alarms).toEqual([expect.stringMatching(/^cannot be had: its server is late; /)]);
    expect(await scene.ask('first')).toBe('JwksFault: its server is late');
    await until(() => scene.server.open === 0);
  });

  it('T18: a server that accepts and never speaks TLS is given up in time, its connection with it', async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => sockets.delete(socket))
        .resume();
    });
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = silent.address() as AddressInfo;
      const scene = await Scene.before();
      const opening = scene.opened({ place: { uri: new URL(`https://127.0.0.1:${port}/jwks`), plainHttp: false } });
      await until(() => sockets.size === 1);
      scene.clock.advance(timeout);
      await opening;
      expect(scene.alarms).toEqual([expect.stringMatching(/^cannot be had: its server is late; /)]);
      await until(() => sockets.size === 0);
    } finally {
      silent.close();
    }
  });

  it('T18: a request waits for a fetch that is under way, but not for long', async () => {
    const scene = await Scene.open();
    scene.clock.advance(cooldown);
    scene.server.answers(never);
    const asked = scene.ask('second');
    await until(() => scene.server.requests.length === 2);
    scene.clock.advance(WAIT - 1);
    expect(await Promise.race([asked, Promise.resolve('waits')])).toBe('waits');
    scene.clock.advance(1);
    expect(await asked).toBe('JwksFault: it is being fetched');
    expect(await scene.ask('first')).toBe('key');
  });

  const big = JSON.stringify({ ...SET, padding: 'x'.repeat(6_000_000) });
  const justTooBig = JSON.stringify({ ...SET, padding: 'x'.repeat(128 * 1024 - JSON.stringify(SET).length) });
  it.each([
    ['6 MB', raw(big), /larger than 128 KiB/],
    ['6 MB in chunks', (response) => void response.writeHead(200, JSON_TYPE).write(big), /larger than 128 KiB/],
    ['a little too much', raw(justTooBig), /larger than 128 KiB/],
    ['HTML', raw('<html></html>', { 'content-type': 'text/html' }), /something else than JSON/],
    ['JSON of another type', raw(JSON.stringify(SET), { 'content-type': 'text/plain' }), /something else than JSON/],
    [
      'no content type',
      (response) => void response.writeHead(200).end(JSON.stringify(SET)),
      /something else than JSON/,
    ],
    ['a redirect', raw('', { location: '/other' }, 302), /status 302/],
    ['a permanent redirect with keys', raw(JSON.stringify(SET), { location: '/other' }, 308), /status 308/],
    ['404', raw(JSON.stringify(SET), {}, 404), /status 404/],
    ['500', raw('{}', {}, 500), /status 500/],
    ['204', (response) => void response.writeHead(204).end(), /status 204/],
    ['gzip', raw(gzipSync(JSON.stringify(SET)), { 'content-encoding': 'gzip' }), /compresses/],
    ['half of it', raw(JSON.stringify(SET).slice(0, 40)), /no strict JSON/],
    [
      'half of what it promised',
      (response) =>
        void response.writeHead(200, { ...JSON_TYPE, 'content-length': '5000' }).write('{', () => response.destroy()),
      /cannot be reached/,
    ],
    ['a name that stands twice', raw(`{"keys":[],"keys":${JSON.stringify(SET['keys'])}}`), /no strict JSON/],
    ['a byte order mark', raw(`\uFEFF${JSON.stringify(SET)}`), /no strict JSON/],
    ['bytes that are not UTF-8', raw(Buffer.from([0x7b, 0xff, 0x7d])), /no strict JSON/],
    ['UTF-16', raw(Buffer.from(JSON.stringify(SET), 'utf16le')), /no strict JSON/],
    ['a list', json([]), /no JWK Set/],
    ['no keys', json({ keys: {} }), /no JWK Set/],
    ['101 keys', json({ keys: Array.from({ length: 101 }, () => ({})) }), /at most 100/],
    ['no HTTP', (response) => void response.socket?.end('SSH-2.0-x\r\n'), /cannot be reached/],
    [
      'headers of 100 KB',
      (response) => void response.writeHead(200, { ...JSON_TYPE, x: 'x'.repeat(100_000) }).end(),
      /cannot be reached: UND_ERR_HEADERS_OVERFLOW/,
    ],
  ] as [string, Parameters<JwksServer['answers']>[0], RegExp][])(
    'T18, J9, J14: of an endpoint that answers with %s the last good set serves on',
    async (_name, answer, why) => {
      const scene = await Scene.open();
      scene.server.answers(answer);
      await scene.passes(refresh.most);
      expect([scene.source.state, await scene.ask('first')]).toEqual(['kept', 'key']);
      expect(scene.alarms).toEqual([expect.stringMatching(why)]);
      expect(scene.server.requests).toEqual(['GET /jwks', 'GET /jwks']);
      await until(() => scene.server.open === 0);
    },
  );

  it('T18: a body that comes too slowly is given up in time', async () => {
    const scene = await Scene.open();
    scene.server.answers((response) => void response.writeHead(200, JSON_TYPE).write('{"keys":['));
    scene.clock.advance(refresh.most);
    await until(() => scene.server.requests.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await scene.passes(timeout);
    expect(scene.alarms).toEqual([expect.stringMatching(/its server is late/)]);
    expect(await scene.ask('first')).toBe('key');
    await until(() => scene.server.open === 0);
  });

  it('T18, J3: whatever an endpoint answers, the last good set serves on or an honest one takes its place', async () => {
    const scene = await Scene.open();
    const text = JSON.stringify(SET);
    const noise = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.constantFrom('"', '\0', '\ud800', '[', '{}', '1e999', '\\u'),
    );
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc
        .tuple(fc.nat(text.length), fc.nat(20), noise)
        .map(([at, cut, said]) => Buffer.from(text.slice(0, at) + said + text.slice(at + cut))),
    );
    const type = fc.constantFrom(
      'application/json',
      'application/jwk-set+json',
      'text/html',
      'application/json; charset=x',
      '',
    );
    const status = fc.oneof(
      { weight: 4, arbitrary: fc.constant(200) },
      { weight: 1, arbitrary: fc.integer({ min: 200, max: 599 }) },
    );
    await fc.assert(
      fc.asyncProperty(status, type, body, async (code, contentType, bytes) => {
        scene.server.answers((response) => {
          response.writeHead(code, { 'content-type': contentType }).end(bytes);
        });
        await scene.passes(refresh.most);
        expect(await scene.ask('first')).toMatch(/^(key|none)$|^JwksFault: ./);
        expect(scene.alarms.filter((alarm) => /[\p{Cc}\p{Cs}]|defect/u.test(alarm))).toEqual([]);
        scene.server.answers(SET);
        await scene.passes(scene.source.state === 'good' ? refresh.most : retry);
        expect([scene.source.state, await scene.ask('first')]).toEqual(['good', 'key']);
      }),
      { numRuns: 150 },
    );
  });

  it('tells the operator once, and once more when the trouble is another one', async () => {
    const scene = await Scene.open(SET, { graceMs: 3 * retry });
    scene.server.answers(raw('', {}, 500));
    await scene.passes(refresh.most);
    await scene.passes(retry);
    scene.server.answers(raw('', {}, 503));
    await scene.passes(retry);
    scene.server.answers(SET);
    await scene.passes(retry);
    scene.server.answers(raw('', {}, 503));
    await scene.passes(refresh.most);
    const serving = 'the last good ones serve on for JWKS_GRACE_SECONDS';
    expect(scene.alarms).toEqual([
      `cannot be had: its server answers with status 500; ${serving}`,
      `cannot be had: its server answers with status 503; ${serving}`,
      `cannot be had: its server answers with status 503; ${serving}`,
    ]);
    for (let tries = 0; tries < 4; tries += 1) await scene.passes(retry);
    expect(scene.source.state).toBe('none');
    expect(scene.alarms).toHaveLength(4);
    expect(scene.alarms[3]).toBe('are too old to be believed: its tokens are 503 until they can be fetched');
  });
});

describe('N32: a key that is taken away', () => {
  it('N32: serves nobody once the set was due again', async () => {
    const scene = await Scene.open(jwksOf(first, second));
    scene.server.answers(jwksOf(second));
    scene.clock.advance(refresh.most - 1);
    expect(await scene.ask('first')).toBe('key');
    await scene.passes(1);
    expect([await scene.ask('first'), await scene.ask('second')]).toEqual(['none', 'key']);
  });

  it('N32: changes the generation, as any other set does, and the same set does not', async () => {
    const scene = await Scene.open(jwksOf(first, second));
    const { generation } = scene.source;
    await scene.passes(refresh.most);
    expect(scene.source.generation).toBe(generation);
    scene.server.answers(jwksOf(second));
    await scene.passes(refresh.most);
    expect(scene.source.generation).not.toBe(generation);
  });

  it('N32: changes the generation when the set has become too old, without anybody asking for a key', async () => {
    const scene = await Scene.open();
    const { generation } = scene.source;
    await scene.server.down();
    await scene.passes(refresh.most + GRACE - 1);
    expect(scene.source.generation).toBe(generation);
    scene.clock.advance(1);
    expect(scene.source.generation).not.toBe(generation);
    await scene.fetched();
  });

  const leaked = { ...first.privateKey.export({ format: 'jwk' }), kid: 'first', alg: 'ES256' } as Json;
  it.each([
    ['no key at all', { keys: [] }, /no usable key/],
    ['a key that nobody may use', { keys: [{ ...first.jwk, kid: 'first', alg: 'ES256', y: 'AAAA' }] }, /no usable key/],
    ['the private key beside it', { keys: [...(SET['keys'] as Json[]), leaked] }, /private or symmetric/],
  ])('N32: a set with %s is an answer: nothing of before is believed', async (_name, set, why) => {
    const scene = await Scene.open();
    const { generation } = scene.source;
    scene.server.answers(set);
    await scene.passes(refresh.most);
    expect([scene.source.state, await scene.ask('first')]).toEqual(['none', expect.stringMatching(why)]);
    expect(scene.source.generation).not.toBe(generation);
    expect(scene.alarms).toEqual([expect.stringMatching(/; its tokens are 503 until they can$/)]);
    expect(scene.alarms.join()).not.toContain((leaked as { d: string }).d);
    scene.server.answers(SET);
    await scene.passes(retry);
    expect(await scene.ask('first')).toBe('key');
  });
});

describe('what a source leaves behind', () => {
  it('nothing but one timer while it is open, and nothing once it is closed', async () => {
    const scene = await Scene.open();
    expect(scene.clock.armed).toBe(1);
    await until(() => scene.server.open === 0);
    scene.source.close();
    expect(scene.clock.armed).toBe(0);
    scene.clock.advance(10 * refresh.most);
    expect(await scene.ask('second')).toMatch(/^JwksFault|none/);
    expect(scene.server.requests).toHaveLength(1);
  });

  it('no fetch that was under way when it was closed', async () => {
    const scene = await Scene.open();
    scene.server.answers(never);
    scene.clock.advance(refresh.most);
    await until(() => scene.server.requests.length === 2);
    scene.source.close();
    await until(() => scene.server.open === 0 && !scene.source.fetching);
    expect(scene.clock.armed).toBe(0);
    expect(scene.alarms).toEqual([]);
  });
});

const JSON_TYPE = { 'content-type': 'application/json' };
