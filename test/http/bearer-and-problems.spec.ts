import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { CODES, type Code } from '#libs/kernel/codes.js';
import { Refusal, type RefusalOptions } from '#libs/kernel/refusal.js';
import { Exchange } from '#src/http/exchange.js';
import { Hosts, localOrigins } from '#src/http/hosts.js';
import { PROBLEMS } from '#src/http/problems.js';
import { RouteTable } from '#src/http/route-table.js';
import { createEdgeServer, TIMEOUTS } from '#src/http/server.js';

import { comparable, expectNothingTold, expectProblem } from '../support/attack.js';
import { APP, type Gateway, startGateway, valuePath } from '../support/gateway.js';
import { ask, type WireAnswer } from './wire.js';

const METADATA = 'https://secrets.example.com/.well-known/oauth-protected-resource';
const INNER = 'what-only-we-know';

/** What a step of the line may know of a refusal: all of it, of which the answer shows what it may. */
const KNOWN: RefusalOptions = {
  detail: 'What to do.',
  check: INNER,
  evidence: { policy_ids: [INNER] },
  cause: new Error(INNER, { cause: new Error(INNER) }),
};

/** Our server and its answers, with one address for each code: `/CODE`, and `/CODE/plain` for a refusal that says nothing. */
class EveryCode {
  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async start(bearer: boolean): Promise<EveryCode> {
    const hosts = new Hosts([]);
    const routes = new RouteTable();
    routes.add({ method: 'GET', path: '/' });
    const server = createEdgeServer({
      rules: { hosts, routes, bodyBytes: 1_024 },
      house: { bearer, resourceMetadata: () => METADATA, access: () => {}, draining: () => false },
      timeouts: TIMEOUTS,
      tls: undefined,
      handshakeFailed: () => {},
      handler: (request) => {
        const [, code, plain] = (request.url ?? '').split('/');
        const known = CODES.find((each) => each === code) ?? 'INTERNAL';
        Exchange.of(request).refuse(new Refusal(known, plain === undefined ? KNOWN : {}));
      },
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    hosts.listensOn({ host: '127.0.0.1', port });
    return new EveryCode(server, port);
  }

  async answer(code: Code, fields: readonly string[] = [], plain = false): Promise<WireAnswer> {
    const [origin = ''] = localOrigins({ host: '127.0.0.1', port: this.port });
    const lines = [`GET /${code}${plain ? '/plain' : ''} HTTP/1.1`, `Host: ${new URL(origin).host}`, ...fields];
    return await ask(this.port, `${lines.join('\r\n')}\r\n\r\n`);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const CREDENTIALS: readonly (readonly [scheme: string, field: string])[] = [
  ['DPoP', 'Authorization: DPoP a.b.c'],
  ['Bearer', 'Authorization: Bearer a.b.c'],
  ['another scheme', 'Authorization: Basic YTpi'],
];
const UNAUTHORIZED = CODES.filter((code) => PROBLEMS[code].status === 401);

let strict: EveryCode;
let lenient: EveryCode;
let gateway: Gateway;
beforeAll(async () => {
  strict = await EveryCode.start(false);
  lenient = await EveryCode.start(true);
  gateway = await startGateway();
});
afterAll(async () => {
  await strict.close();
  await lenient.close();
  await gateway.close();
});

describe('RFC 9457, every code over HTTP', () => {
  it.each([...CODES])('P1: %s is application/problem+json', async (code) => {
    for (const plain of [true, false]) {
      const answer = await strict.answer(code, ['Authorization: DPoP a.b.c'], plain);
      expectProblem(answer, `${PROBLEMS[code].status} ${code}`);
      expect(answer.headers['content-type']).toEqual(['application/problem+json']);
    }
  });

  it('P2: each code has a type of its own, which stays, is a URI, and stands in docs/errors.md', async () => {
    const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
    const types = new Set<unknown>();
    for (const code of CODES) {
      const { type } = (await strict.answer(code)).problem;
      expect(type).toBe(`urn:postern:problem:${code.toLowerCase().replaceAll('_', '-')}`);
      expect(URL.canParse(String(type))).toBe(true);
      expect(page).toContain(`\`${String(type)}\``);
      types.add(type);
    }
    expect(types.size).toBe(CODES.length);
  });

  it.each([...CODES])('P3: %s has the status of its status line', async (code) => {
    const { status, problem } = await strict.answer(code);
    expect(problem['status']).toBe(status);
    expect(status).toBe(PROBLEMS[code].status);
  });

  it('P4: each code has one title, whatever the refusal knows, and no two codes share one', async () => {
    const titles = new Set<unknown>();
    for (const code of CODES) {
      const said = await strict.answer(code);
      const plain = await strict.answer(code, ['Authorization: Bearer a.b.c'], true);
      expect(said.problem['title']).toBe(plain.problem['title']);
      expect(said.problem['title']).toMatch(/^[A-Z][^.!\n]{5,80}$/);
      titles.add(said.problem['title']);
    }
    expect(titles.size).toBe(CODES.length);
  });

  it.each([...CODES])('P5: %s tells its detail, and nothing of what only the audit may know', async (code) => {
    const { body, headers, problem } = await strict.answer(code, ['Authorization: DPoP a.b.c']);
    expect(problem['detail']).toBe(PROBLEMS[code].opaque === true ? undefined : 'What to do.');
    expect(body).not.toContain(INNER);
    expect(JSON.stringify(headers)).not.toContain(INNER);
    expect((await strict.answer(code, [], true)).problem).not.toHaveProperty('detail');
  });

  it.each([...CODES])('P7: %s has members of letters, digits and underscores alone', async (code) => {
    const names = Object.keys((await strict.answer(code)).problem);
    expect(names).toEqual(expect.arrayContaining(['type', 'title', 'status', 'code', 'request_id', 'correlation_id']));
    for (const name of names) expect(name).toMatch(/^[A-Za-z][A-Za-z0-9_]{2,}$/);
  });

  it.each([...CODES])('P8: %s shows no stack, no file and no name of an error', async (code) => {
    const { body, headers } = await strict.answer(code);
    for (const text of [body, JSON.stringify(headers)]) {
      expect(text).not.toMatch(/\n +at |\.[jt]s\b|node_modules|Error\b|node:|stack|cause/);
    }
  });

  it('P8: what does not exist and what is not yours are one answer, to the byte but for the ids', async () => {
    const answers: WireAnswer[] = [];
    for (const uri of [
      'yaml://kv/plans/next#token',
      'yaml://kv/plans/absent#token',
      'yaml://kv/nowhere/at/all',
      'yaml://kv/closed/next#no',
    ]) {
      answers.push(await gateway.read(valuePath(uri)));
    }
    const [first, ...others] = answers.map(comparable);
    expect(answers[0]?.status).toBe(403);
    for (const other of others) expect(other).toEqual(first);
  });
});

describe('RFC 6750', () => {
  it('B1: a token in the query is refused, however good it is, and whatever stands in the header', async () => {
    const token = gateway.mint({ boundTo: null });
    for (const name of ['access_token', 'token', 'Access_Token', 'bearer_token']) {
      for (const header of [null, token]) {
        const answer = await gateway.read(`${APP}?${name}=${token}`, { token: header, proof: null, scheme: 'Bearer' });
        expectProblem(answer, '400 INVALID_REQUEST');
        expect(answer.body).not.toContain(token.slice(-40));
      }
    }
  });

  it('B1: a token in the body is refused, as a form and as JSON', async () => {
    const token = gateway.mint({ boundTo: null });
    const uri = 'yaml://kv/app/api#token';
    const path = '/api/secrets/value';
    const form = `uri=${encodeURIComponent(uri)}&access_token=${token}`;
    const asForm = await gateway.read(path, {
      method: 'POST',
      token: null,
      body: form,
      fields: ['Content-Type: application/x-www-form-urlencoded'],
    });
    expectProblem(asForm, '415 UNSUPPORTED_MEDIA_TYPE');
    const body = JSON.stringify({ uri, access_token: token });
    expectProblem(await gateway.read(path, { method: 'POST', token: null, body }), '400 INVALID_REQUEST');
    const good = await gateway.read(path, {
      method: 'POST',
      token,
      proof: null,
      scheme: 'Bearer',
      body: JSON.stringify({ uri }),
    });
    expect(good.status).toBe(200);
  });

  it('B1: a token in any other field is nothing sent', async () => {
    const token = gateway.mint({ boundTo: null });
    for (const field of [
      'X-Authorization',
      'Proxy-Authorization',
      'X-Access-Token',
      'X-Vault-Token',
      'Access-Token',
      'Cookie',
      'X-Forwarded-Access-Token',
    ]) {
      const answer = await gateway.read(APP, { token: null, fields: [`${field}: Bearer ${token}`] });
      expectProblem(answer, '401 CREDENTIALS_REQUIRED');
    }
  });

  it('B2: a token sent in two ways is malformed, even when both are good', async () => {
    const token = gateway.mint({ boundTo: null });
    const twice = [`Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`];
    for (const answer of [
      await gateway.send(gateway.request({ target: APP, fields: twice })),
      await gateway.read(`${APP}?access_token=${token}`, { token, proof: null, scheme: 'Bearer' }),
    ]) {
      expectProblem(answer, '400 INVALID_REQUEST');
      expect(answer.headers['www-authenticate']?.join()).toContain('error="invalid_request"');
    }
  });

  it.each(UNAUTHORIZED)('B3: %s challenges, whatever was sent and whatever is taken', async (code) => {
    for (const [of, schemes] of [[strict, ['DPoP']], [lenient, ['DPoP', 'Bearer']]] as const) {
      for (const fields of [[], ...CREDENTIALS.map(([, field]) => [field])]) {
        const challenges = (await of.answer(code, fields)).headers['www-authenticate'] ?? [];
        expect(challenges.map((challenge) => challenge.split(' ')[0])).toEqual(schemes);
        expect(challenges[0]).toContain('algs="ES256 Ed25519"');
        for (const challenge of challenges) expect(challenge).toContain(`resource_metadata="${METADATA}"`);
      }
    }
  }); // prettier-ignore

  it('B3: no other status challenges, but to tell a credential that was sent what OAuth calls it', async () => {
    const others = CODES.filter((code) => PROBLEMS[code].status !== 401);
    for (const code of others) {
      expect((await strict.answer(code)).headers['www-authenticate']).toBeUndefined();
      const sent = (await strict.answer(code, ['Authorization: DPoP a.b.c'])).headers['www-authenticate'];
      expect(sent === undefined).toBe(PROBLEMS[code].oauth === undefined);
    }
  });

  it.each([...CODES])('B4: %s has no error word when no credential was sent', async (code) => {
    for (const server of [strict, lenient]) {
      const challenges = (await server.answer(code)).headers['www-authenticate'] ?? [];
      for (const challenge of challenges) expect(challenge).not.toMatch(/error|scope|acr_values|max_age/);
    }
  });

  it.each(CREDENTIALS)(
    'B4: a code of OAuth has its word once, on the scheme that was used: %s',
    async (scheme, field) => {
      for (const code of CODES.filter((each) => PROBLEMS[each].oauth !== undefined)) {
        const challenges = (await lenient.answer(code, [field])).headers['www-authenticate'] ?? [];
        const saying = challenges.filter((challenge) => challenge.includes(`error="${PROBLEMS[code].oauth}"`));
        expect(saying.map((challenge) => challenge.split(' ')[0])).toEqual([scheme === 'Bearer' ? 'Bearer' : 'DPoP']);
      }
    },
  );

  it('B5: a token stands in no answer, no log and no record, wherever it was put', async () => {
    const token = gateway.mint();
    const answers = [
      await gateway.read(APP, { token: `${token}x` }),
      await gateway.read(`${APP}?access_token=${token}`),
      await gateway.read(`/api/secrets/value/${token}`),
      await gateway.read(`/${token}`),
      await gateway.read(APP, { fields: [`X-Correlation-ID: ${token}`, `X-Access-Reason: ${token}`] }),
      await gateway.read(APP, { fields: [`User-Agent: ${token}`, `Referer: https://a.example/?t=${token}`] }),
      await gateway.read(APP, { token, scheme: 'Basic' }),
      await gateway.read(APP, { fields: [`Host: ${token.slice(0, 100)}`] }),
    ];
    for (const { body, headers } of answers) {
      expect(body).not.toContain(token.slice(-40));
      expect(JSON.stringify(headers)).not.toContain(token.slice(-40));
    }
    await expectNothingTold(gateway);
  });
});
