import { describe, expect, it } from '@jest/globals';

import { KnownKeys } from '#libs/grants/known-keys.js';
import type { GrantKeys } from '#libs/grants/grant-keys.js';
import { keysOf } from '#libs/grants/keys.js';
import type { Target } from '#libs/tenancy/guard.js';

import { otherKey, World } from './world.js';

const about = { correlationId: 'c', address: '127.0.0.1' };

describe('keys that are known', () => {
  const world = new World();
  const counting = (): { of: (target: Target, said?: object) => GrantKeys; worked: () => number } => {
    const known = new KnownKeys();
    let count = 0;
    return {
      of: (target, said = {}) =>
        known.of(target, { ...about, ...said }, () => {
          count += 1;
          return keysOf(target, `facts ${count}`, world.desk);
        }),
      worked: () => count,
    };
  };

  it('are worked out once for the same question under the same token, whatever passes with each request', async () => {
    const { of, worked } = counting();
    const token = world.token();
    const first = of(await world.target({ token }));
    expect(of(await world.target({ token }), { correlationId: 'another' })).toBe(first);
    expect(worked()).toBe(1);
  });

  it('are worked out anew for everything that a grant is keyed on', async () => {
    const { of, worked } = counting();
    const token = world.token();
    of(await world.target({ token }));
    of(await world.target({ token, purpose: 'read' }));
    of(await world.target({ token, uri: 'openbao+kv2://secret/app/api' }));
    of(await world.target({ token, uri: 'openbao+kv2://secret/app/api?version=3#token' }));
    of(await world.target({ token }), { address: '127.0.0.2' });
    of(await world.target({ token }), { reason: 'because' });
    of(await world.target({ token }), { reason: '' });
    of(await world.target({ token: world.token() }));
    of(await world.target({ key: otherKey }));
    of(await world.target({ key: null }));
    expect(worked()).toBe(10);
  });

  it('are forgotten when one token asks too many questions, and are the same when worked out again', async () => {
    const known = new KnownKeys();
    const token = world.token();
    const ask = async (at: number): Promise<GrantKeys> => {
      const target = await world.target({ token, uri: `openbao+kv2://secret/app/a${at}` });
      return known.of(target, about, () => keysOf(target, 'facts', world.desk));
    };
    const first = await ask(0);
    for (let at = 1; at <= 256; at += 1) await ask(at);
    const again = await ask(0);
    expect(again).toEqual(first);
    expect(again).not.toBe(first);
  });
});
