import { PosternError, type StepUp } from './error.js';
import { isRecord, isSecret, type Secret } from './secret.js';

/** One HTTP answer, read to its end. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/**
 * @param answer a 200
 * @throws PosternError when it holds no secret
 */
export function secretOf(answer: HttpAnswer): Secret {
  const secret = mediaType(answer) === 'application/json' ? json(answer.text) : undefined;
  if (!isSecret(secret)) throw unexpected(answer);
  return secret;
}

/**
 * RFC 9457 by the members that the gateway writes; any other answer is told by its status and media type alone, since nobody knows
 * what it repeats.
 *
 * @param sealed what must not come back in an error, such as the token, even when the answer quotes it
 */
export function errorOf(answer: HttpAnswer, sealed: readonly string[]): PosternError {
  const problem = mediaType(answer) === 'application/problem+json' ? json(answer.text) : undefined;
  if (!isRecord(problem)) return unexpected(answer);
  const said = (name: string): string | undefined => {
    const text = problem[name];
    return typeof text === 'string' && !sealed.some((secret) => text.includes(secret)) ? text : undefined;
  };
  return new PosternError({
    code: said('code') ?? 'UNEXPECTED_ANSWER',
    status: answer.status,
    title: said('title'),
    detail: said('detail'),
    requestId: said('request_id'),
    correlationId: said('correlation_id'),
    receipt: answer.headers.get('postern-receipt') ?? undefined,
    retryAfterSeconds: retryAfter(answer),
    resetsAt: said('resets_at'),
    stepUp: stepUpOf(answer),
  });
}

/** RFC 9449 section 9: only with a nonce is there anything to answer the challenge with. */
export function asksForNonce({ status, headers }: HttpAnswer): boolean {
  return (
    status === 401 &&
    nonceOf(headers) !== undefined &&
    (headers.get('www-authenticate') ?? '').includes('error="use_dpop_nonce"')
  );
}

/** RFC 9449 section 8.1: `1*NQCHAR`. What is none is not sent back. */
export function nonceOf(headers: Headers): string | undefined {
  const nonce = headers.get('dpop-nonce');
  return nonce !== null && /^[\x21\x23-\x5B\x5D-\x7E]{1,1024}$/.test(nonce) ? nonce : undefined;
}

/** RFC 9470 section 3. What is not written as there is left out. */
function stepUpOf({ status, headers }: HttpAnswer): StepUp | undefined {
  const challenges = headers.get('www-authenticate') ?? '';
  if (status !== 401 || !challenges.includes('error="insufficient_user_authentication"')) return undefined;
  const acrValues = /\bacr_values="([\x21\x23-\x5b\x5d-\x7e ]{1,4096})"/.exec(challenges)?.[1] ?? '';
  const maxAge = /\bmax_age="(\d{1,9})"/.exec(challenges)?.[1];
  return {
    acrValues: acrValues.split(' ').filter((value) => value !== ''),
    ...(maxAge !== undefined && { maxAgeSeconds: Number(maxAge) }),
  };
}

function unexpected(answer: HttpAnswer): PosternError {
  const type = mediaType(answer);
  return new PosternError({
    code: 'UNEXPECTED_ANSWER',
    status: answer.status,
    title: 'What answered does not speak like Postern',
    detail: `HTTP ${answer.status} with ${/^[a-z0-9.+/-]{1,80}$/.test(type) ? type : 'no media type'}; check the origin`,
    retryAfterSeconds: retryAfter(answer),
  });
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
function retryAfter({ headers }: HttpAnswer): number | undefined {
  const text = headers.get('retry-after') ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const seconds = Math.ceil((Date.parse(text) - Date.now()) / 1_000);
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

function mediaType({ headers }: HttpAnswer): string {
  return (headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** The parser's own error quotes the text, which may be a secret: it goes no further. */
function json(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
