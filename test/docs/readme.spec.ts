import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { calculateThumbprint, type KeyPair } from 'dpop';

import * as client from '#libs/client/published.js';

import type { Ended } from '../cli/built.js';
import { blocks, isInstalled, page } from './markdown.js';
import { Running } from './running.js';

const readme = page('README.md');
const commands = blocks(readme, 'sh').flatMap((block) => block.trim().split('\n'));

/** Run elsewhere: by whoever installs, by this suite's own start, by test/cli/demo.spec.ts, and by what runs this suite. */
const EXEMPT = ['npm ci', 'npm start', 'npm run demo', 'npm ci && npm test'];

/** curl is the reader's, not ours. */
const CURL = isInstalled('curl');
if (!CURL) process.stderr.write('test/docs/readme.spec.ts: curl is not installed, so commands with it are left out.\n');

const URI = 'yaml://dev/payments/api#token';

let running: Running;
beforeAll(async () => {
  running = await Running.start();
});
afterAll(async () => await running.stop());

/** What a read gives, by the README: these members, of these kinds. */
function shown(): Record<string, unknown> {
  const [json = '{}'] = blocks(readme, 'json');
  return JSON.parse(json) as Record<string, unknown>;
}

function kinds(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, kinds(member)]));
}

function answerOf({ code, stdout, stderr }: Ended): Record<string, unknown> {
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe('the README', () => {
  it('holds the commands that this suite knows, and no other', () => {
    const run = commands.filter((command) => !EXEMPT.includes(command));
    expect(commands.filter((command) => EXEMPT.includes(command))).toEqual(EXEMPT);
    expect(run).toEqual([
      expect.stringMatching(/^npx postern dev curl /),
      expect.stringMatching(/^curl -G /),
      'npx postern config check local',
      'npx postern config show local',
      'npx postern audit tail',
      'npx postern audit verify',
    ]);
  });

  it('reads a secret by its first command, and shows what comes back', async () => {
    const answer = answerOf(await running.shell(commands.find((each) => each.includes('dev curl')) ?? ''));
    expect(kinds(answer)).toEqual(kinds(shown()));
    const { uri, key, value, grant } = shown();
    expect(answer).toMatchObject({ uri, key, value });
    // nobody took from this grant before
    expect(answer['grant']).toMatchObject({ uses_left: (grant as { uses_left: number }).uses_left });
  });

  it('tells how to look at the trail, which is then intact and names the read', async () => {
    const tail = await running.shell('npx postern audit tail');
    expect(tail).toMatchObject({ code: 0, stderr: '' });
    expect(tail.stdout).toMatch(/demo-service of local may be given secret/);
    const verify = await running.shell('npx postern audit verify');
    expect(verify).toMatchObject({ code: 0, stdout: expect.stringMatching(/^intact: /) });
  });

  it('tells how to look at the configuration, which is in order, and whose switches are on', async () => {
    expect(await running.shell('npx postern config check local')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^in order: the profile local \(dev\) would start/),
    });
    const { code, stdout } = await running.shell('npx postern config show local');
    expect(code).toBe(0);
    for (const [, name = ''] of readme.text.matchAll(/`([A-Z_]+)=false`/g)) {
      expect(stdout).toMatch(new RegExp(`^${name} +true +default$`, 'm'));
    }
  });

  it('names routes that give the secret, each by the form it shows', async () => {
    const [, token = ''] = [
      ...(await running.shell('npx postern dev token --bearer')).stdout.matchAll(/^(ey\S+)$/gm),
    ].flat();
    const forms = [...readme.text.matchAll(/`(GET|POST) (\/api\/secrets[^`\s]*)`/g)].map(
      ([, method = '', path = '']) => [method, path] as const,
    );
    expect(forms).toHaveLength(5);
    for (const [method, path] of forms) {
      const encoded = encodeURIComponent(URI);
      const target = path.replace('{uri}', encoded).replace('?uri=', `?uri=${encoded}`);
      const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
      const body = method === 'POST' ? JSON.stringify({ uri: URI }) : null;
      const response = await fetch(`${running.origin}${target}`, { method, headers, body });
      expect([method, path, response.status]).toEqual([method, path, 200]);
      expect(await response.json()).toMatchObject({ uri: URI, value: 'not-a-secret-payments-token' });
    }
  });

  it('shows a client that works', async () => {
    const [example = ''] = blocks(readme, 'ts');
    const value = await runExample(example, 'value');
    expect(value).toBe('not-a-secret-payments-token');
  });
});

describe('the README of the client', () => {
  it('shows a client that works against this gateway, once its address and secret are put in', async () => {
    const [example = ''] = blocks(page('libs/client/README.md'), 'js');
    const here = example.replace('https://postern.example', running.origin).replace(/'openbao:[^']*'/, `'${URI}'`);
    const given: unknown[] = [];
    const said: string[] = [];
    const console = { log: (text: string) => said.push(text), error: (text: string) => said.push(text) };
    await runExample(here, 'undefined', {
      fetchToken: tokenBoundTo,
      connect: (value: unknown) => given.push(value),
      console,
    });
    expect(given).toEqual(['not-a-secret-payments-token']);
    expect(said).toEqual([expect.stringMatching(/^[0-4] uses left until \d{4}-/)]);
  });
});

describe('what npm start prints', () => {
  const pasted = (what: RegExp): string => what.exec(running.greeting)?.[1] ?? 'false';

  it('says where it listens and what it is for', () => {
    expect(running.greeting).toMatch(
      /^Postern listens on http:\/\/127\.0\.0\.1:\d+ \(dev, profile local\)\.\nFor your own machine only/,
    );
  });

  // more often than one grant allows, with the reads above; npx takes its time
  it('works as pasted, again and again, with a proof each time', async () => {
    const command = pasted(/^ {2}(npx postern dev curl .*)$/m);
    for (let time = 0; time < 5; time += 1)
      expect(answerOf(await running.shell(command))).toMatchObject({ uri: URI, value: 'not-a-secret-payments-token' });
  }, 60_000);

  if (CURL) {
    it('works as pasted, again and again, with a plain bearer token', async () => {
      const command = pasted(/^ {2}(curl .*)$/m);
      for (let time = 0; time < 7; time += 1)
        expect(answerOf(await running.shell(command))).toMatchObject({
          uri: URI,
          value: 'not-a-secret-payments-token',
        });
    });
  }
});

if (CURL) {
  describe('the README’s curl', () => {
    it('asks with the token that the line below it makes', async () => {
      const [, token] = /`(TOKEN=\$\(npx postern dev token --bearer\))` makes one/.exec(readme.text) ?? [];
      const command = commands.find((each) => each.startsWith('curl ')) ?? '';
      expect(answerOf(await running.shell(`${token}\n${command}`))).toMatchObject({ uri: URI });
    });
  });
}

/** As a service's own issuer would, by the development issuer. */
async function tokenBoundTo(keyPair: KeyPair): Promise<string> {
  const jkt = await calculateThumbprint(keyPair.publicKey);
  return (await running.shell(`npx postern dev token --jkt ${jkt}`)).stdout.trim();
}

type Code = (...values: readonly unknown[]) => Promise<unknown>;

/** Runs an example as it stands, with what the package exports and what the reader brings; says what one name in it holds. */
async function runExample(
  text: string,
  result: string,
  brought: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  const [, body = ''] = /^import \{ [^}]* \} from '@postern\/client';\n([^]*)$/.exec(text) ?? [];
  expect(body).not.toBe('');
  const here = body.replace('http://127.0.0.1:8080', running.origin);
  const scope: Record<string, unknown> = { ...client, tokenFromYourIssuer: tokenBoundTo, ...brought };
  const AsyncFunction = (async () => undefined).constructor as new (...text: string[]) => Code;
  return await new AsyncFunction(...Object.keys(scope), `${here}\nreturn ${result};`)(...Object.values(scope));
}
