import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect, it } from '@jest/globals';

import * as published from '#libs/client/published.js';

import { LoopbackGateway, problem } from './loopback-gateway.js';

const README = readFileSync(fileURLToPath(new URL('../../libs/client/README.md', import.meta.url)), 'utf8');

/** What the reader of the README brings along, and what the package exports. */
interface Scope {
  readonly fetchToken: (keyPair: unknown) => Promise<string>;
  readonly connect: (value: unknown) => void;
  readonly console: { log(text: string): void; error(text: string): void };
}

it('does what its README shows', async () => {
  const gateway = await LoopbackGateway.start();
  try {
    const said: unknown[] = [];
    const say = (text: unknown): void => void said.push(text);
    const scope: Scope = {
      fetchToken: async (keyPair) => (keyPair === undefined ? '' : 'a.bound.token'),
      connect: say,
      console: { log: say, error: say },
    };
    await run(gateway.origin, scope);
    gateway.lineUp((response) => problem(response, 403, 'QUOTA_EXHAUSTED', { resets_at: '2026-01-02T00:00:00Z' }));
    await run(gateway.origin, scope);
    gateway.lineUp((response) => problem(response, 403, 'DENIED'));
    await expect(run(gateway.origin, scope)).rejects.toThrow('DENIED');
    expect(said).toEqual(['a value', '4 uses left until 2026-01-01T00:05:00.000Z', 'wait until 2026-01-02T00:00:00Z']);
    expect(gateway.seen[0]?.headers['x-access-reason']).toBe('start of the shop');
  } finally {
    await gateway.close();
  }
});

it('exports what its README names', () => {
  expect(Object.keys(published).sort()).toEqual([
    'PosternClient',
    'PosternError',
    'calculateThumbprint',
    'generateKeyPair',
  ]);
});

async function run(origin: string, scope: Scope): Promise<void> {
  const [, imported = '', body = ''] =
    /```js\nimport \{ (.*) \} from '@postern\/client';\n([^]*?)```/.exec(README) ?? [];
  const values: Record<string, unknown> = { ...published, ...scope };
  const names = [...imported.split(', '), ...Object.keys(scope)];
  const AsyncFunction = (async () => undefined).constructor as new (
    ...text: string[]
  ) => (...given: unknown[]) => Promise<void>;
  await new AsyncFunction(...names, body.replace('https://postern.example', origin))(
    ...names.map((name) => values[name]),
  );
}
