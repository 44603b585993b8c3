import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from '@jest/globals';

import { Built } from '../cli/built.js';
import { Scribe, W1, W2 } from './trails.js';

const built = new Built();
afterAll(() => {
  built.remove();
});

let folders = 0;

/** A trail of two writers, one closed, in a folder of its own. */
function trail(): { dir: string; file: string; scribe: Scribe } {
  folders += 1;
  const dir = join(built.root, `trail-${folders}`);
  mkdirSync(dir);
  const scribe = new Scribe(W1).open().read('g1', 1).refuse().refuse().close();
  const file = join(dir, `20260101T000000000Z-${W1}.000001.ndjson`);
  writeFileSync(file, scribe.file().bytes);
  writeFileSync(join(dir, `20260101T000000000Z-${W2}.000001.ndjson`), new Scribe(W2).open().read('g2', 1).file().bytes);
  return { dir, file, scribe };
}

describe('postern audit verify', () => {
  it('says that an intact trail is, how far it is proven, and ends with 0', async () => {
    const { dir } = trail();
    const { code, stdout, stderr } = await built.postern(['audit', 'verify', dir]);
    expect(stdout.split('\n')).toEqual([
      'intact: 9 records of 2 writers, each following from the one before it',
      `  writer ${W1}: 6 records, complete up to seq 5, closed`,
      `  writer ${W2}: 3 records, complete up to seq 2, tail unproven: it is still being written, it died, or its end was cut off`,
      expect.stringContaining('not signed'),
      '',
    ]);
    expect([code, stderr]).toEqual([0, '']);
  });

  it('names file, line, writer, seq and cause of a changed byte, and ends with 1', async () => {
    const { dir, file } = trail();
    writeFileSync(file, readFileSync(file, 'utf8').replace('"code":"DENIED"', '"code":"DENIEE"'));
    const { code, stdout } = await built.postern(['audit', 'verify', '--dir', dir]);
    const name = file.slice(built.root.length + 1);
    expect(stdout.split('\n')[0]).toBe(
      `tampered with: 1 bad place; the first is ${name}, line 4 (writer ${W1}, seq 3): the record was changed: the next one follows from other bytes than these`,
    );
    expect(code).toBe(1);
  });

  it('prints the whole report as JSON', async () => {
    const { dir } = trail();
    const { code, stdout } = await built.postern(['audit', 'verify', dir, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      intact: true,
      signed: false,
      records: 9,
      writers: [{ w: W1 }, { w: W2 }],
    });
    expect(code).toBe(0);
  });

  it('finds a cut tail by a receipt that the caller kept', async () => {
    const { dir, file, scribe } = trail();
    const receipts = join(built.root, 'receipts.txt');
    writeFileSync(receipts, `# kept by billing\n\n${W1}.4.${scribe.links[4]!.head.hash}\n`);
    expect((await built.postern(['audit', 'verify', dir, '--heads', receipts])).code).toBe(0);
    writeFileSync(file, `${scribe.lines.slice(0, 3).join('\n')}\n`);
    expect((await built.postern(['audit', 'verify', dir])).code).toBe(0);
    const { code, stdout } = await built.postern(['audit', 'verify', dir, '--heads', receipts]);
    expect(code).toBe(1);
    expect(stdout).toContain('line 3');
    expect(stdout).toContain('cut off');
  });

  it('takes AUDIT_DIR, and else var/audit of the installation', async () => {
    const { dir } = trail();
    expect((await built.postern(['audit', 'verify'], { AUDIT_DIR: dir })).stdout).toContain('9 records');
    const { code, stderr } = await built.postern(['audit', 'verify']);
    expect(code).toBe(2);
    expect(stderr).toContain(join(built.root, 'var', 'audit'));
  });

  it.each([
    ['a folder that is not there', ['/nowhere/at/all'], 'ENOENT'],
    ['a folder without a trail', ['.'], 'No audit trail'],
    ['an option that it does not have', ['--fast'], 'unknown option'],
    ['heads that are not there', ['.', '--heads', 'nothing.txt'], 'ENOENT'],
    ['a head that is none', ['.', '--heads', 'package.json'], 'line 1 is no head'],
  ])('ends with 2, which is not tampering, for %s', async (_, args, why) => {
    const { code, stderr } = await built.postern(['audit', 'verify', ...args]);
    expect(stderr).toContain(why);
    expect(code).toBe(2);
  });
});

describe('postern audit tail', () => {
  it('puts the last records of all writers into words, in the order of their time', async () => {
    const { dir } = trail();
    const { code, stdout } = await built.postern(['audit', 'tail', dir, '-n', '4']);
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^2026-01-01T00:00:00\.003Z {2}The value was sent/),
      expect.stringMatching(/^2026-01-01T00:00:00\.004Z {2}zoë .* was refused with DENIED/),
      expect.stringMatching(/^2026-01-01T00:00:00\.005Z {2}zoë .* was refused with DENIED/),
      expect.stringMatching(/^2026-01-01T00:00:00\.006Z {2}Writer writer-o… closed its trail\.$/),
      '',
    ]);
    expect(code).toBe(0);
  });

  it('prints records as they stand, and says which lines are none', async () => {
    const { dir, file, scribe } = trail();
    writeFileSync(file, `${scribe.lines[0]}\nnonsense\n`);
    const { stdout, stderr } = await built.postern(['audit', 'tail', join(dir, readdirSync(dir)[0]!), '--json']);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(scribe.lines[0]!));
    expect(stderr).toContain('line 2');
  });

  it('ends with 2 for a number that is none', async () => {
    expect((await built.postern(['audit', 'tail', '-n', '0'])).code).toBe(2);
  });
});
