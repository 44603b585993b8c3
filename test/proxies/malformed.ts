/**
 * Requests that two readers could see differently: where one ends and the next begins is said twice, said oddly, or hidden in
 * something that some readers mend (RFC 9112 sections 2.2, 5, 6, 7 and 11.2). Each may hold a second request, the inner one, where a
 * body or nothing at all should be; behind each goes an honest one, the marker. All carry ids, by which logs and answers tell them
 * apart.
 */
export interface Malformed {
  readonly title: string;
  readonly bytes: (about: About) => Buffer;
  /** The answer to a HEAD has no body. */
  readonly head?: true;
}

export interface About {
  readonly host: string;
  readonly outer: string;
  readonly inner: string;
  readonly marker: string;
}

/** Without the request that follows it: the outer one, inner ones included. */
type Outer = (about: About) => string;

export function malformed(): readonly Malformed[] {
  const cases = [codings(), lengths(), chunks(), lines(), methodsAndVersions()].flat();
  return cases.map(({ title, outer, head }) => ({
    title,
    ...(head && { head }),
    bytes: (about) => Buffer.from(`${outer(about)}${honest(about, about.marker)}`, 'latin1'),
  }));
}

interface Case {
  readonly title: string;
  readonly outer: Outer;
  readonly head?: true;
}

/** A request that is nothing but good, to an address that is not there. */
export function honest({ host }: Pick<About, 'host'>, id: string): string {
  return `GET /nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`;
}

function innerOf(about: About): string {
  return honest(about, about.inner);
}

/** A POST with these raw lines, each without its end, and this body. */
function post({ host, outer }: About, raw: string, body: string): string {
  const fields = `Host: ${host}\r\nX-Correlation-ID: ${outer}\r\nContent-Type: application/json\r\n`;
  return `POST /api/secrets/value HTTP/1.1\r\n${fields}${raw}\r\n\r\n${body}`;
}

function chunk(data: string): string {
  return `${data.length.toString(16)}\r\n${data}\r\n`;
}

/** How Transfer-Encoding can be said so that one reader takes it and another does not. */
const CODINGS = [
  'Transfer-Encoding: chunked',
  'transfer-encoding: CHUNKED',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding\t: chunked',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding:chunked',
  'Transfer-Encoding: \x0bchunked',
  'Transfer-Encoding:\x0cchunked',
  'Transfer-Encoding: \xa0chunked',
  'Transfer-Encoding: chunked\0',
  'Transfer-Encoding\0: chunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunk',
  'Transfer-Encoding: chunked;q=1',
  'Transfer-Encoding: "chunked"',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: ,chunked',
  'Transfer-Encoding: chunked,',
  'Transfer-Encoding:',
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding: chu\r\n nked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
  'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
  'X-Note: a\nTransfer-Encoding: chunked',
  'X-Note: a\rTransfer-Encoding: chunked',
  'X-Note: a\r\n Transfer-Encoding: chunked',
  'Transfer_Encoding: chunked',
  'Transfer-Encoding: chunked\r\nConnection: Transfer-Encoding',
  'TE: chunked',
] as const;

/** A length and a coding that disagree, each way round, and a coding alone. */
function codings(): readonly Case[] {
  return CODINGS.flatMap((line): Case[] => [
    {
      title: `a length over all, beside ${line}`,
      outer: (about) => {
        const body = `0\r\n\r\n${innerOf(about)}`;
        return post(about, `Content-Length: ${body.length}\r\n${line}`, body);
      },
    },
    {
      title: `a length of 4, behind ${line}`,
      outer: (about) => post(about, `${line}\r\nContent-Length: 4`, `${chunk(innerOf(about))}0\r\n\r\n`),
    },
    {
      title: `no length, ${line}`,
      outer: (about) => post(about, line, `${chunk('{}')}0\r\n\r\n`),
    },
  ]);
}

