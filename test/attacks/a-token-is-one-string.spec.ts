import { randomInt } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { Dice } from '../hostile/dice.js';
import { expectProblem } from '../support/attack.js';
import { APP, type Gateway, startGateway, valuePath } from '../support/gateway.js';
import { respell } from '../support/tokens.js';

const SEED = Number(process.env['ATTACK_SEED'] ?? randomInt(2 ** 31));
const RUNS = 1_500;
const AT_ONCE = 30;

/** Order of the group of P-256 (FIPS 186-5, SP 800-186 section 3.2.1.3). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ settings: { UNBOUND_GRANTS_PER_JTI: 1 } });
});
afterAll(async () => await gateway.close());

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ %\t'.split('');

/** Some characters replaced, removed, added or moved; another text in every case. */
function edited(token: string, dice: Dice): string {
  let text = token;
  for (let edits = 1 + dice.below(3); edits > 0; edits -= 1) {
    const at = 1 + dice.below(text.length - 1);
    const put = dice.of(ALPHABET);
    text = text.slice(0, at) + dice.of([put, put, '', put + put]) + text.slice(at + dice.below(2));
  }
  return text.trim() === token ? `${token}A` : text;
}

/** The other signature over the same bytes that ECDSA has for everybody to compute: s becomes n − s. */
function twinOf(token: string): string {
  return respell(token, 2, (segment) => {
    const bytes = Buffer.from(segment, 'base64url');
    const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`);
    const other = (ORDER - s).toString(16).padStart(64, '0');
    return Buffer.concat([bytes.subarray(0, 32), Buffer.from(other, 'hex')]).toString('base64url');
  });
}

describe('I17: a token is the string that its issuer wrote', () => {
  it('I17: whatever else it is edited into is refused (1,500 times, before and after it was accepted)', async () => {
    const token = gateway.mint();
    for (let first = 0; first < RUNS; first += AT_ONCE) {
      if (first === RUNS / 2) expect((await gateway.read(APP, { token })).status).toBe(200);
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, async (_, at) => {
          const text = edited(token, Dice.of(SEED, first + at));
          const { status, problem } = await gateway.read(APP, { token: text, proof: gateway.prove({ token: text }) });
          return { text, said: `${status} ${String(problem['code'])}` };
        }),
      );
      for (const { text, said } of answers) {
        expect({ SEED, text, said }).toEqual({ SEED, text, said: '401 INVALID_TOKEN' });
      }
    }
  }, 60_000);

  it('I17: nor is it two tokens by the second signature that ECDSA has for it: the same id, the same grant', async () => {
    const token = gateway.mint();
    const twin = twinOf(token);
    expect(twin).not.toBe(token);
    const [one, other] = [await gateway.read(APP, { token }), await gateway.read(APP, { token: twin })];
    expect([one.status, other.status]).toEqual([200, 200]);
    const grant = ({ problem }: typeof one): unknown => (problem['grant'] as { id: string }).id;
    expect(grant(other)).toBe(grant(one));
    const intents = (await gateway.records()).filter(({ type }) => type === 'intent').slice(-2);
    expect(intents[0]?.['token_jti_hash']).toBe(intents[1]?.['token_jti_hash']);
  });

  it('I17: a plain token that is spent stays spent under its second signature', async () => {
    const token = gateway.mint({ boundTo: null });
    const ask = async (text: string): ReturnType<Gateway['read']> =>
      await gateway.read(valuePath('yaml://kv/few#token'), { token: text, scheme: 'Bearer', proof: null });
    for (let uses = 0; uses < 3; uses += 1) expect((await ask(token)).status).toBe(200);
    expectProblem(await ask(token), '401 TOKEN_REPLAYED');
    expectProblem(await ask(twinOf(token)), '401 TOKEN_REPLAYED');
  });

  it("I17, D17: a proof names the string that was sent: it does not fit the token's twin", async () => {
    const token = gateway.mint();
    expectProblem(
      await gateway.read(APP, { token: twinOf(token), proof: gateway.prove({ token }) }),
      '401 INVALID_DPOP_PROOF',
    );
  });
});
