import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import type { Answer } from '#src/cli/demo/cast.js';
import { caughtForgery, type Left, silentTrail, wholeTrail } from '#src/cli/demo/evidence.js';
import { forge } from '#src/cli/demo/forgery.js';
import { startGateway } from '#src/cli/demo/gateway-process.js';
import { type Claim, play } from '#src/cli/demo/play.js';
import { type Expected, type Scene, SCENES } from '#src/cli/demo/scenes.js';
import { sceneLines, summary } from '#src/cli/demo/screen.js';

import { Scribe, W1 } from '../audit/trails.js';
import { Built } from './built.js';

let built: Built;
let demo: string;
/** TMPDIR of the demonstrations: what they leave is seen. */
let place: string;
beforeAll(() => {
  built = new Built();
  demo = join(built.root, 'dist/src/cli/demo.js');
  place = join(built.root, 'tmp');
  mkdirSync(place);
});
afterAll(() => built.remove());

const run = async (args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) =>
  await built.node([demo, ...args], { TMPDIR: place, ...env });

/** What each answer of a scene has to begin with, in the order of the story. */
const STORY: readonly (readonly string[])[] = [
  ['200'],
  ['401 CREDENTIALS_REQUIRED'],
  ['403 INSUFFICIENT_SCOPE'],
  ['403 TENANT_MOUNT_MISMATCH'],
  ['200', '401 PROOF_REPLAYED'],
  ['401 INVALID_TOKEN'],
  ['401 INVALID_TOKEN'],
  ['403 DENIED'],
  ['200', '200', '200', '403 QUOTA_EXHAUSTED'],
];

