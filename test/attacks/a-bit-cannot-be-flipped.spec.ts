import { randomInt } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { Dice } from '../hostile/dice.js';
import { expectNothingTold, expectProblem, Target } from '../support/attack.js';
import { clientCert, makeCa, makeCertificate } from '../support/certificates.js';
import { APP, startGateway } from '../support/gateway.js';

/** Runs of each kind. The property runs 10,000 times more below HTTP, in the tests of `libs/identity`. */
const RUNS = 800;
const AT_ONCE = 20;
/** Named on every failure; set ATTACK_SEED to meet the same positions again. */
const SEED = Number(process.env['ATTACK_SEED'] ?? randomInt(2 ** 31));
process.stderr.write(`flipped bits of seed ${SEED}\n`);

let target: Target;
beforeAll(async () => {
  target = await Target.start();
});
afterAll(async () => await target.close());

/** A bit of the text as it is sent, so that what comes out is mostly still base64url. */
function flipped(text: string, run: number): string {
  return Dice.of(SEED, run).flipped(text);
}

/** A bit of what the text stands for: the spelling stays canonical, so that it is the contents that are refused. */
function flippedInside(jws: string, run: number): string {
  const segments = jws.split('.').map((segment) => Buffer.from(segment, 'base64url'));
  const dice = Dice.of(SEED, run);
  let at = dice.below(segments.reduce((sum, { length }) => sum + length, 0));
  for (const segment of segments) {
    if (at < segment.length) {
      segment[at] = segment[at]! ^ (1 << dice.below(8));
      break;
    }
    at -= segment.length;
  }
  return segments.map((segment) => segment.toString('base64url')).join('.');
}

/** Flips that make a control character end the header section's syntax, which the edge refuses, are refusals as well. */
const EXPECTED = /^(401 (INVALID_TOKEN|INVALID_DPOP_PROOF)|400 INVALID_REQUEST)$/;

describe('I16: a token or a proof with one bit flipped', () => {
  it.each([
    ['token, as it is spelled', flipped, true],
    ['token, in what it says', flippedInside, true],
    ['proof, as it is spelled', flipped, false],
    ['proof, in what it says', flippedInside, false],
  ] as const)('is never accepted: %s, 800 times', async (_title, flip, ofToken) => {
    const { gateway } = target;
    const before = gateway.storedKeys();
    const token = gateway.mint();
    for (let first = 0; first < RUNS; first += AT_ONCE) {
      const runs = Array.from({ length: AT_ONCE }, (_, index) => first + index);
      const answers = await Promise.all(
        runs.map(async (run) => {
          const proof = gateway.prove({ token });
          return await gateway.read(
            APP,
            ofToken ? { token: flip(token, run), proof } : { token, proof: flip(proof, run) },
          );
        }),
      );
      for (const [index, { status, problem }] of answers.entries()) {
        expect({ run: runs[index], said: `${status} ${String(problem['code'])}` }).toEqual({
          run: runs[index],
          said: expect.stringMatching(EXPECTED),
        });
      }
    }
    expect(gateway.storedKeys()).toBe(before);
    // The same token without a flip is good: it was the flips that were refused.
    expect((await gateway.read(APP, { token })).status).toBe(200);
  });

  it('I16, M7: nor is a certificate header with one bit flipped, from a trusted proxy, 400 times', async () => {
    const caller = await makeCertificate({ name: 'svc-billing', by: await makeCa('client CA') });
    const gateway = await startGateway({ settings: { TRUSTED_PROXY_CIDRS: '127.0.0.1/32', CLIENT_CERT_HEADER: true } });
    try {
      const token = gateway.mint({ boundTo: null, claims: { cnf: { 'x5t#S256': caller.x5t } } });
      const ask = async (field: string): ReturnType<typeof gateway.read> =>
        await gateway.read(APP, { token, scheme: 'Bearer', proof: null, fields: [`Client-Cert: ${field}`] });
      expect((await ask(clientCert(caller))).status).toBe(200);
      for (let run = 0; run < 400; run += 1) {
        const answer = await ask(flipped(clientCert(caller), run));
        expect({ SEED, run, refused: [400, 401].includes(answer.status) }).toEqual({ SEED, run, refused: true });
      }
      expect((await ask(clientCert(caller))).status).toBe(200);
    } finally {
      await gateway.close();
    }
  });

  it('nor with two of its segments changed for those of another', async () => {
    const { gateway } = target;
    const [one, two] = [gateway.mint().split('.'), gateway.mint({ claims: { sub: 'root' } }).split('.')];
    for (const token of [
      [one[0], two[1], one[2]],
      [one[0], one[1], two[2]],
      [two[0], one[1], two[2]],
    ]) {
      expectProblem(await gateway.read(APP, { token: token.join('.') }), '401 INVALID_TOKEN');
    }
  });

  it('N20: none of all this stands in a log or a record', async () => await expectNothingTold(target.gateway));
});
