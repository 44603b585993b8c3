import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify, type JWTPayload } from 'jose';

/** One request as it came in, with the claims of its proof when that was in order. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly claims?: JWTPayload;
  readonly jkt?: string;
}

/** What a test lets the gateway do in place of giving the secret; returns false to let it give the secret after all. */
export type Turn = (response: ServerResponse, seen: Seen) => void | false;

/**
 * An HTTP server on the loopback that judges each request as RFC 9449 section 4.3 says, by jose, and then does what the test
 * has lined up: the counterpart of the client, not the gateway.
 */
export class LoopbackGateway {
  readonly seen: Seen[] = [];
  readonly #server: Server;
  readonly #turns: Turn[] = [];
  readonly #proofs = new Set<string>();
  /** Wanted in each proof when set. */
  nonce: string | undefined;
  /** Sent with each answer when set. */
  nextNonce: string | undefined;

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request, response);
    });
  }

  static async start(): Promise<LoopbackGateway> {
    const gateway = new LoopbackGateway();
    await new Promise<void>((resolve) => gateway.#server.listen(0, '127.0.0.1', resolve));
    return gateway;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What to do with the next requests that are in order, one each. */
  lineUp(...turns: Turn[]): void {
    this.#turns.push(...turns);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    if (this.nextNonce !== undefined) response.setHeader('DPoP-Nonce', this.nextNonce);
    const plain: Seen = { method, path, headers };
    let seen = plain;
    try {
      if (!/^Bearer [^ ]+$/.test(headers.authorization ?? '')) seen = { ...plain, ...(await this.#judge(plain)) };
    } catch (error) {
      this.seen.push(plain);
      problem(response, 401, 'INVALID_DPOP_PROOF', { detail: String(error) });
      return;
    }
    this.seen.push(seen);
    if (seen.claims !== undefined && this.nonce !== undefined && seen.claims['nonce'] !== this.nonce) {
      response.setHeader('DPoP-Nonce', this.nonce);
      response.setHeader('WWW-Authenticate', 'DPoP error="use_dpop_nonce", algs="ES256 Ed25519"');
      problem(response, 401, 'USE_DPOP_NONCE');
      return;
    }
    const turn = this.#turns.shift();
    if (turn === undefined || turn(response, seen) === false) json(response, 200, secret(path));
  }

  async #judge({ method, path, headers }: Seen): Promise<{ claims: JWTPayload; jkt: string }> {
    const token = /^DPoP ([A-Za-z0-9._~+/-]+=*)$/.exec(headers.authorization ?? '')?.[1] ?? fail('authorization');
    const proof = typeof headers['dpop'] === 'string' ? headers['dpop'] : fail('no proof');
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: ['ES256', 'Ed25519'],
      maxTokenAge: 60,
      requiredClaims: ['jti', 'htm', 'htu', 'iat', 'ath'],
    });
    if (payload['htm'] !== method) fail('htm');
    if (payload['htu'] !== `${this.origin}${path}`) fail('htu');
    if (payload['ath'] !== createHash('sha256').update(token).digest('base64url')) fail('ath');
    if (this.#proofs.has(String(payload.jti))) fail('jti');
    this.#proofs.add(String(payload.jti));
    return { claims: payload, jkt: await calculateJwkThumbprint(protectedHeader.jwk ?? fail('jwk')) };
  }
}

/** A problem as the gateway writes one. */
export function problem(
  response: ServerResponse,
  status: number,
  code: string,
  more: Record<string, unknown> = {},
): void {
  response.setHeader('Content-Type', 'application/problem+json');
  json(response, status, {
    type: `/errors/${code}`,
    title: `Title of ${code}`,
    status,
    code,
    request_id: 'r-1',
    correlation_id: 'c-1',
    ...more,
  });
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  if (!response.hasHeader('Content-Type')) response.setHeader('Content-Type', 'application/json');
  response.writeHead(status).end(JSON.stringify(body));
}

/** The secret that is asked for, as the gateway would give it. */
export function secret(path: string): Record<string, unknown> {
  const uri = decodeURIComponent(path.slice(path.lastIndexOf('/') + 1));
  return {
    uri,
    key: uri.split('#')[1],
    value: 'a value',
    version: 3,
    grant: { id: 'g-1', expires_at: '2026-01-01T00:05:00.000Z', uses_left: 4 },
    receipt: 'w.7',
  };
}

function fail(what: string): never {
  throw new Error(what);
}
