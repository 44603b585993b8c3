import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { WireAnswer } from '../http/wire.js';
import { comparable, expectNothingTold, Target } from '../support/attack.js';
import { BELIEVED, LOOK_ALIKES, TWISTING } from '../support/believed-headers.js';
import { APP, type Gateway, type ReadOptions, valuePath } from '../support/gateway.js';
import { makeKey } from '../support/tokens.js';

let target: Target;
let gateway: Gateway;
beforeAll(async () => {
  target = await Target.start();
  ({ gateway } = target);
});
afterAll(async () => await target.close());

const thief = makeKey();
const with_ = (claims: Record<string, unknown>): ReadOptions => ({ token: gateway.mint({ claims }) });

/** One door for each step of the line that may refuse, and what it says. */
const DOORS: readonly (readonly [
  title: string,
  said: string,
  path: string,
  options: () => ReadOptions | Promise<ReadOptions>,
])[] = [
  ['no token', '401 CREDENTIALS_REQUIRED', APP, () => ({ token: null })],
  ['a scheme that is not ours', '401 CREDENTIALS_REQUIRED', APP, () => ({ scheme: 'Basic' })],
  ['a token that has ended', '401 INVALID_TOKEN', APP, () => with_({ iat: 1, exp: 2 })],
  ['a token for another audience', '401 INVALID_TOKEN', APP, () => with_({ aud: 'another' })],
  ['a token of nobody', '401 INVALID_TOKEN', APP, () => ({ token: gateway.mint({ key: thief }) })],
  ['a bound token under Bearer', '401 INVALID_TOKEN', APP, () => ({ scheme: 'Bearer', proof: null })],
  ['no proof', '401 INVALID_DPOP_PROOF', APP, () => ({ proof: null })],
  ['a proof by the wrong key', '401 INVALID_TOKEN', APP, () => signed({ key: thief })],
  ['a proof for another path', '401 INVALID_DPOP_PROOF', APP, () => signed({ path: '/api/secrets/value/a' })],
  [
    'an old proof',
    '401 INVALID_DPOP_PROOF',
    APP,
    () => signed({ claims: { iat: Math.floor(target.clock.now() / 1000) - 90 } }),
  ],
  ['a replayed proof', '401 PROOF_REPLAYED', APP, async () => await replayed()],
  ['the wrong scope', '403 INSUFFICIENT_SCOPE', APP, () => with_({ scope: 'secrets.write' })],
  ['the wrong tenant', '403 DENIED', APP, () => with_({ tenant: 'umbrella' })],
  ['a foreign mount', '403 TENANT_MOUNT_MISMATCH', valuePath('yaml://kv2/app/api#token'), () => ({})],
  ['a secret that policy denies', '403 DENIED', valuePath('yaml://kv/plans/next#token'), () => ({})],
  ['no group', '403 DENIED', APP, () => with_({ groups: [] })],
  ['a URI that is none', '400 ILLEGAL_SEGMENT', valuePath('yaml://kv//app'), () => ({})],
];

function signed(about: Partial<Parameters<Gateway['prove']>[0]>): ReadOptions {
  const token = gateway.mint();
  return { token, proof: gateway.prove({ token, ...about }) };
}

async function replayed(): Promise<ReadOptions> {
  const token = gateway.mint();
  const proof = gateway.prove({ token });
  expect((await gateway.read(APP, { token, proof })).status).toBe(200);
  return { token, proof };
}

/** A credential of a caller who may read what is asked for, whole and fresh. */
function lent(path: string): readonly [token: string, proof: string] {
  const token = gateway.mint({ claims: { sub: 'svc-lender', client_id: 'lender' } });
  return [token, gateway.prove({ token, path })];
}

const said = ({ status, problem }: WireAnswer): string => `${status} ${String(problem['code'])}`;

describe('I21: a header beside a request that is refused', () => {
  it('I21: is one of more than 120 kinds', () => {
    const names = [...BELIEVED, ...TWISTING, ...LOOK_ALIKES.map((of) => of('a', 'b'))].map(
      (field) => field.split(':', 1)[0],
    );
    expect(new Set(names).size).toBeGreaterThan(120);
  });

  it.each(DOORS)('I21: never opens the door: %s', async (_title, refused, path, options) => {
    const ask = async (fields: readonly string[]): Promise<WireAnswer> => {
      await target.passes(25);
      return await gateway.read(path, { ...(await options()), fields });
    };
    const plain = await ask([]);
    expect(said(plain)).toBe(refused);
    for (const field of [...TWISTING, ...LOOK_ALIKES.map((of) => of(...lent(path)))]) {
      const answer = await ask([field]);
      const of = field.slice(0, 60);
      expect({ of, opened: answer.status === 200, body: answer.body.includes(gateway.canary) }).toEqual({
        of,
        opened: false,
        body: false,
      });
      // The edge may refuse the field itself, and a reason is one more thing to be wrong about; else the verdict is the same.
      if (said(answer) !== refused)
        expect({ of, said: said(answer) }).toEqual({
          of,
          said: expect.stringMatching(/^(400 INVALID_REQUEST|417 EXPECTATION_FAILED)$/),
        });
      else if (!/^(X-(Request|Correlation)-ID|Connection)/.test(field))
        expect(comparable(answer)).toEqual(comparable(plain));
    }
  });

  it('I21: nor do two of them at once (150 pairs for each of three doors)', async () => {
    const all = [...BELIEVED, ...TWISTING];
    for (const [, , path, options] of DOORS.filter(([title]) => /^(no token|no proof|no group)$/.test(title))) {
      for (let pair = 0; pair < 150; pair += 1) {
        const fields = [all[(pair * 7) % all.length]!, all[(pair * 13 + 5) % all.length]!];
        await target.passes(25);
        expect({ fields, opened: (await gateway.read(path, { ...(await options()), fields })).status === 200 }).toEqual(
          { fields, opened: false },
        );
      }
    }
  }, 60_000);
});

describe('I21: a header beside a request that is permitted', () => {
  it('I21: never changes whose token counts, nor what was asked for', async () => {
    const sent: string[] = [];
    for (const field of [...BELIEVED, ...TWISTING, ...LOOK_ALIKES.map((of) => of(...lent(APP)))]) {
      await target.passes(25);
      const answer = await gateway.read(APP, { fields: [field] });
      expect([200, 400, 417]).toContain(answer.status);
      if (answer.status === 200) sent.push(String(answer.headers['x-request-id']?.[0]));
    }
    expect(sent.length).toBeGreaterThan(100);
    const intents = (await gateway.records()).filter(
      ({ type, request_id: id }) => type === 'intent' && sent.includes(String(id)),
    );
    expect(intents).toHaveLength(sent.length);
    const whose = new Set(
      intents.map(({ tenant, iss, sub, client_id: client, purpose, resource_ref: ref, address_prefix: from, action }) =>
        JSON.stringify({ tenant, iss, sub, client, purpose, ref, from, action }),
      ),
    );
    expect(whose.size).toBe(1);
    expect([...whose][0]).toContain('svc-billing');
    expect([...whose][0]).toContain('127.0.0.0/24');
  });

  it('N20: none of the credentials that were lent stands in a log or a record', async () =>
    await expectNothingTold(gateway));
});
