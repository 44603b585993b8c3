import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { ManualClock } from '../support/clock.js';
import { startGateway, type Gateway } from '../support/gateway.js';
import { ISSUER, makeKey } from '../support/tokens.js';
import { cedarOf } from './cedar-text.js';
import { FRESH, judge, type Attempt, type Rule, type State, type World } from './model.js';

/**
 * The reference model and the running gateway, side by side over HTTP: the same worlds, the same attempts, the same verdicts (I12). A
 * world that fails is printed small, with its seed.
 */
const WORLDS = Number(process.env['MODEL_WORLDS'] ?? 24);
const ATTEMPTS = 100;
const SECRETS = ['a/one', 'a/x/two', 'b/three'];
const PATHS = [...SECRETS.map((path) => `${path}#k`), 'a/one', 'a/gone#k', 'ab/four#k'];
const QUOTA_PERIOD = 600;

const some = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
/** One time in so many. */
const onceIn = <T>(times: number, value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => onceIn(2, value);
/** Without the members that are undefined: to the gateway and to the model alike they are not there. */
const compact = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;

/** Silver and gold are the tenant's; the set is refused at start when a policy names another, so bronze stands in none. */
const stepUp = some(['silver'], ['gold'], ['silver', 'gold'], ['gold', 'silver']);

const rule = (id: string): fc.Arbitrary<Rule> =>
  fc
    .record({
      effect: fc.constant('permit' as const),
      group: maybe(some('g1', 'g2')),
      folder: some('a', 'a/x', 'b', 'a/one'),
      purposes: some(['execute'], ['read'], ['execute', 'read']),
      ttl: maybe(some(10, 40, 300)),
      maxUses: maybe(some(1, 2, 5)),
      quota: maybe(some(1, 1, 1, 2)),
      oneHolder: maybe(fc.constant(true)),
      reason: onceIn(6, fc.constant(true)),
      maxAuthAge: onceIn(6, some(60)),
      stepUp: onceIn(6, stepUp),
    })
    .map((made) => compact({ ...made, id }) as Rule);

const forbid = (id: string): fc.Arbitrary<Rule> =>
  fc
    .record({
      effect: fc.constant('forbid' as const),
      group: maybe(some('g1', 'g2')),
      folder: some('a/x', 'b', 'a/one'),
      purposes: some(['execute'], ['read'], ['execute', 'read']),
      stepUp: onceIn(2, stepUp),
    })
    .map((made) => compact({ ...made, id }) as Rule);

const rules: fc.Arbitrary<readonly Rule[]> = fc
  .tuple(rule('r1'), rule('r2'), rule('r3'), maybe(forbid('f1')), onceIn(4, forbid('f2')))
  .map((all) => all.filter((each) => each !== undefined));

/** Mostly honest: a fault is rare, so that long histories of grants are reached. */
const rarely = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => onceIn(20, value);

const attempt: fc.Arbitrary<Attempt> = fc
  .record({
    sub: some('s1', 's1', 's2'),
    groups: some(['g1'], ['g1'], ['g2'], ['g1', 'g2'], []),
    tokenFault: rarely(some('expired' as const, 'audience' as const, 'signature' as const)),
    tenant: fc.oneof({ weight: 20, arbitrary: fc.constant('acme') }, { weight: 1, arbitrary: fc.constant('other') }),
    scope: fc.oneof({ weight: 20, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    key: some('A', 'A', 'A', 'B', undefined),
    authAge: some(30, 30, 30, 30, undefined, 60, 61, -5, -6),
    acr: some('gold', 'gold', 'gold', 'gold', 'silver', 'bronze', undefined),
    user: some(true, true, true, true, true, true, false),
    tokenJti: some('t1', 't2'),
    missing: rarely(some('token' as const, 'proof' as const)),
    otherScheme: rarely(fc.constant(true)),
    otherKey: rarely(fc.constant(true)),
    needlessProof: rarely(fc.constant(true)),
    proofFault: rarely(some('method' as const, 'path' as const, 'token' as const, 'old' as const)),
    proofJti: some('p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'p8', 'p9'),
    purpose: some('execute', 'execute', 'read'),
    mount: fc.oneof({ weight: 20, arbitrary: fc.constant('kv') }, { weight: 1, arbitrary: fc.constant('kv2') }),
    path: some('a/one#k', 'a/one#k', ...PATHS),
    reason: maybe(some('ticket 7')),
  })
  .map((draw): Attempt => {
    const { key } = draw;
    const scheme = (key === undefined) !== (draw.otherScheme === true) ? 'Bearer' : 'DPoP';
    const signer = draw.otherKey === true ? 'C' : (key ?? 'A');
    const proven = key === undefined ? draw.needlessProof === true : draw.missing !== 'proof';
    return {
      token:
        draw.missing === 'token'
          ? null
          : compact({
              sub: draw.sub,
              groups: draw.groups,
              tenant: draw.tenant,
              scope: draw.scope,
              jti: draw.tokenJti,
              fault: draw.tokenFault,
              key,
              authAge: draw.authAge,
              acr: draw.acr,
              user: draw.user,
            } as NonNullable<Attempt['token']>),
      scheme,
      proof: proven
        ? compact({ key: signer, jti: draw.proofJti, fault: draw.proofFault } as NonNullable<Attempt['proof']>)
        : null,
      purpose: draw.purpose,
      mount: draw.mount,
      path: draw.path,
      ...(draw.reason !== undefined && { reason: draw.reason }),
    };
  });

type Step = { readonly wait: number } | { readonly attempt: Attempt };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: attempt.map((made) => ({ attempt: made })) },
  { weight: 1, arbitrary: some(1, 11, 31, 45, 301, 700).map((wait) => ({ wait })) },
);

const KEYS: Readonly<Record<string, ReturnType<typeof makeKey>>> = { A: makeKey(), B: makeKey(), C: makeKey() };
const FORGER = makeKey('ES256', 'issuer-1');

describe('the gateway and its reference model', () => {
  it('I12: come to the same verdict on every attempt of every generated history', async () => {
    const verdicts: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(
        rules,
        fc.array(step, { minLength: 30, size: 'max' as const, maxLength: ATTEMPTS }),
        async (made, steps) => {
          const clock = new ManualClock();
          const policies = { acme: cedarOf(made, { issuer: ISSUER, mount: 'yaml://kv' }) };
          const gateway = await startGateway({ clock, policies, secrets: () => secretTree() });
          const world: World = {
            rules: made,
            secrets: new Set([...SECRETS.map((path) => `${path}#k`), ...SECRETS, 'ab/four#k']),
            quotaPeriod: QUOTA_PERIOD,
            tenant: 'acme',
            mount: 'kv',
            acrs: ['silver', 'gold'],
          };
          try {
            let state: State = { ...FRESH, now: clock.now() / 1000 };
            for (const each of steps) {
              if ('wait' in each) {
                await settled(clock);
                clock.advance(each.wait * 1000);
                // jtis are reused within one instant only: how long a spent one is kept is the store's own test
                state = { ...state, now: clock.now() / 1000, spent: new Set() };
                continue;
              }
              const [verdict, after] = judge(world, state, each.attempt);
              expect({ of: each.attempt, verdict: await ask(gateway, each.attempt, state.now) }).toEqual({
                of: each.attempt,
                verdict,
              });
              verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
              state = after;
            }
          } finally {
            await gateway.close();
          }
        },
      ),
      { numRuns: WORLDS },
    );
    // A generator that never reaches a verdict shows nothing about it.
    expect(Object.keys(verdicts).sort()).toEqual(REACHED);
    process.stderr.write(`model and gateway agreed: ${JSON.stringify(verdicts)}\n`);
  }, 240_000);
});

/** Results are recorded after the answer: time that jumped meanwhile would look like a sink that hangs. */
async function settled(clock: ManualClock): Promise<void> {
  while (clock.armed > 0) await new Promise((resolve) => setTimeout(resolve, 1));
}

const REACHED = [
  'BINDING_CHANGED',
  'CREDENTIALS_REQUIRED',
  'DENIED',
  'INSUFFICIENT_SCOPE',
  'INVALID_DPOP_PROOF',
  'INVALID_REQUEST',
  'INVALID_TOKEN',
  'NOT_FOUND',
  'OK',
  'PROOF_REPLAYED',
  'QUOTA_EXHAUSTED',
  'REASON_REQUIRED',
  'STEP_UP_IMPOSSIBLE',
  'STEP_UP_REQUIRED',
  'TENANT_MOUNT_MISMATCH',
];

/** The attempt over HTTP, as `OK` or the problem's code. */
async function ask(gateway: Gateway, { token, scheme, proof, ...wanted }: Attempt, now: number): Promise<string> {
  const uri = `yaml://${wanted.mount}/${wanted.path}`;
  const target = `/api/secrets/${wanted.purpose === 'read' ? 'read' : 'value'}/${encodeURIComponent(uri)}`;
  const jws = token === null ? null : tokenOf(gateway, token, now);
  const answer = await gateway.read(target, {
    token: jws,
    scheme,
    proof:
      proof === null ? null : proofOf(gateway, proof, { token: jws ?? 'none', target, now, sub: token?.sub ?? '' }),
    fields: wanted.reason === undefined ? [] : [`X-Access-Reason: ${wanted.reason}`],
  });
  if (answer.status !== 200) return String(answer.problem['code']);
  const value = wanted.path.includes('#') ? wanted.path : { k: `${wanted.path}#k` };
  expect(answer.problem).toMatchObject({ uri, value });
  return 'OK';
}

function tokenOf(gateway: Gateway, token: NonNullable<Attempt['token']>, now: number): string {
  return gateway.mint({
    ...(token.fault === 'signature' && { key: FORGER }),
    boundTo: token.key === undefined ? null : (KEYS[token.key] ?? null),
    claims: {
      sub: token.sub,
      groups: token.groups,
      tenant: token.tenant,
      jti: token.jti,
      scope: token.scope ? 'secrets.read' : 'secrets.write',
      exp: token.fault === 'expired' ? now - 6 : now + 3000,
      iat: token.fault === 'expired' ? now - 600 : now,
      ...(token.fault === 'audience' && { aud: 'another' }),
      ...(token.authAge !== undefined && { auth_time: now - token.authAge }),
      ...(token.acr !== undefined && { acr: token.acr }),
      sub_type: token.user ? 'user' : 'service',
    },
  });
}

function proofOf(
  gateway: Gateway,
  { key, jti, fault }: NonNullable<Attempt['proof']>,
  { token, target, now, sub }: { token: string; target: string; now: number; sub: string },
): string {
  // Two callers never share a jti: whether the store would take their proofs for one is chance (the partition).
  return gateway.prove({
    key: KEYS[key] ?? makeKey(),
    token: fault === 'token' ? `${token}x` : token,
    path: fault === 'path' ? `${target}x` : target,
    method: fault === 'method' ? 'POST' : 'GET',
    claims: { jti: `${sub}.${jti}.${now}`, iat: fault === 'old' ? now - 120 : now },
  });
}

function secretTree(): unknown {
  const leaf = (path: string): object => ({ k: `${path}#k` });
  return {
    kv: {
      a: { one: leaf('a/one'), x: { two: leaf('a/x/two') } },
      b: { three: leaf('b/three') },
      ab: { four: leaf('ab/four') },
    },
  };
}
