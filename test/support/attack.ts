import { expect } from '@jest/globals';

import type { JsonObject } from '#libs/kernel/json.js';
import type { Code } from '#libs/kernel/codes.js';
import { PROBLEMS, problemType } from '#src/http/problems.js';

import type { WireAnswer } from '../http/wire.js';
import { ManualClock } from './clock.js';
import { type Gateway, type GatewayOptions, startGateway } from './gateway.js';

/** Such as `401 INVALID_TOKEN`. */
export type Expected = `${number} ${Code}`;

/** One fault, and what it must come to. */
export interface Attack {
  /** Begins with the id of the requirement (spec, Security). */
  readonly title: string;
  readonly sends: (gateway: Gateway) => Promise<WireAnswer>;
  readonly refused: Expected;
  /** The failed check that the audit record names; `'*'`: any. `null`: the edge refuses before the line begins, so no record. */
  readonly check: string | null;
  /** How many keys the store gains: none before token and proof are verified. `null`: requests that are served belong to the attack. */
  readonly keys?: number | null;
}

/** A gateway whose clock stands still but for what attacks need: every time in it can be met to the millisecond. */
export class Target {
  private constructor(
    readonly gateway: Gateway,
    readonly clock: ManualClock,
  ) {}

  static async start(options: Omit<GatewayOptions, 'clock'> = {}): Promise<Target> {
    const clock = new ManualClock();
    return new Target(await startGateway({ ...options, clock }), clock);
  }

  /** The attack, and everything about its refusal: the answer, the one audit record, the keys in the store. */
  async refuses({ sends, refused, check, keys = 0 }: Attack): Promise<WireAnswer> {
    const { gateway } = this;
    // Of strangers, 50 refusals a second get a record of their own: so much apart, each of them does.
    await this.passes(25);
    const before = gateway.storedKeys();
    const answer = await sends(gateway);
    expectProblem(answer, refused);
    if (keys !== null) expect({ keys: gateway.storedKeys() - before }).toEqual({ keys });
    await expectRecord(gateway, answer, check);
    return answer;
  }

