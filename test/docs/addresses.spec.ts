import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { blocks, isInstalled, page } from './markdown.js';
import { Running } from './running.js';

const limits = page('docs/addresses-and-limits.md');
const [start = '', ...commands] = blocks(limits, 'sh');
const printed = blocks(limits, 'text');
const [document = '{}'] = blocks(limits, 'json');

/** curl is the reader's, not ours. */
const CURL = isInstalled('curl');
if (!CURL) process.stderr.write('test/docs/addresses.spec.ts: curl is not installed, so its commands are left out.\n');

let running: Running;
beforeAll(async () => {
  const settings = [...start.matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name = '', value = '']): [string, string] => [
    name,
    value,
  ]);
  running = await Running.start(Object.fromEntries(settings));
});
afterAll(async () => await running.stop());

/** What the commands of one block print, one after the other. */
async function outputOf(block: string): Promise<string> {
  let all = '';
  for (const command of block.trim().split('\n')) all += (await running.shell(command)).stdout;
  return all.replaceAll('\r', '');
}

describe('docs/addresses-and-limits.md', () => {
  it('starts a gateway by its first command', () => {
    expect(start).toMatch(/^([A-Z_]+=\S+ )+npm start\n$/);
    expect(commands).toHaveLength(3);
  });

  for (const at of CURL ? [0, 1] : []) {
    it(`T17, N27: prints what it says that commands print (${at})`, async () => {
      expect(await outputOf(commands[at] ?? '')).toBe(printed[at]);
    });
  }

  if (CURL) {
    it('R2: shows the document that is served', async () => {
      const served = (await outputOf(commands[2] ?? '')).replaceAll(running.origin, 'http://127.0.0.1:8080');
      expect(JSON.parse(served)).toEqual(JSON.parse(document));
    });
  }
});