describe('npm run demo', () => {
  let story: string;
  let lines: readonly string[];
  beforeAll(async () => {
    const ended = await run();
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    story = ended.stdout;
    lines = story.split('\n');
  });

  it('is what package.json runs', () => {
    const { scripts } = JSON.parse(readFileSync(join(built.root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts['demo']).toMatch(/ dist\/src\/cli\/demo\.js$/);
  });

  it('shows one secret and every refusal that matters, in the order of the story', () => {
    const answers = lines.filter((line) => /^ {6}(200|4\d\d)\b/.test(line)).map((line) => line.trim());
    const expected = STORY.map((parts) => expect.stringMatching(`^${parts.join(', ')}\\b`));
    expect(answers).toEqual(expected);
    expect(answers[0]).toBe('200  "not-a-secret-payments-token", 4 uses left');
    expect(answers.at(-1)).toMatch(/until \d{4}-\d\d-\d\dT00:00:00\.000Z$/);
  });

  it('shows each value once, though it is read more often', () => {
    expect(story.match(/not-a-secret-/g)).toHaveLength(1);
  });

  it('says of each claim that it held, and counts them', () => {
    expect(lines.filter((line) => line.startsWith('✓'))).toHaveLength(STORY.length + 3);
    expect(story).toContain(`All ${STORY.length + 3} claims held.`);
    expect(story).not.toContain('✗');
  });

  it('puts the trail into words, each record beside the scene it tells of', () => {
    const told = lines.filter((line) => /^ {3}\d {2}\S/.test(line)).map((line) => [line[3], line.slice(6, 98)]);
    const scenes = told.map(([scene]) => Number(scene));
    expect(new Set(scenes)).toEqual(new Set(STORY.map((_, at) => at + 1)));
    expect(scenes).toEqual([...scenes].sort((a, b) => a - b));
    const of = (scene: number): string => told.flatMap(([at, words]) => (Number(at) === scene ? words : [])).join('\n');
    expect(of(1)).toMatch(/^demo-service of local was issued grant [^]*may be given secret [^]*The value was sent/);
    expect(of(2)).toMatch(/^A caller that is not known was refused with CREDENTIALS_REQUIRED/);
    expect(of(5)).toMatch(/The value was sent[^]*refused with PROOF_REPLAYED/);
    // two thieves, two reasons behind one code
    expect(of(6)).toMatch(/refused with INVALID_TOKEN, at the check “D18 jkt”/);
    expect(of(7)).toMatch(/refused with INVALID_TOKEN, at the check “D20 scheme”/);
    expect(of(9)).toMatch(/The value was sent[^]*refused with QUOTA_EXHAUSTED/);
    expect(story).toContain('(6 records more, of requests like this one)');
  });

  it('verifies the trail with every receipt, and shows that a changed letter is found by its line', () => {
    expect(story).toMatch(/intact: 24 records of 1 writer/);
    expect(story).toMatch(/complete up to seq 23, closed/);
    expect(story).toMatch(/13 heads that you hold/);
    const [, line] = /one letter of line (\d+): demo-service becomes demo-servlce/.exec(story) ?? [];
    expect(line).toBe('3');
    expect(story.replaceAll(/\s+/g, ' ')).toMatch(/tampered with: 1 bad place; the first is \S+\/forged\/\S+, line 3 /);
  });

  it('is plain text when nobody watches, fits a window, and takes colours when told', async () => {
    // eslint-disable-next-line no-control-regex
    expect(story).not.toMatch(/\u001b/);
    expect(lines.filter((line) => line.length > 130)).toEqual([]);
    expect(lines.length).toBeLessThan(85);
    expect((await run([], { FORCE_COLOR: '1' })).stdout).toContain('\u001b[32m✓\u001b[39m');
  });

  it('leaves nothing behind, and works again', async () => {
    expect(readdirSync(place)).toEqual([]);
    expect(existsSync(join(built.root, 'var'))).toBe(false);
    expect((await run()).code).toBe(0);
  });

  it('tells every claim to a program on demand, and nothing else', async () => {
    const { code, stdout, stderr } = await run(['--json']);
    expect([code, stderr]).toEqual([0, '']);
    const { held, claims } = JSON.parse(stdout) as { held: boolean; claims: readonly Claim[] };
    expect(held).toBe(true);
    expect(claims.map(({ claim }) => claim).slice(0, STORY.length)).toEqual(SCENES.map(({ title }) => title));
    expect(claims.map((claim) => claim.held)).toEqual(claims.map(() => true));
    expect(claims.slice(0, STORY.length).map(({ expected }) => expected)).toEqual(
      STORY.map((parts) => expect.stringMatching(`^${parts.join(', then ')}`)),
    );
  });

  it('does not care what is configured around it', async () => {
    const env = { ENVIRONMENT: 'production', LISTEN_ADDR: '127.0.0.1:1', POSTERN_PROFILE: '/nowhere' };
    expect((await run(['--json'], env)).code).toBe(0);
  });

  it('has help, and refuses what it does not know', async () => {
    expect((await run(['--help'])).stdout).toMatch(/^Usage: npm run demo[^]*--json/);
    expect(await run(['--fast'])).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('--fast') });
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('takes its gateway along when %s ends it', async (signal) => {
    const child = spawn(process.execPath, [demo], { env: { TMPDIR: place }, stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(child, 'exit');
    const text = await said(child.stdout, /A gateway listens on /);
    const origin = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0] ?? '';
    child.kill(signal);
    const [code] = (await ended) as [number];
    expect(code).toBe({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal]);
    expect(await isGone(origin)).toBe(true);
    expect(readdirSync(place)).toEqual([]);
  });
});

/** What a process said, up to and with this. It is read on to the end, so that the process is never told that nobody listens. */
async function said(stream: Readable, what: RegExp): Promise<string> {
  return await new Promise((resolve, reject) => {
    let text = '';
    stream
      .setEncoding('utf8')
      .on('data', (chunk: string) => {
        text += chunk;
        if (what.test(text)) resolve(text);
      })
      .once('end', () => reject(new Error(`it only said: ${text}`)));
  });
}

/** The kernel ends a killed process when it comes to it: a second, at most. */
async function isGone(origin: string): Promise<boolean> {
  expect(origin).not.toBe('');
  for (let tries = 0; tries < 100; tries += 1) {
    const answered = await fetch(origin).then(
      () => true,
      () => false,
    );
    if (!answered) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

describe('npm run demo, when something is not as it says', () => {
  let other: Built;
  beforeAll(() => {
    other = new Built();
  });
  afterAll(() => other.remove());
  const runOther = async () => await other.node([join(other.root, 'dist/src/cli/demo.js')], { TMPDIR: place });

  it('goes on to the end, says what was expected and seen, and ends with 1', async () => {
    const file = join(other.root, 'config/local-secrets.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('not-a-secret-payments-token', 'another'));
    const { code, stdout } = await runOther();
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✗ {2}1 /m);
    expect(stdout).toContain(
      '      expected 200 value not-a-secret-payments-token\n      but saw  200 value another\n',
    );
    expect(stdout.match(/^✓/gm)).toHaveLength(STORY.length + 2);
    expect(stdout).toContain('1 of 12 claims did not hold.');
  });

  it('says what the gateway said when it does not start, and ends with 1', async () => {
    writeFileSync(join(other.root, 'policies/tenants/local/broken.cedar'), 'permit everything;');
    const { code, stderr } = await runOther();
    expect(code).toBe(1);
    expect(stderr).toMatch(/^demo: the gateway ended with 1, and said:\nPostern does not start[^]*broken\.cedar/);
    expect(readdirSync(place)).toEqual([]);
  });
});

describe('a gateway process that is no gateway', () => {
  it('is told by how it ended', async () => {
    await expect(startGateway(join(place, 'nothing.js'), {})).rejects.toThrow(/^the gateway ended with 1, and said/);
  });
});

describe('a scene', () => {
  const scene = (...expected: readonly Expected[]): Scene => ({
    title: 'one',
    attempts: expected.map((expect) => ({ by: 'service', uri: 'yaml://dev/a/b', expect })),
    why: 'two',
  });
  const answering = (...answers: readonly Answer[]) => {
    const left = [...answers];
    return async () => left.shift() ?? { status: 0, code: 'NO_ANSWER' };
  };

  it.each<[string, Expected, Answer, string]>([
    ['another status', { status: 403, code: 'DENIED' }, { status: 401, code: 'DENIED' }, '401 DENIED'],
    ['another code', { status: 403, code: 'DENIED' }, { status: 403, code: 'REVOKED' }, '403 REVOKED'],
    ['no code', { status: 403, code: 'DENIED' }, { status: 403 }, '403'],
    ['a code where none belongs', { status: 200 }, { status: 200, code: 'DENIED' }, '200 DENIED'],
    ['another value', { status: 200, value: 'a' }, { status: 200, value: 'b' }, '200 value b'],
    ['a map instead of a value', { status: 200, value: 'a' }, { status: 200, value: { a: 1 } }, '200 value {"a":1}'],
    ['no time of a reset', { status: 403, tells: 'resetsAt' }, { status: 403 }, '403'],
    ['no answer', { status: 200 }, { status: 0, code: 'NO_ANSWER' }, '0 NO_ANSWER'],
  ])('does not hold when what comes back is %s', async (_, expected, answer, seen) => {
    const { claim } = await play(scene(expected), answering(answer));
    expect(claim).toMatchObject({ held: false, seen });
  });

  it('holds only when every attempt ends as it should, and makes all of them', async () => {
    const two = scene({ status: 200 }, { status: 403, code: 'DENIED' });
    const good = await play(two, answering({ status: 200 }, { status: 403, code: 'DENIED' }));
    const bad = await play(two, answering({ status: 500 }, { status: 403, code: 'DENIED' }));
    expect(good.claim).toEqual({
      claim: 'one',
      expected: '200, then 403 DENIED',
      seen: '200, then 403 DENIED',
      held: true,
    });
    expect(bad.claim).toMatchObject({ held: false, seen: '500, then 403 DENIED' });
    expect(bad.answers).toHaveLength(2);
  });

  it('shows what was missed only when it was', async () => {
    const lines = async (answer: Answer) => sceneLines(await play(scene({ status: 200 }), answering(answer)), 1);
    expect(await lines({ status: 200, value: 'v', usesLeft: 1 })).toEqual([
      '✓  1  one',
      '      200  "v", 1 uses left',
      '      two',
    ]);
    expect(await lines({ status: 403, code: 'DENIED', title: 'No' })).toEqual([
      '✗  1  one',
      '      403 DENIED  No',
      '      two',
      '      expected 200',
      '      but saw  403 DENIED',
    ]);
  });

  it('is counted in the summary', () => {
    const claim = (held: boolean): Claim => ({ claim: '', expected: '', seen: '', held });
    expect(summary([claim(true), claim(true)])).toBe('All 2 claims held.');
    expect(summary([claim(true), claim(false)])).toBe('1 of 2 claims did not hold.');
  });
});

describe('the evidence', () => {
  let parent: string;
  let folder: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'postern-evidence-'));
    folder = join(parent, 'trail');
    mkdirSync(folder);
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  /** A trail, and answers that name its records. */
  function trail(scribe: Scribe, receipts: readonly (string | undefined)[], value = 'unheard of'): Left {
    writeFileSync(join(folder, `20260101T000000000Z-${W1}.000001.ndjson`), scribe.file().bytes);
    const scene = {
      title: '',
      attempts: [{ by: 'service', uri: 'yaml://dev/a/b#c', expect: { status: 200 } }],
      why: '',
    } as const;
    const answers = receipts.map((receipt) => ({ status: 200, value, receipt }));
    return { trail: folder, played: [{ scene, answers, claim: { claim: '', expected: '', seen: '', held: true } }] };
  }
  const receiptOf = (scribe: Scribe): string => `${scribe.head.w}.${scribe.head.seq}.${scribe.head.hash}`;

  it('is whole when the chain is unbroken, closed, and holds what every answer named', async () => {
    const scribe = new Scribe(W1).open().refuse();
    const receipt = receiptOf(scribe);
    const { claim, report } = await wholeTrail(trail(scribe.close(), [receipt]));
    expect(claim).toMatchObject({ held: true, seen: 'intact, closed, 1 receipts found' });
    expect(report[0]).toBe('intact: 3 records of 1 writer, each following from the one before it');
  });

  it('is not whole when its end is missing', async () => {
    const scribe = new Scribe(W1).open().refuse().refuse();
    const cut = new Scribe(W1).open().refuse();
    expect((await wholeTrail(trail(cut, [receiptOf(scribe)]))).claim.held).toBe(false);
    expect((await wholeTrail(trail(cut, [receiptOf(cut)]))).claim).toMatchObject({
      seen: 'intact, not closed, 1 receipts found',
      held: false,
    });
  });

  it('is not whole when an answer named no record', async () => {
    const scribe = new Scribe(W1).open().refuse();
    const receipt = receiptOf(scribe);
    expect((await wholeTrail(trail(scribe.close(), [receipt, undefined]))).claim.held).toBe(false);
  });

  it('is not whole when a record was changed', async () => {
    const scribe = new Scribe(W1).open().refuse();
    const receipt = receiptOf(scribe);
    const left = trail(scribe.close(), [receipt]);
    const [file = ''] = readdirSync(folder);
    writeFileSync(join(folder, file), readFileSync(join(folder, file), 'utf8').replace('DENIED', 'REVOKED'));
    expect((await wholeTrail(left)).claim).toMatchObject({ held: false, seen: expect.stringMatching(/^broken/) });
  });

  it.each([
    ['a value', 'zoë', 'zoë'],
    ['a path', 'unheard of', 'dev/a/b'],
  ])('is not silent when %s stands in it', async (_, value, told) => {
    const scribe = new Scribe(W1).open();
    scribe.write({ type: 'refusal', code: 'DENIED', sub: told });
    expect(await silentTrail(trail(scribe, [undefined], value))).toMatchObject({ held: false, seen: told });
  });

  it('is silent when it tells of neither', async () => {
    const silent = await silentTrail(trail(new Scribe(W1).open().refuse(), [undefined]));
    expect(silent).toMatchObject({ held: true, seen: 'none' });
  });

  it('is not silent when there is none', async () => {
    expect(await silentTrail({ trail: folder, played: [] })).toMatchObject({ held: false });
  });

  it('differs from its forged copy in one byte, which the verifier finds', async () => {
    const scribe = new Scribe(W1).open();
    scribe.write({ type: 'intent', sub: 'demo-service', request_id: 'r' });
    trail(scribe.refuse(), []);
    const copy = join(parent, 'copy');
    const forgery = await forge(folder, copy);
    const [before, after] = [scribe.file().bytes, readFileSync(forgery.source)];
    expect(after.length).toBe(before.length);
    expect(before.filter((byte, at) => byte !== after[at])).toHaveLength(1);
    expect(forgery.line).toBe(2);
    expect((await caughtForgery(copy, forgery)).claim).toMatchObject({ held: true, seen: 'a fault in line 2' });
    expect((await caughtForgery(copy, { ...forgery, line: 1 })).claim.held).toBe(false);
    expect((await caughtForgery(folder, forgery)).claim).toMatchObject({ held: false, seen: 'no fault' });
  });

  it('cannot be forged where nothing was given away', async () => {
    trail(new Scribe(W1).open().refuse().close(), []);
    await expect(forge(folder, join(parent, 'copy'))).rejects.toThrow(/nothing to forge/);
  });
});
