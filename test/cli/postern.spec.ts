import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, EmbeddedJWK, type JWK, jwtVerify } from 'jose';

import { makeCertificate } from '../support/certificates.js';

import { Built } from './built.js';

let built: Built;
beforeAll(() => {
  built = new Built();
});
afterAll(() => built.remove());

/** What a gateway was sent, proof verified by an independent library. */
interface Seen {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly reason: string | undefined;
  readonly token: Record<string, unknown>;
  readonly proof: Record<string, unknown>;
  readonly jkt: string;
}
interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body: string;
}

/** Stands in for the gateway: looks at requests, answers as told. */
class Listener {
  readonly seen: Seen[] = [];
  readonly #server: Server;

  private constructor(reply: (seen: Seen) => Reply) {
    this.#server = createServer((request, response) => {
      void (async () => {
        const seen = await look(request);
        this.seen.push(seen);
        const { status, headers = {}, body } = reply(seen);
        response.writeHead(status, headers).end(body);
      })().catch((error: unknown) => response.writeHead(599).end(String(error)));
    });
  }

  static async start(reply: (seen: Seen) => Reply): Promise<Listener> {
    const listener = new Listener(reply);
    await new Promise<void>((resolve) => listener.#server.listen(0, '127.0.0.1', resolve));
    return listener;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function look(request: IncomingMessage): Promise<Seen> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const token = /^DPoP (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const proof = String(request.headers['dpop']);
  const { payload } = await jwtVerify(proof, EmbeddedJWK, { typ: 'dpop+jwt', algorithms: ['ES256'] });
  expect(payload['ath']).toBe(createHash('sha256').update(token).digest('base64url'));
  return {
    method: request.method ?? '',
    url: request.url ?? '',
    body: Buffer.concat(chunks).toString(),
    reason: request.headers['x-access-reason'] as string | undefined,
    token: decodeJwt(token),
    proof: payload,
    jkt: await calculateJwkThumbprint(decodeProtectedHeader(proof).jwk as JWK),
  };
}

const VALUE: Reply = {
  status: 200,
  headers: { 'Postern-Receipt': 'w.1.h' },
  body: '{"uri":"yaml://dev/a/b","value":"v"}',
};
const URI = 'yaml://dev/payments/api#token';

describe('postern dev curl', () => {
  let listener: Listener;
  afterEach(async () => await listener.stop());

  async function curl(reply: Reply | ((seen: Seen) => Reply), ...args: string[]) {
    listener = await Listener.start(typeof reply === 'function' ? reply : () => reply);
    return await built.postern(['dev', 'curl', ...args], { LISTEN_ADDR: listener.address });
  }

  it('reads with a bound token and a proof for exactly this request; the body goes to stdout, words to stderr', async () => {
    const ended = await curl(VALUE, URI);
    expect(ended).toEqual({ code: 0, stdout: `${VALUE.body}\n`, stderr: '200, receipt w.1.h\n' });
    const [seen] = listener.seen;
    const path = '/api/secrets/value/yaml%3A%2F%2Fdev%2Fpayments%2Fapi%23token';
    expect(seen).toMatchObject({
      method: 'GET',
      url: path,
      body: '',
      reason: undefined,
      proof: { htm: 'GET', htu: `http://${listener.address}${path}` },
      token: {
        iss: 'urn:postern:dev',
        sub: 'demo-service',
        client_id: 'demo-client',
        aud: 'crud.secrets',
        tenant: 'local',
        groups: ['payments'],
        subject_type: 'service',
        scope:
          'secrets.read secrets.write secrets.delete secrets.destroy secrets.rotate secrets.read_metadata secrets.set_owner',
        cnf: { jkt: seen?.jkt },
      },
    });
    expect(Number(seen?.token['exp']) - Number(seen?.token['iat'])).toBe(3600);
  });

  it('keeps its key from call to call, makes a new proof and token each time, and takes another key on demand', async () => {
    await curl(VALUE, URI);
    await built.postern(['dev', 'curl', URI], { LISTEN_ADDR: listener.address });
    await built.postern(['dev', 'curl', URI, '--new-key'], { LISTEN_ADDR: listener.address });
    const [first, second, third] = listener.seen;
    expect(second?.jkt).toBe(first?.jkt);
    expect(third?.jkt).not.toBe(first?.jkt);
    expect(new Set(listener.seen.map(({ proof }) => proof['jti'])).size).toBe(3);
    expect(new Set(listener.seen.map(({ token }) => token['jti'])).size).toBe(3);
  });

  it('asks for the purpose read, by GET only', async () => {
    expect((await curl(VALUE, URI, '--read')).code).toBe(0);
    expect(listener.seen[0]?.url).toMatch(/^\/api\/secrets\/read\/yaml%3A/);
    const ended = await built.postern(['dev', 'curl', URI, '--read', '--method', 'POST']);
    expect(ended).toMatchObject({ code: 2, stderr: 'postern: --read is a GET: leave out --method POST.\n' });
  });

  it('posts the URI in the body', async () => {
    await curl(VALUE, URI, '--method', 'POST');
    expect(listener.seen[0]).toMatchObject({
      method: 'POST',
      url: '/api/secrets/value',
      body: JSON.stringify({ uri: URI }),
      proof: { htm: 'POST' },
    });
  });

  it('passes reason, scopes, groups and identity on', async () => {
    await curl(
      VALUE,
      URI,
      '--reason',
      'ticket 7',
      '--scope',
      'a',
      'b',
      '--group',
      'g',
      '--sub',
      's',
      '--client',
      'c',
      '--tenant',
      't',
    );
    expect(listener.seen[0]).toMatchObject({
      reason: 'ticket 7',
      token: { scope: 'a b', groups: ['g'], sub: 's', client_id: 'c', tenant: 't' },
    });
  });

  const ASKING: Reply = {
    status: 401,
    headers: { 'WWW-Authenticate': 'DPoP error="use_dpop_nonce"', 'DPoP-Nonce': 'nonce-1' },
    body: '{"code":"USE_DPOP_NONCE"}',
  };

  it('follows a nonce with a new proof', async () => {
    const ended = await curl(({ proof }) => (proof['nonce'] === 'nonce-1' ? VALUE : ASKING), URI);
    expect(ended.code).toBe(0);
    expect(listener.seen.map(({ proof }) => proof['nonce'])).toEqual([undefined, 'nonce-1']);
  });

  it('follows a nonce once, not for ever', async () => {
    const ended = await curl(ASKING, URI);
    expect(ended).toMatchObject({ code: 1, stderr: 'postern: 401 USE_DPOP_NONCE\n' });
    expect(listener.seen).toHaveLength(2);
  });

  it('tells a refusal in words, keeps its body on stdout, and ends with 1', async () => {
    const problem = {
      type: 'x',
      title: 'Denied.',
      status: 403,
      code: 'DENIED',
      detail: 'Ask for one key.',
      request_id: 'r-1',
    };
    const ended = await curl({ status: 403, body: JSON.stringify(problem) }, URI);
    expect(ended).toEqual({
      code: 1,
      stdout: `${JSON.stringify(problem)}\n`,
      stderr: 'postern: 403 DENIED: Denied. Ask for one key. (request r-1)\n',
    });
  });

  it('survives an answer that is no problem, and prints no control character of it to the terminal as words', async () => {
    const ended = await curl({ status: 502, body: '{"code":"\\u001b[31mX","title":7}' }, URI);
    expect(ended).toMatchObject({ code: 1, stderr: 'postern: 502  [31mX\n' });
  });

  it('prints one JSON object on demand', async () => {
    const ended = await curl(VALUE, URI, '--json');
    expect(JSON.parse(ended.stdout)).toEqual({
      status: 200,
      receipt: 'w.1.h',
      body: { uri: 'yaml://dev/a/b', value: 'v' },
    });
  });

  it('does not follow a redirect with a token in hand', async () => {
    const ended = await curl({ status: 302, headers: { Location: '/elsewhere' }, body: '' }, URI);
    expect(ended.code).toBe(2);
    expect(listener.seen).toHaveLength(1);
  });

  it('prints a curl command that does the same, quoted for a shell, without sending it', async () => {
    const ended = await curl(VALUE, "yaml://dev/it's", '--print', '--method', 'POST');
    expect(listener.seen).toEqual([]);
    expect(ended.stdout).toMatch(
      /^curl -sS -H 'Authorization: DPoP ey[^']+' -H 'DPoP: ey[^']+' -H 'Content-Type: application\/json' --data '/,
    );
    expect(ended.stdout).toContain(
      String.raw`{"uri":"yaml://dev/it'\''s"}' 'http://${listener.address}/api/secrets/value'`,
    );
  });
});

describe('postern dev, when something is missing', () => {
  it('says how to start a gateway when nothing listens', async () => {
    const gone = await Listener.start(() => VALUE);
    const origin = `http://${gone.address}`;
    await gone.stop();
    expect(await built.postern(['dev', 'curl', URI, '--origin', origin])).toEqual({
      code: 2,
      stdout: '',
      stderr: `postern: Nothing listens at ${origin}: start the gateway with npm start, or say with --origin where it listens.\n`,
    });
  });

  it('refuses to make tokens outside dev and test, and names every reason', async () => {
    const ended = await built.postern(['dev', 'token'], { ENVIRONMENT: 'production' });
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(
      /^postern: The configuration cannot be used[^]*DEVELOPMENT_ISSUER cannot be on when ENVIRONMENT is production/,
    );
  });

  it('refuses to make tokens when the development issuer is off', async () => {
    const ended = await built.postern(['dev', 'token'], { DEVELOPMENT_ISSUER: 'false' });
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/DEVELOPMENT_ISSUER must be on/);
  });

  it.each([
    ['a port that is not known', ['dev', 'curl', URI], { LISTEN_ADDR: '127.0.0.1:0' }, /say with --origin/, 2],
    ['an origin that is none', ['dev', 'curl', URI, '--origin', '8080'], {}, /--origin must be an origin/, 2],
    ['a reason that is no header text', ['dev', 'curl', URI, '--reason', 'a\nb'], {}, /printable ASCII/, 1],
    ['a method that is not offered', ['dev', 'curl', URI, '--method', 'PUT'], {}, /GET, POST/, 1],
    ['a thumbprint that is none', ['dev', 'token', '--jkt', 'x'], {}, /43 characters of base64url/, 1],
    ['a life above a day', ['dev', 'token', '--ttl', '86401'], {}, /1 to 86400/, 1],
    ['two kinds of token', ['dev', 'token', '--bearer', '--jkt', 'x'.repeat(43)], {}, /cannot be used with/, 1],
    ['a command that is none', ['dev', 'tokn'], {}, /Did you mean token/, 1],
    ['no URI', ['dev', 'curl'], {}, /missing required argument 'uri'/, 1],
  ])('says what is wrong with %s', async (_, args, env: Record<string, string>, what, code) => {
    const ended = await built.postern(args, env);
    expect(ended.stderr).toMatch(what);
    expect(ended).toMatchObject({ code, stdout: '' });
  });
});

describe('postern dev token', () => {
  it('prints a plain bearer token for a day, and nothing else', async () => {
    for (const args of [[], ['--bearer']]) {
      const ended = await built.postern(['dev', 'token', ...args]);
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      const claims = decodeJwt(ended.stdout.trim());
      expect(claims['cnf']).toBeUndefined();
      expect(Number(claims.exp) - Number(claims.iat)).toBe(86_400);
      expect(decodeProtectedHeader(ended.stdout.trim())).toMatchObject({ typ: 'at+jwt', alg: 'ES256' });
    }
  });

  it('binds to a thumbprint, for an hour or as long as it is told', async () => {
    const jkt = 'A'.repeat(43);
    const bound = decodeJwt((await built.postern(['dev', 'token', '--jkt', jkt])).stdout.trim());
    const short = decodeJwt((await built.postern(['dev', 'token', '--jkt', jkt, '--ttl', '7'])).stdout.trim());
    expect(bound['cnf']).toEqual({ jkt });
    expect([Number(bound.exp) - Number(bound.iat), Number(short.exp) - Number(short.iat)]).toEqual([3600, 7]);
  });

  it('M2: binds to a client certificate, alone or beside a key, for an hour', async () => {
    const certificate = await makeCertificate({ name: 'svc-billing' });
    const path = join(built.root, 'client.pem');
    writeFileSync(path, certificate.pem);
    const alone = decodeJwt((await built.postern(['dev', 'token', '--certificate', path])).stdout.trim());
    expect(alone['cnf']).toEqual({ 'x5t#S256': certificate.x5t });
    expect(Number(alone.exp) - Number(alone.iat)).toBe(3600);
    const jkt = 'A'.repeat(43);
    const both = decodeJwt((await built.postern(['dev', 'token', '--certificate', path, '--jkt', jkt])).stdout.trim());
    expect(both['cnf']).toEqual({ jkt, 'x5t#S256': certificate.x5t });
  });

  it('M2: refuses a file without a certificate, and --bearer beside one', async () => {
    const none = await built.postern(['dev', 'token', '--certificate', join(built.root, 'package.json')]);
    expect(none).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/PEM file with a certificate/) });
    expect((await built.postern(['dev', 'token', '--bearer', '--certificate', 'a'])).code).not.toBe(0);
  });
});

