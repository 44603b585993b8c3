import { generateProof } from 'dpop';

import { isJsonObject, type JsonObject } from '#libs/kernel/json.js';
import type { KeptKeyPair } from '#src/dev/kept-key-pair.js';

import { Failure } from './failure.js';

/** One request to the gateway, before it is signed. */
export interface Call {
  readonly origin: string;
  readonly method: 'GET' | 'POST';
  /** Raw path, without query. */
  readonly path: string;
  readonly body?: string;
  readonly reason?: string;
  /** Bound to `key`. */
  readonly token: string;
  readonly key: KeptKeyPair;
}

export interface CallAnswer {
  readonly status: number;
  readonly text: string;
  /** The body, when it is a JSON object. */
  readonly json: JsonObject | undefined;
  readonly receipt: string | undefined;
  /** What a sign-in must be, in the words of the challenge (RFC 9470 section 3): `acr_values="…", max_age="…"`. */
  readonly stepUp: string | undefined;
}

const WAIT_MS = 10_000;

/**
 * Sends a call with a fresh proof, and once more when the gateway asks for a nonce (RFC 9449 section 8).
 * @throws Failure when no gateway answers
 */
export async function send(call: Call): Promise<CallAnswer> {
  const first = await sendOnce(call, undefined);
  const nonce = first.headers.get('dpop-nonce');
  const asked = first.status === 401 && /\berror="use_dpop_nonce"/.test(first.headers.get('www-authenticate') ?? '');
  if (!asked || nonce === null) return await answerOf(first);
  await first.body?.cancel();
  return await answerOf(await sendOnce(call, nonce));
}

async function sendOnce(call: Call, nonce: string | undefined): Promise<Response> {
  const { origin, method, path, body } = call;
  try {
    return await fetch(`${origin}${path}`, {
      method,
      headers: await headersOf(call, nonce),
      redirect: 'error',
      signal: AbortSignal.timeout(WAIT_MS),
      ...(body !== undefined && { body }),
    });
  } catch (error) {
    throw new Failure(
      `${whyOf(error)} at ${origin}: start the gateway with npm start, or say with --origin where it listens.`,
      2,
    );
  }
}

async function headersOf(
  { origin, method, path, body, reason, token, key }: Call,
  nonce: string | undefined,
): Promise<Record<string, string>> {
  return {
    Authorization: `DPoP ${token}`,
    DPoP: await generateProof(key, `${origin}${path}`, method, nonce, token),
    ...(reason !== undefined && { 'X-Access-Reason': reason }),
    ...(body !== undefined && { 'Content-Type': 'application/json' }),
  };
}

/** The same call as a line for a shell. */
export async function asCurlCommand(call: Call): Promise<string> {
  const headers = Object.entries(await headersOf(call, undefined)).map(
    ([name, value]) => `-H ${quoted(`${name}: ${value}`)}`,
  );
  const data = call.body === undefined ? [] : ['--data', quoted(call.body)];
  return ['curl', '-sS', ...headers, ...data, quoted(`${call.origin}${call.path}`)].join(' ');
}

/** Status and problem in words; never the value. */
export function describeAnswer({ status, json, receipt, stepUp }: CallAnswer): string {
  if (status >= 200 && status < 300) return receipt === undefined ? `${status}` : `${status}, receipt ${receipt}`;
  const code = memberOf(json, 'code');
  const said = `${memberOf(json, 'title')} ${memberOf(json, 'detail')}`.trim();
  const request = memberOf(json, 'request_id');
  return (
    `${status} ${code}`.trimEnd() +
    (said === '' ? '' : `: ${said}`) +
    (stepUp === undefined ? '' : ` [${stepUp}]`) +
    (request === '' ? '' : ` (request ${request})`)
  );
}

/** A text member of a problem, on one line whatever it holds. */
function memberOf(json: JsonObject | undefined, name: string): string {
  const value = json?.[name];
  return typeof value === 'string' ? value.replaceAll(/\p{Cc}/gu, ' ') : '';
}

async function answerOf(response: Response): Promise<CallAnswer> {
  const text = await response.text();
  return {
    status: response.status,
    text,
    json: jsonOf(text),
    receipt: response.headers.get('postern-receipt') ?? undefined,
    stepUp: stepUpOf(response.headers.get('www-authenticate') ?? ''),
  };
}

function stepUpOf(challenges: string): string | undefined {
  if (!challenges.includes('error="insufficient_user_authentication"')) return undefined;
  const words = challenges.match(/\b(?:acr_values|max_age)="[\x20-\x7e]*?"/g);
  return words === null ? undefined : words.join(', ');
}

function jsonOf(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function whyOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `No answer within ${WAIT_MS / 1000} s`;
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return code === 'ECONNREFUSED' ? 'Nothing listens' : 'No usable answer';
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
