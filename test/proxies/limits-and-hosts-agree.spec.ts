import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { APP } from '../support/gateway.js';
import { expectOfProxy } from './answers.js';
import { Front } from './front.js';
import { askHttp2 } from './http2.js';
import { throughProxies } from './proxy.js';

/** JSON of so many bytes that asks for a secret. */
function bodyOf(bytes: number): string {
  const json = JSON.stringify({ uri: 'yaml://kv/app/api#token' });
  return json + ' '.repeat(bytes - json.length);
}

function chunked(text: string): string {
  const half = text.length >> 1;
  const chunk = (part: string): string => `${part.length.toString(16)}\r\n${part}\r\n`;
  return `${chunk(text.slice(0, half))}${chunk(text.slice(half))}0\r\n\r\n`;
}

await throughProxies('limits and hosts through a proxy', (available) => {
  const { name } = available.proxy.service;

  let front: Front;
  beforeAll(async () => {
    front = await Front.start(available);
  });
  afterAll(async () => await front.close());

  const post = (body: string, fields: readonly string[] = []): Buffer => {
    const { gateway } = front;
    const token = gateway.mint();
    const proof = gateway.prove({ token, path: '/api/secrets/value', method: 'POST' });
    const credentials = [`Authorization: DPoP ${token}`, `DPoP: ${proof}`];
    return gateway.request({
      method: 'POST',
      target: '/api/secrets/value',
      fields: [...credentials, ...fields],
      body,
    });
  };

  it('N13: a body of 8 KiB is taken, with its length or in chunks', async () => {
    expect(await front.ask(post(bodyOf(8_192)))).toMatchObject({ status: 200 });
    const head = post('', ['Transfer-Encoding: chunked', 'Content-Length: 0']).toString('latin1');
    const bytes = head.replace('Content-Length: 0\r\n', '') + chunked(bodyOf(8_192));
    expect(await front.ask(bytes)).toMatchObject({ status: 200 });
  });

  it('N13: a body of one byte more is refused before the gateway has it, with its length or in chunks', async () => {
    const before = front.served;
    expectOfProxy(await front.ask(post(bodyOf(8_193))), 413);
    const head = post('', ['Transfer-Encoding: chunked', 'Content-Length: 0']).toString('latin1');
    expectOfProxy(await front.ask(head.replace('Content-Length: 0\r\n', '') + chunked(bodyOf(8_193))), 413);
    expect(front.served).toBe(before);
  });

  it('N13: a header section that only the gateway finds too large is answered by it', async () => {
    const fields = Array.from({ length: 3 }, (_, index) => `X-Long-${index}: ${'a'.repeat(5_900)}`);
    const answer = await front.ask(front.gateway.request({ target: APP, fields }));
    expect(answer).toMatchObject({ status: 431, problem: { code: 'HEADERS_TOO_LARGE' } });
  });

  it('N13: a header section that is far too large never reaches the gateway', async () => {
    const before = front.served;
    const fields = Array.from({ length: 12 }, (_, index) => `X-Long-${index}: ${'a'.repeat(5_900)}`);
    const { status } = await front.ask(front.gateway.request({ target: APP, fields }));
    // HAProxy has no other status for what does not fit into its buffer.
    expect(status).toBe(name === 'nginx' ? 431 : 400);
    expect(front.served).toBe(before);
  });

  it.each([
    ['a foreign host', 'Host: evil.example'],
    ['the loopback address', 'Host: 127.0.0.1'],
    ['ours as a part of another', `Host: secrets.example.evil.example`],
  ])('T12: %s is misdirected', async (_, host) => {
    const before = front.served;
    expectOfProxy(await front.ask(`GET ${APP} HTTP/1.1\r\n${host}\r\n\r\n`), 421);
    expect(front.served).toBe(before);
  });

  it('T12: a foreign authority of HTTP/2 is misdirected', async () => {
    const fields = { ':path': APP, ':authority': 'evil.example' };
    const answer = await askHttp2(await front.connect('h2'), front.gateway.origin, fields);
    expect(answer).toMatchObject({ status: 421, problem: { type: 'about:blank' } });
  });

  it('T12: an absolute target cannot bring another host', async () => {
    const { gateway } = front;
    const line = `GET https://evil.example${APP} HTTP/1.1\r\nHost: ${gateway.host}\r\n`;
    const token = gateway.mint();
    const proof = gateway.prove({ token, htu: `https://evil.example${APP}` });
    const answer = await front.ask(`${line}Authorization: DPoP ${token}\r\nDPoP: ${proof}\r\n\r\n`);
    expect([400, 421]).toContain(answer.status);
  });

  it.each([
    ['no Host', `GET ${APP} HTTP/1.1\r\n\r\n`],
    ['two Hosts', `GET ${APP} HTTP/1.1\r\nHost: secrets.example\r\nHost: evil.example\r\n\r\n`],
    ['a Host that is none', `GET ${APP} HTTP/1.1\r\nHost: secrets.example/evil\r\n\r\n`],
  ])('T12: %s is refused', async (_, bytes) => {
    expect([400, 421]).toContain((await front.ask(bytes)).status);
  });

  it('T24: nothing older than HTTP/1.1 reaches the gateway', async () => {
    const { gateway } = front;
    const before = front.served;
    const token = gateway.mint();
    const credentials = `Host: ${gateway.host}\r\nAuthorization: DPoP ${token}\r\nDPoP: ${gateway.prove({ token })}\r\n`;
    const old = await front.open();
    expect(await old.send(`GET ${APP} HTTP/1.0\r\n${credentials}\r\n`).rest()).toMatch(/^HTTP\/1\.[01] 400 /);
    const oldest = await front.open();
    expect(await oldest.send(`GET ${APP}\r\n`).rest()).not.toContain('CREDENTIALS_REQUIRED');
    expect(front.served).toBe(before);
  });

  it('T15: HEAD, TRACE and CONNECT take nothing', async () => {
    const { gateway } = front;
    for (const method of ['TRACE', 'OPTIONS', 'PUT']) {
      const { status } = await front.ask(gateway.request({ method, target: APP }));
      expect([400, 405]).toContain(status);
    }
    const head = await front.open();
    expect(await head.send(gateway.request({ method: 'HEAD', target: APP })).answer({ toHead: true })).toMatchObject({
      status: 405,
    });
    head.end();
    const connecting = `CONNECT secrets.example:443 HTTP/1.1\r\nHost: secrets.example:443\r\n\r\n`;
    expect([400, 405]).toContain((await front.ask(connecting)).status);
  });
});