describe('postern', () => {
  it.each([
    [['--help']],
    [['dev', '--help']],
    [['dev', 'curl', '--help']],
    [['dev', 'token', '--help']],
    [['config', 'check', '--help']],
    [['config', 'show', '--help']],
    [['config', 'schema', '--help']],
  ])('has help for %j, without colour codes', async (args) => {
    const ended = await built.postern(args, { NO_COLOR: '1' });
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/^Usage: postern/);
    // eslint-disable-next-line no-control-regex
    expect(ended.stdout).not.toMatch(/\u001b\[/);
  });

  it('gives no example in its help that its own parser refuses', async () => {
    const help = await Promise.all(
      [
        ['--help'],
        ['dev', 'curl', '--help'],
        ['dev', 'token', '--help'],
        ['config', 'check', '--help'],
        ['config', 'show', '--help'],
      ].map(async (args) => (await built.postern(args)).stdout),
    );
    const examples = help
      .join('\n')
      .split('\n')
      .flatMap((line) => /npx postern ([^$)]+?)(?: {3}.*|\)".*)?$/.exec(line)?.[1]?.trim() ?? []);
    expect(examples.length).toBeGreaterThanOrEqual(10);
    for (const example of examples) {
      const args = example.split(' ').map((word) => word.replaceAll("'", ''));
      const { stderr } = await built.postern(args, { LISTEN_ADDR: '127.0.0.1:1' });
      expect(stderr).not.toMatch(/^error:/m);
    }
  });

  it('says to build first when it is not built', async () => {
    const bare = new Built();
    try {
      rmSync(join(bare.root, 'dist'), { recursive: true });
      expect(await bare.postern(['--help'])).toEqual({
        code: 1,
        stdout: '',
        stderr: 'postern: the program is not built yet: run `npm run build` first (`npm start` does it too).\n',
      });
    } finally {
      bare.remove();
    }
  });
});