/** How a length can be said so that readers count differently; the body is the inner request. */
function lengths(): readonly Case[] {
  const spelled: readonly ((length: number) => string)[] = [
    (n) => `Content-Length: ${n}\r\nContent-Length: ${n}`,
    (n) => `Content-Length: ${n}\r\nContent-Length: 0`,
    (n) => `Content-Length: 0\r\nContent-Length: ${n}`,
    (n) => `Content-Length: ${n}\r\ncontent-length: ${n - 1}`,
    (n) => `Content-Length: ${n}, ${n}`,
    (n) => `Content-Length: 0, ${n}`,
    (n) => `Content-Length: +${n}`,
    (n) => `Content-Length: -${n}`,
    (n) => `Content-Length: 0x${n.toString(16)}`,
    (n) => `Content-Length: 0${n}`,
    (n) => `Content-Length: ${n}.0`,
    (n) => `Content-Length: ${n}e0`,
    (n) => `Content-Length: ${n}_0`,
    (n) => `Content-Length: ${18_446_744_073_709_551_616n + BigInt(n)}`,
    (n) => `Content-Length: ${4_294_967_296 + n}`,
    (n) => `Content-Length: "${n}"`,
    (n) => `Content-Length: ${String(n)[0]} ${String(n).slice(1)}`,
    (n) => `Content-Length: ${n};`,
    (n) => `Content-Length: \x0b${n}`,
    (n) => `Content-Length: ${n}\0`,
    () => 'Content-Length:',
    (n) => `Content-Length : ${n}`,
    (n) => `Content-Length\t: ${n}`,
    (n) => `Content-Length:\r\n ${n}`,
    (n) => `Content_Length: ${n}`,
    (n) => `X-Note: a\nContent-Length: ${n}`,
    (n) => `X-Note: a\rContent-Length: ${n}`,
    (n) => `Content-Length: ${n}\r\nConnection: Content-Length`,
    (n) => `Content-Length: ${n}\r\nExpect: 100-continue`,
    (n) => `Content-Length: ${n}\r\nExpect: 100-continue, 100-continue`,
    () => 'X-Note: nothing said',
  ];
  return spelled.map((line) => ({
    title: `the length as ${line(100)}`,
    outer: (about) => post(about, line(innerOf(about).length), innerOf(about)),
  }));
}

/** How chunks can be said so that readers find another end; the inner request stands where a reader could take it for the next. */
function chunks(): readonly Case[] {
  const bodies: readonly ((inner: string) => string)[] = [
    (inner) => `${chunk('{}')}0\r\n\r\n${inner}`,
    () => '0x2\r\n{}\r\n0\r\n\r\n',
    () => '+2\r\n{}\r\n0\r\n\r\n',
    () => '-2\r\n{}\r\n0\r\n\r\n',
    () => ' 2\r\n{}\r\n0\r\n\r\n',
    () => '2 \r\n{}\r\n0\r\n\r\n',
    () => '2\t\r\n{}\r\n0\r\n\r\n',
    () => '0000000000000000000002\r\n{}\r\n0\r\n\r\n',
    () => '2_0\r\n{}\r\n0\r\n\r\n',
    (inner) => `10000000000000002\r\n{}\r\n0\r\n\r\n${inner}`,
    (inner) => `ffffffffffffffff\r\n${inner}`,
    () => '2;a=b\r\n{}\r\n0\r\n\r\n',
    () => '2 ;a="b c"\r\n{}\r\n0\r\n\r\n',
    (inner) => `2;a\n{}\r\n${(inner.length + 2).toString(16)}\r\n${inner}\r\n0\r\n\r\n`,
    (inner) => `2;\n${inner}{}\r\n0\r\n\r\n`,
    (inner) => `2;a="\r\n${inner}"\r\n{}\r\n0\r\n\r\n`,
    (inner) => `2\rxx\r\n{}\r\n0\r\n\r\n${inner}`,
    () => '2\0\r\n{}\r\n0\r\n\r\n',
    () => '2\n{}\n0\n\n',
    () => '2\r\n{}\n0\r\n\r\n',
    () => '2\r\n{}0\r\n\r\n',
    () => '2\r\n{}xx0\r\n\r\n',
    (inner) => `2\r\n{}XX${chunk(inner)}0\r\n\r\n`,
    (inner) => `${chunk('{}')}0\n\n${inner}`,
    (inner) => `${chunk('{}')}00\r\n\r\n${inner}`,
    (inner) => `${chunk('{}')}0\r\nX-Trailer: a\r\n\r\n${inner}`,
    (inner) => `${chunk('{}')}0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${inner}`,
    (inner) => `${chunk('{}')}0\r\n${inner}`,
    (inner) => `${chunk('{}')}0\r\n X: a\r\n\r\n${inner}`,
    (inner) => `${chunk('{}')}0\r\nX\r\n\r\n${inner}`,
    (inner) => `${chunk('{}')}0\r\rx${inner}`,
    (inner) => `${chunk('{}')}\r\n${inner}`,
    (inner) => `2;${'a'.repeat(17_000)}\r\n{}\r\n0\r\n\r\n${inner}`,
  ];
  return bodies.map((body) => ({
    title: `chunks as ${body('<inner>').slice(0, 60)}`,
    outer: (about) => post(about, 'Transfer-Encoding: chunked', body(innerOf(about))),
  }));
}

