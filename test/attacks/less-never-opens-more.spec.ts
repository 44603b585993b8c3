import { randomInt } from 'node:crypto';

import { afterAll, describe, expect, it } from '@jest/globals';

import { Dice } from '../hostile/dice.js';
import { type Gateway, startGateway, valuePath } from '../support/gateway.js';
import { ISSUER } from '../support/tokens.js';

const SEED = Number(process.env['ATTACK_SEED'] ?? randomInt(2 ** 31));
const WORLDS = 5;
const PATHS = ['app/api#token', 'app/api', 'app/db#password', 'few#token', 'plans/next#token', 'closed/next#token'];
const FOLDERS = ['app', 'app/api', 'app/db', 'few', 'plans', 'closed'];

const opened: Gateway[] = [];
afterAll(async () => {
  for (const gateway of opened) await gateway.close();
});

async function worldOf(policies: readonly string[]): Promise<Gateway> {
  const gateway = await startGateway({ policies: { acme: policies.join('\n') } });
  opened.push(gateway);
  return gateway;
}

/** Small policies over a few groups and folders, so that they often speak of one secret. */
function rule(dice: Dice, effect: 'permit' | 'forbid', id: string): string {
  const who = dice.once(3) ? 'principal' : `principal in Group::"${ISSUER}#${dice.of(['g1', 'g2'])}"`;
  const what = dice.of(['action in Action::"disclose"', 'action == Action::"execute"', 'action == Action::"read"']);
  const where = `resource in Folder::"yaml://kv/${dice.of(FOLDERS)}"`;
  const when = dice.of([
    '',
    '',
    ' when { context has acr && context.acr == "gold" }',
    ' unless { context has reason }',
  ]);
  const uses =
    effect === 'permit' ? `@max_uses("${1 + dice.below(3)}")${dice.once(4) ? ' @requires_reason' : ''} ` : '';
  return `@id("${id}") ${uses}${effect} (${who}, ${what}, ${where})${dice.once(2) ? '' : when};`;
}

interface Asking {
  readonly groups: readonly string[];
  readonly acr: string | undefined;
  readonly reason: boolean;
  readonly purpose: string;
  readonly path: string;
}

const ASKING: readonly Asking[] = PATHS.flatMap((path) =>
  ['value', 'read'].flatMap((purpose) =>
    [['g1'], ['g2'], ['g1', 'g2'], []].flatMap((groups) =>
      [undefined, 'gold'].flatMap((acr) => [true, false].map((reason) => ({ groups, acr, reason, purpose, path }))),
    ),
  ),
);

/** Which of the requests are answered with a value. Each by a subject of its own: grants are not what is asked about. */
async function permitted(gateway: Gateway): Promise<readonly boolean[]> {
  const answers: boolean[] = [];
  for (let first = 0; first < ASKING.length; first += 32) {
    const statuses = await Promise.all(
      ASKING.slice(first, first + 32).map(async ({ groups, acr, reason, purpose, path }, at) => {
        const token = gateway.mint({ claims: { sub: `s${first + at}`, groups, ...(acr !== undefined && { acr }) } });
        const target = valuePath(`yaml://kv/${path}`).replace('/value/', `/${purpose}/`);
        const { status } = await gateway.read(target, { token, fields: reason ? ['X-Access-Reason: why'] : [] });
        expect([200, 403]).toContain(status);
        return status === 200;
      }),
    );
    answers.push(...statuses);
  }
  return answers;
}

/** Requests that the smaller world opens and the larger did not. */
function openedMore(before: readonly boolean[], after: readonly boolean[]): readonly Asking[] {
  return ASKING.filter((_, at) => before[at] === false && after[at] === true);
}

describe('I13: a world with less in it', () => {
  it.each(Array.from({ length: WORLDS }, (_, world) => world))(
    'I13: never opens what a larger one refuses: no permit that is taken away, no forbid that is added (world %i)',
    async (world) => {
      const dice = Dice.of(SEED, world);
      const permits = Array.from({ length: 4 }, (_, at) => rule(dice, 'permit', `p${at}`));
      const whole = await permitted(await worldOf(permits));
      const without = await permitted(await worldOf(permits.filter((_, at) => at !== dice.below(4))));
      const forbidden = await permitted(await worldOf([...permits, rule(dice, 'forbid', 'f0')]));
      expect({ SEED, permits, more: openedMore(whole, without) }).toEqual({ SEED, permits, more: [] });
      expect({ SEED, permits, more: openedMore(whole, forbidden) }).toEqual({ SEED, permits, more: [] });
      // Something is open and something is not, or nothing was compared.
      expect(new Set(whole).size).toBe(2);
    },
    60_000,
  );

  it('I13: is empty without policies', async () => {
    const gateway = await worldOf(['@id("nobody") forbid (principal, action in Action::"disclose", resource);']);
    expect(new Set(await permitted(gateway))).toEqual(new Set([false]));
  }, 60_000);
});
