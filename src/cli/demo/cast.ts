import { PosternClient, type PosternClientOptions } from '#libs/client/client.js';
import { PosternError } from '#libs/client/error.js';
import type { SecretValue } from '#libs/client/secret.js';
import type { DevelopmentIssuer } from '#src/dev/development-issuer.js';
import { freshKeyPair } from '#src/dev/kept-key-pair.js';

import type { Role } from './scenes.js';

/** What came back over HTTP, as the client that services install understood it. */
export interface Answer {
  /** 0: nothing answered. */
  readonly status: number;
  readonly code?: string | undefined;
  readonly title?: string | undefined;
  readonly detail?: string | undefined;
  readonly resetsAt?: string | undefined;
  readonly value?: SecretValue;
  readonly usesLeft?: number;
  /** `Postern-Receipt`. */
  readonly receipt?: string | undefined;
}

/** Asks for one secret in somebody's place. */
export type Ask = (by: Role, uri: string) => Promise<Answer>;

/**
 * Everybody who takes part, at one gateway: a service with its key and token, and those who have stolen or overheard something. All
 * of them use the published client, so that a refusal is never a request that was merely malformed.
 */
export async function gatherCast(origin: string, issuer: DevelopmentIssuer): Promise<Ask> {
  const [key, otherKey] = [await freshKeyPair(), await freshKeyPair()];
  const token = await issuer.mintDevToken({ jkt: key.thumbprint });
  const narrow = await issuer.mintDevToken({ jkt: key.thumbprint, scopes: ['secrets.write'] });
  const wire = new OverheardWire();
  const client = (options: Omit<PosternClientOptions, 'origin'>): PosternClient =>
    new PosternClient({ origin, retries: 0, ...options });
  const cast: Readonly<Record<Role, PosternClient>> = {
    service: client({ accessToken: () => token, keyPair: key, fetch: wire.fetch }),
    'service without the scope': client({ accessToken: () => narrow, keyPair: key }),
    nobody: client({ accessToken: () => token, keyPair: key, fetch: withoutCredentials }),
    eavesdropper: client({ accessToken: () => token, keyPair: key, fetch: wire.fetchAgain }),
    'thief with a key': client({ accessToken: () => token, keyPair: otherKey }),
    'thief with curl': client({ accessToken: () => token, scheme: 'Bearer' }),
  };
  return async (by, uri) => await answerOf(cast[by], uri);
}

/** The service's connection, with somebody else on it. */
class OverheardWire {
  #last: RequestInit = {};

  readonly fetch: typeof fetch = async (input, init) => {
    this.#last = { ...init };
    return await fetch(input, init);
  };

  /** Whatever this client would send: the service's last request goes out again. */
  readonly fetchAgain: typeof fetch = async (input, init) =>
    await fetch(input, { ...this.#last, ...(init?.signal !== undefined && { signal: init.signal }) });
}

const withoutCredentials: typeof fetch = async (input, init) =>
  await fetch(input, { ...init, headers: { accept: 'application/json' } });

async function answerOf(client: PosternClient, uri: string): Promise<Answer> {
  try {
    const { value, grant, receipt } = await client.read(uri);
    return { status: 200, value, usesLeft: grant.uses_left, receipt };
  } catch (error) {
    if (error instanceof PosternError) return error;
    throw error;
  }
}