/** Request lines and fields that some readers mend. */
function lines(): readonly Case[] {
  const raw: readonly ((host: string, id: string, inner: string) => string)[] = [
    (host, id) => `GET /nowhere HTTP/1.1\nHost: ${host}\nX-Correlation-ID: ${id}\n\n`,
    (host, id) => `GET /nowhere HTTP/1.1\rHost: ${host}\rX-Correlation-ID: ${id}\r\r`,
    (host, id) => `\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `\n\nGET /nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `\0GET /nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => ` GET /nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET  /nowhere  HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET\t/nowhere\tHTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET\x0b/nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET /nowhere HTTP/1.1 \r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET /no where HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET /no\twhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET /no\0where HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET /no\xe9where HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET /nowhere#part HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET * HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET https://${host}/nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET https://evil.example/nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET /nowhere%00%0d%0a HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id, inner) => `GET /nowhere?a=${inner} HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET /nowhere HTTP/1.1\r\n Host: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET /nowhere HTTP/1.1\r\nHost: ${host}\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET /nowhere HTTP/1.1\r\nHost : ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET /nowhere HTTP/1.1\r\nHost:\r\n ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET /nowhere HTTP/1.1\r\nHost: ${host}, ${host}\r\nX-Correlation-ID: ${id}\r\n\r\n`,
    (host, id) => `GET /nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n: a\r\n\r\n`,
    (host, id) => `GET /nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\nNoColon\r\n\r\n`,
    (host, id) => `GET /nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\nX[]: a\r\n\r\n`,
    (host, id) => `GET /nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\nX\xe9: a\r\n\r\n`,
    (host, id) => `GET /nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\nX-Note: a\x01b\r\n\r\n`,
    (host, id) => `GET /nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\nX-Note: a\0b\r\n\r\n`,
    (host, id) => `GET /nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\nX-Note: a\r\n b\r\n\tc\r\n\r\n`,
    (host, id, inner) => `GET /nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\nX-Note: a\n\n${inner}`,
    (host, id, inner) => `GET /nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\nX-Note: a\r\r${inner}`,
    (host, id, inner) => `GET /nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\n${inner}`,
    (host, id, inner) => `GET /nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n \r\n${inner}`,
    (host, id, inner) => `GET /nowhere HTTP/1.1\r\nHost: ${host}\r\nX-Correlation-ID: ${id}\r\n\0\r\n${inner}`,
  ];
  return raw.map((make) => ({
    title: `lines as ${make('h', 'id', '<inner>')}`,
    outer: (about) => make(about.host, about.outer, innerOf(about)),
  }));
}

/** Methods without a body that have one, other versions, other protocols. */
function methodsAndVersions(): readonly Case[] {
  const framed = (method: string, version: string, extra = ''): Case[] => [
    {
      title: `${method} ${version} ${extra} with a length`,
      ...(method === 'HEAD' && { head: true as const }),
      outer: (about) => {
        const body = innerOf(about);
        const head = `${method} /nowhere ${version}\r\nHost: ${about.host}\r\nX-Correlation-ID: ${about.outer}\r\n${extra}`;
        return `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
      },
    },
    {
      title: `${method} ${version} ${extra} with chunks`,
      ...(method === 'HEAD' && { head: true as const }),
      outer: (about) => {
        const head = `${method} /nowhere ${version}\r\nHost: ${about.host}\r\nX-Correlation-ID: ${about.outer}\r\n${extra}`;
        return `${head}Transfer-Encoding: chunked\r\n\r\n${chunk(innerOf(about))}0\r\n\r\n`;
      },
    },
  ];
  const upgrade = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n';
  const socket =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 99\r\nSec-WebSocket-Key: YQ==\r\n';
  return [
    ...['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'PRI', 'get', 'M-SEARCH'].flatMap((method) =>
      framed(method, 'HTTP/1.1'),
    ),
    ...['HTTP/1.0', 'HTTP/0.9', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/1.', 'http/1.1', 'HTTP/01.1', 'HTTP/1.1.1'].flatMap(
      (version) => framed('POST', version),
    ),
    ...framed('POST', 'HTTP/1.0', 'Connection: keep-alive\r\n'),
    ...framed('GET', 'HTTP/1.1', upgrade),
    ...framed('GET', 'HTTP/1.1', socket),
    ...framed('POST', 'HTTP/1.1', 'Connection: close, keep-alive\r\n'),
    { title: 'no version', outer: (about) => `GET /nowhere\r\n${innerOf(about)}` },
  ];
}