  /**
   * Moves the clock, once the results of what was answered are recorded and the disk has said so: a sink that is late by this clock
   * would be given up. A timer that stays armed is that of a flood's count, which only this clock can end.
   */
  async passes(ms: number): Promise<void> {
    const patience = performance.now() + 300;
    while ((await this.#unsettled()) > 0 || (this.clock.armed > 0 && performance.now() < patience)) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    this.clock.advance(ms);
  }

  async #unsettled(): Promise<number> {
    const types = (await this.gateway.records()).map(({ type }) => type);
    return types.filter((type) => type === 'intent').length - types.filter((type) => type === 'result').length;
  }

  async close(): Promise<void> {
    await this.gateway.close();
  }
}

const MEMBERS = ['type', 'title', 'status', 'code', 'detail', 'resets_at', 'request_id', 'correlation_id'];

/** RFC 9457 with the rules of this API: every member, every header that each refusal has, and none that it must not have. */
export function expectProblem({ status, headers, problem }: WireAnswer, expected: Expected): void {
  const code = expected.slice(4) as Code;
  const row = PROBLEMS[code];
  expect(`${status} ${String(problem['code'])}`).toBe(expected);
  expect(problem).toMatchObject({ type: problemType(code), title: row.title, status });
  expect(Object.keys(problem).filter((name) => !MEMBERS.includes(name))).toEqual([]);
  expect(headers['content-type']).toEqual(['application/problem+json']);
  expect(headers['x-request-id']).toEqual([problem['request_id']]);
  expect(headers['x-correlation-id']).toEqual([problem['correlation_id']]);
  expect(problem['request_id']).toMatch(/^[0-9a-f-]{36}$/);
  expectSilentHeaders(headers);
  expectChallenge(headers, status, row.oauth);
}

/** Never stored, never sniffed, and nothing about what answers (spec, Security, I32). */
export function expectSilentHeaders(headers: WireAnswer['headers']): void {
  expect(headers['cache-control']).toEqual(['no-store']);
  expect(headers['x-content-type-options']).toEqual(['nosniff']);
  const telling = Object.keys(headers).filter((name) =>
    /^(server|via|x-powered-by|proxy-authenticate|set-cookie|access-control-.*|.*version.*)$/.test(name),
  );
  expect(telling).toEqual([]);
}

/** One challenge a line: a scheme, then parameters, each value in quotes (RFC 9110 section 11.6.1). */
const CHALLENGE =
  /^(DPoP|Bearer)( [a-z_]+="[\x20\x21\x23-\x5B\x5D-\x7E]*"(, [a-z_]+="[\x20\x21\x23-\x5B\x5D-\x7E]*")*)$/;

function expectChallenge(headers: WireAnswer['headers'], status: number, oauth: string | undefined): void {
  const challenges = headers['www-authenticate'] ?? [];
  for (const challenge of challenges) expect(challenge).toMatch(CHALLENGE);
  const errors = challenges.flatMap((challenge) => /error="([a-z_]*)"/.exec(challenge)?.[1] ?? []);
  if (status === 401) {
    expect(challenges.filter((challenge) => challenge.startsWith('DPoP '))).toHaveLength(1);
    expect(challenges[0]).toContain('algs="ES256 Ed25519"');
    expect(errors).toEqual(oauth === undefined ? [] : [oauth]);
  } else if (challenges.length > 0) {
    expect(errors).toEqual([oauth]);
  }
}

/** An answer without what is new in each: the ids, the receipt, the date. Two that are equal tell a caller nothing apart. */
export function comparable({ status, headers, body }: WireAnswer): unknown {
  const ids = ['x-request-id', 'x-correlation-id', 'postern-receipt'].flatMap((name) => headers[name] ?? []);
  const masked = (text: string): string => ids.reduce((left, id) => left.replaceAll(id, 'an id'), text);
  const lines = Object.entries(headers).map(([name, values]) => `${name}: ${values.map(masked).join(' | ')}`);
  return {
    status,
    length: body.length,
    headers: lines.filter((line) => !line.startsWith('date:')),
    body: masked(body),
  };
}

/** A refusal inside the line has exactly one record, and its receipt names that record; one at the edge has neither. */
export async function expectRecord(
  gateway: Gateway,
  { headers, problem }: WireAnswer,
  check: string | null,
): Promise<void> {
  const records = (await gateway.records()).filter((record) => record['request_id'] === problem['request_id']);
  const [receipt] = headers['postern-receipt'] ?? [];
  if (check === null) {
    expect({ records, receipt }).toEqual({ records: [], receipt: undefined });
    return;
  }
  expect(records.map(summary)).toEqual([
    {
      type: 'refusal',
      effect: 'deny',
      code: problem['code'],
      check: check === '*' ? expect.stringMatching(/./) : check,
    },
  ]);
  const [w, seq, hash] = receipt?.split('.') ?? [];
  expect({ w, seq: Number(seq) }).toEqual({ w: records[0]?.['w'], seq: records[0]?.['seq'] });
  expect(hash).toMatch(/^[A-Za-z0-9_-]{43}$/);
}

function summary({ type, effect, code, check }: JsonObject): JsonObject {
  return { type: type ?? null, effect: effect ?? null, code: code ?? null, check: check ?? null };
}

/**
 * What must hold of everything that a gateway wrote, whatever was sent to it: one JSON object a line, no fault, nothing that took
 * a second, and neither values nor tokens nor proofs nor the names of secrets (spec, Security, N18 to N20, I28, I29).
 *
 * @param unspoken further texts that were sent and must not be found
 */
export async function expectNothingTold(gateway: Gateway, unspoken: readonly string[] = []): Promise<void> {
  const logs = gateway.logLines();
  for (const line of logs) {
    expect(line).toMatch(/^\{[^\p{Cc}\p{Zl}\p{Zp}]*\}\n$/u);
    const said = JSON.parse(line) as JsonObject;
    expect(said).toMatchObject({ level: 'info', msg: 'answered' });
    expect(said['status']).toBeLessThan(500);
    expect(said['ms']).toBeLessThan(1_000);
  }
  const records = await gateway.auditLines();
  for (const line of records) {
    expect(line).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u);
    expect(typeof JSON.parse(line)).toBe('object');
  }
  const written = [...logs, ...records].join('');
  const answered = gateway.refusalBodies.join('\n');
  const secret = [gateway.canary, ...new Set(gateway.made.flatMap(tellingParts))];
  expect(secret.filter((text) => written.includes(text) || answered.includes(text))).toEqual([]);
  expect([...unspoken, ...PATHS].filter((text) => written.includes(text))).toEqual([]);
}

/** How paths of the test's secrets would show: mount and folder together. */
const PATHS = ['kv/app', 'kv/plans', 'kv/nowhere', 'kv%2F', '://kv'];

/** Enough of payload and signature to find either; the first characters of a payload may be those of an innocent one. */
function tellingParts(jws: string): string[] {
  const [, payload = '', signature = ''] = jws.split('.');
  return [payload.slice(24, 60), signature.slice(0, 24)].filter((part) => part.length >= 20 && !/^A*$/.test(part));
}
