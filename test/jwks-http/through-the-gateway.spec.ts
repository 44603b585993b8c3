import { afterEach, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';

import { TIMES } from '#libs/jwks-http/http-key-source.js';
import type { Clock } from '#libs/kernel/clock.js';

import { ConfiguredGateway } from '../recipes/recipe.js';
import { ManualClock } from '../support/clock.js';
import { jwksOf, makeKey, mintToken, type SigningKey } from '../support/tokens.js';
import { JwksServer, raw, until } from './jwks-server.js';

const [A, B] = ['https://a.example', 'https://b.example'];
const [keyA, keyB, nextA] = [makeKey('ES256', 'same'), makeKey('ES256', 'same'), makeKey('ES256', 'next')];
const CEDAR = `
@id("anybody")
@max_uses("1000")
permit (principal, action in Action::"disclose", resource in Folder::"yaml://kv/payments");
`;

/** Two issuers of one tenant, each with an endpoint of its own, both of whose keys have one kid. */
class Scene {
  gateway!: ConfiguredGateway;

  private constructor(
    readonly a: JwksServer,
    readonly b: JwksServer,
  ) {}

  static async before(): Promise<Scene> {
    const scene = new Scene(await JwksServer.start(jwksOf(keyA)), await JwksServer.start(jwksOf(keyB)));
    scenes.push(scene);
    return scene;
  }

  static async start(clock?: Clock): Promise<Scene> {
    const scene = await Scene.before();
    await scene.starts(clock);
    return scene;
  }

  async starts(clock?: Clock): Promise<void> {
    const row = (issuer: string, { uri }: JwksServer) => ({ issuer, jwks_uri: uri.href, algorithms: ['ES256'] });
    const issuers = [row(A, this.a), row(B, this.b)];
    const yaml = stringify({ issuers, TENANT_ID: 'acme', TENANT_ALLOWED_MOUNTS: 'yaml://kv' });
    this.gateway = await ConfiguredGateway.start({ yaml, cedar: CEDAR, ...(clock !== undefined && { clock }) });
  }

  /** `permit`, or the status, the code and the check. */
  async ask(iss: string, key: SigningKey, nowMs = Date.now()): Promise<string> {
    return await this.send(token(iss, key, nowMs));
  }

  async send(text: string): Promise<string> {
    const { answer, check } = await this.gateway.ask(text);
    return check === undefined ? answer : `${answer} ${String(check)}`;
  }

  /** Moves the clock, once the disk has said that all is written: a sink that is late by this clock would be given up. */
  async passes(clock: ManualClock, ms: number): Promise<void> {
    await until(async () => await this.gateway.settled());
    // Each issuer has one timer armed; what else is armed waits for the disk.
    await until(() => clock.armed === 2);
    clock.advance(ms);
  }

  async close(): Promise<void> {
    await this.gateway.close();
    await Promise.all([this.a.down(), this.b.down()]);
  }
}

function token(iss: string, key: SigningKey, nowMs = Date.now(), life = 300): string {
  const exp = Math.floor(nowMs / 1000) + life;
  return mintToken({ key, nowMs, claims: { iss, exp, tenant: undefined } });
}

const scenes: Scene[] = [];
afterEach(async () => {
  await Promise.all(scenes.splice(0).map((scene) => scene.close()));
});

describe('two issuers whose keys have one kid', () => {
  it("J7: one issuer's keys never verify another's token, and each verify their own", async () => {
    const scene = await Scene.start();
    expect([await scene.ask(A, keyA), await scene.ask(B, keyB)]).toEqual(['permit', 'permit']);
    const forged = '401 INVALID_TOKEN J3 signature';
    expect([await scene.ask(A, keyB), await scene.ask(B, keyA)]).toEqual([forged, forged]);
    expect([scene.a.requests.length, scene.b.requests.length]).toEqual([1, 1]);
  });
});

describe('T18: an issuer whose keys cannot be fetched', () => {
  it('T18, I23, I24: does not keep the gateway from starting, is 503 and never 401, harms no other issuer, and comes back by itself', async () => {
    const scene = await Scene.before();
    await scene.a.down();
    await scene.starts();
    expect(await scene.ask(A, keyA)).toBe('503 UNAVAILABLE T18 jwks');
    expect(await scene.ask(A, keyB)).toBe('503 UNAVAILABLE T18 jwks');
    expect(await scene.ask(B, keyB)).toBe('permit');
    expect(scene.gateway.alarms[0]).toBe(
      `the keys of the issuer ${A} cannot be had: its server cannot be reached: ECONNREFUSED; its tokens are 503 until they can`,
    );
    await scene.a.up();
    await until(async () => (await scene.ask(A, keyA)) === 'permit');
  });

  it('T18: kids that attackers make up cause one fetch for all of them', async () => {
    const clock = new ManualClock(Date.now());
    const scene = await Scene.start(clock);
    await scene.passes(clock, TIMES.cooldown);
    const asked = Array.from({ length: 60 }, (_, at) => scene.ask(A, makeKey('ES256', `made-up-${at}`), clock.now()));
    const answers = new Set((await Promise.all(asked)).map((answer) => answer.slice(0, 17)));
    expect(answers).toEqual(new Set(['401 INVALID_TOKEN']));
    expect(scene.a.requests).toHaveLength(2);
  });

  it('T18: remembered tokens end with the grace as others do', async () => {
    const clock = new ManualClock(Date.now());
    const scene = await Scene.start(clock);
    const long = token(A, keyA, clock.now(), 3_600);
    expect(await scene.send(long)).toBe('permit');
    scene.a.answers(raw('<html></html>', { 'content-type': 'text/html' }));
    await scene.passes(clock, TIMES.refresh.most + 600_000 - 1);
    expect(await scene.send(long)).toBe('permit');
    await scene.passes(clock, 1);
    expect(await scene.send(long)).toBe('503 UNAVAILABLE T18 jwks');
  });
});

describe('N32: a key that is removed from the JWKS', () => {
  it('N32: no token of it is accepted five minutes later, not even one that was accepted a moment ago', async () => {
    const clock = new ManualClock(Date.now());
    const scene = await Scene.start(clock);
    const long = token(A, keyA, clock.now(), 3_600);
    expect(await scene.send(long)).toBe('permit');
    scene.a.answers(jwksOf(nextA));
    await scene.passes(clock, TIMES.refresh.most - 1);
    expect(await scene.send(long)).toBe('permit');
    await scene.passes(clock, 1);
    // From here on no time passes, so that nothing is forgotten because of its age.
    await until(async () => (await scene.send(long)) === '401 INVALID_TOKEN J7 kid');
    expect(await scene.ask(A, nextA, clock.now())).toBe('permit');
    expect(scene.a.requests).toHaveLength(2);
  });
});
