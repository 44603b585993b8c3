import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { expectProblem, Target } from '../support/attack.js';
import { APP, type Gateway } from '../support/gateway.js';

const HOUR = 3_600_000;

let target: Target;
let gateway: Gateway;
beforeEach(async () => {
  target = await Target.start();
  ({ gateway } = target);
});
afterEach(async () => await target.close());

describe('N33: a clock that is set while the gateway runs', () => {
  it('N33: an hour ahead ends tokens and proofs of before, and their grants', async () => {
    const token = gateway.mint();
    const proof = gateway.prove({ token });
    expect((await gateway.read(APP, { token })).status).toBe(200);
    target.clock.stepWall(HOUR);
    expectProblem(await gateway.read(APP, { token, proof }), '401 INVALID_TOKEN');
    expect((await gateway.read(APP)).status).toBe(200);
  });

  it('N33: an hour back makes no token older than itself good, nor one from the future', async () => {
    const token = gateway.mint();
    expect((await gateway.read(APP, { token })).status).toBe(200);
    target.clock.stepWall(-HOUR);
    // Not even a token that is remembered: its iat lies ahead now.
    expectProblem(await gateway.read(APP, { token }), '401 INVALID_TOKEN');
  });

  it('N33: back and forth opens nothing twice: a proof that was spent stays spent', async () => {
    const token = gateway.mint();
    const proof = gateway.prove({ token });
    expect((await gateway.read(APP, { token, proof })).status).toBe(200);
    for (const step of [-HOUR, HOUR, HOUR, -HOUR, -30_000, 30_000]) {
      target.clock.stepWall(step);
      expect((await gateway.read(APP, { token, proof })).status).not.toBe(200);
    }
    expectProblem(await gateway.read(APP, { token, proof }), '401 PROOF_REPLAYED');
  });

  it('N33, T3: gives no token a longer life than its exp and the leeway, by whatever small steps', async () => {
    const token = gateway.mint();
    const endsMs = target.clock.now() + 305_000;
    let lived = 0;
    for (let step = 0; step < 40; step += 1) {
      target.clock.stepWall(step % 3 === 2 ? -7_000 : 15_000);
      const { status } = await gateway.read(APP, { token });
      if (target.clock.now() >= endsMs) expect(status).toBe(401);
      else lived += Number(status === 200);
    }
    expect(lived).toBeGreaterThan(10);
  });

  it('N33: a leap of a second is within the leeway', async () => {
    const token = gateway.mint();
    for (const step of [1_000, -1_000, -1_000]) {
      target.clock.stepWall(step);
      expect((await gateway.read(APP, { token })).status).toBe(200);
    }
  });
});
