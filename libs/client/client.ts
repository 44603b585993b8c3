import { generateKeyPair, generateProof, type KeyPair } from 'dpop';

import { asksForNonce, errorOf, nonceOf, secretOf, type HttpAnswer } from './answer.js';
import { originOf, pathOf, reasonOf, tokenOf } from './arguments.js';
import { PosternError } from './error.js';
import { Patience } from './patience.js';
import { isRecord, type Secret } from './secret.js';

export interface PosternClientOptions {
  /** Scheme, host and port of the gateway, as it knows itself: proofs are made for this address. */
  readonly origin: string;
  /**
   * Called for each request that is sent; caching and renewal are the caller's. The token must be bound to the key that is handed
   * over, which is `keyPair` or the client's own; with `Bearer` there is none.
   */
  readonly accessToken: (keyPair: KeyPair | undefined) => string | Promise<string>;
  /** The key of a DPoP-bound token. Left out, the client makes an ES256 pair whose private half cannot be exported. */
  readonly keyPair?: KeyPair;
  /** `Bearer` sends an unbound token without a proof, which a gateway takes in development only. */
  readonly scheme?: 'DPoP' | 'Bearer';
  /** For one read as a whole, retries and waiting included; 10,000 when left out. */
  readonly timeoutMs?: number;
  /** How often a 503 or 429 with `Retry-After` is tried again; 2 when left out. Each try may cost a use of a grant. */
  readonly retries?: number;
  /** Lets http:// go to other hosts than this one: the token and the secret are then on the wire for all to read. */
  readonly insecureHttp?: boolean;
  /** In place of the global `fetch`. */
  readonly fetch?: typeof fetch;
}

export interface ReadOptions {
  /** Why: goes to the policy and into the audit (`X-Access-Reason`); 1 to 256 printable ASCII characters. */
  readonly reason?: string;
  readonly signal?: AbortSignal;
}

const ACCEPT = 'application/json, application/problem+json';

/** What one request is sent with, and what of it no error may repeat. */
interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly sealed: readonly string[];
}

/** What a read may still do over: each is bounded for the read as a whole. */
interface Chances {
  readonly patience: Patience;
  retries: number;
  nonce: boolean;
}

/** Reads secrets through one gateway. One client serves any number of reads at a time, and keeps the gateway's newest nonce. */
export class PosternClient {
  readonly #options: PosternClientOptions;
  readonly #origin: string;
  #keyPair: Promise<KeyPair> | undefined;
  #nonce: string | undefined;

  /** @throws TypeError when the origin is none, or would send the token in the clear */
  constructor(options: PosternClientOptions) {
    this.#options = options;
    this.#origin = originOf(options.origin, options.insecureHttp === true);
  }

  /**
   * @param uri `provider+engine://mount/path?version=N#key`, as it is written: the client encodes it
   * @throws PosternError with the gateway's code, or why there was no answer
   */
  async read(uri: string, { reason, signal }: ReadOptions = {}): Promise<Secret> {
    const url = `${this.#origin}/api/secrets/value/${pathOf(uri)}`;
    const headers = { accept: ACCEPT, ...(reason !== undefined && { 'x-access-reason': reasonOf(reason) }) };
    const patience = new Patience(this.#options.timeoutMs ?? 10_000, signal);
    const chances: Chances = { patience, retries: this.#options.retries ?? 2, nonce: this.#dpop };
    for (;;) {
      const credentials = await patience.within(this.#credentials(url));
      const answer = await patience.within(this.#send(url, { ...headers, ...credentials.headers }, patience.signal));
      if (answer.status === 200) return secretOf(answer);
      const error = errorOf(answer, credentials.sealed);
      if (!(await mayTryAgain(answer, error, chances))) throw error;
    }
  }

  get #dpop(): boolean {
    return this.#options.scheme !== 'Bearer';
  }

  /** A fresh proof each time (RFC 9449 section 4.2): none is ever sent twice. */
  async #credentials(url: string): Promise<Credentials> {
    if (!this.#dpop) {
      const token = tokenOf(await this.#options.accessToken(undefined));
      return { headers: { authorization: `Bearer ${token}` }, sealed: [token] };
    }
    const { keyPair: given } = this.#options;
    this.#keyPair ??= given === undefined ? generateKeyPair('ES256') : Promise.resolve(given);
    const keyPair = await this.#keyPair;
    const token = tokenOf(await this.#options.accessToken(keyPair));
    const proof = await generateProof(keyPair, url, 'GET', this.#nonce, token);
    return { headers: { authorization: `DPoP ${token}`, dpop: proof }, sealed: [token, proof] };
  }

  /** Redirects are not followed: the proof was made for this address, and `fetch` would take it along. */
  async #send(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<HttpAnswer> {
    const send = this.#options.fetch ?? fetch;
    try {
      const response = await send(url, { headers, signal, redirect: 'manual' });
      this.#nonce = nonceOf(response.headers) ?? this.#nonce;
      return { status: response.status, headers: response.headers, text: await response.text() };
    } catch (error) {
      throw noAnswer(error);
    }
  }
}

/** A nonce is answered once (RFC 9449 section 9); unavailability as often as allowed, after the time that the gateway asks for. */
async function mayTryAgain(
  answer: HttpAnswer,
  { retryAfterSeconds }: PosternError,
  chances: Chances,
): Promise<boolean> {
  if (chances.nonce && asksForNonce(answer)) {
    chances.nonce = false;
    return true;
  }
  const busy = answer.status === 503 || answer.status === 429;
  if (!busy || retryAfterSeconds === undefined || chances.retries <= 0) return false;
  chances.retries -= 1;
  // Up to a fifth more, so that clients that were turned away together do not come back together.
  return await chances.patience.pause(retryAfterSeconds * 1_000 * (1 + Math.random() / 5));
}

/** Of what `fetch` says only the system's code is kept: its causes can hold the bytes of the answer. */
function noAnswer(error: unknown): PosternError {
  const cause = isRecord(error) && isRecord(error['cause']) ? error['cause'] : {};
  const code = cause['code'];
  const known = typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,40}$/.test(code);
  return new PosternError({
    code: 'NO_ANSWER',
    status: 0,
    title: 'The gateway did not answer',
    detail: known ? code : undefined,
  });
}
