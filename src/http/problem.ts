import type { Code } from '#libs/kernel/codes.js';
import type { RefusalHints } from '#libs/kernel/refusal.js';

import { challenges, type Credential } from './challenge.js';
import { PROBLEMS, problemType, type ProblemRow } from './problems.js';

/** The ids that every answer carries. */
export interface AnswerIds {
  /** Made by the gateway. */
  readonly requestId: string;
  /** The caller's, bounded, or the request id. */
  readonly correlationId: string;
}

/** Everything about one refusal that its answer depends on. */
export interface Told {
  readonly ids: AnswerIds;
  readonly credential: Credential;
  /** As the challenges have them. */
  readonly bearer: boolean;
  readonly resourceMetadata?: string | undefined;
  readonly detail?: string | undefined;
  readonly hints?: RefusalHints | undefined;
  readonly receipt?: string | undefined;
}

/** An answer ready to be written: `headers` is name, value, name, value, as `writeHead` takes it. */
export interface Answered {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
}

const NOTHING: RefusalHints = {};

/**
 * The headers that every answer of this gateway carries; it says nothing of the product or its version, and is never stored, with the
 * one exception of what is the same for everybody and public.
 */
export function headersOf(ids: AnswerIds, type: string, body: string, cacheControl = 'no-store'): string[] {
  return [
    'Content-Type',
    type,
    'Content-Length',
    String(Buffer.byteLength(body)),
    'Cache-Control',
    cacheControl,
    'X-Content-Type-Options',
    'nosniff',
    'X-Request-ID',
    ids.requestId,
    'X-Correlation-ID',
    ids.correlationId,
  ];
}

/** A refusal as problem+json: RFC 9457, with challenges by RFC 6750 section 3, RFC 9449 section 7.1 and RFC 9470 section 3. */
export function problemOf(code: Code, told: Told): Answered {
  const row = PROBLEMS[code];
  const hints = row.opaque === true ? NOTHING : (told.hints ?? NOTHING);
  const body = JSON.stringify({
    type: problemType(code),
    title: row.title,
    status: row.status,
    code,
    ...(told.detail !== undefined && row.opaque !== true && { detail: told.detail }),
    ...(hints.resetsAt !== undefined && { resets_at: hints.resetsAt }),
    request_id: told.ids.requestId,
    correlation_id: told.ids.correlationId,
  });
  const headers = headersOf(told.ids, 'application/problem+json', body);
  headers.push(...challengeHeaders(row, hints, told), ...hintHeaders(row, hints));
  // The nonce is told with every code: a caller that was refused for another reason still needs it for its next proof.
  if (told.hints?.dpopNonce !== undefined) headers.push('DPoP-Nonce', told.hints.dpopNonce);
  if (told.receipt !== undefined) headers.push('Postern-Receipt', told.receipt);
  return { status: row.status, headers, body };
}

/** Every 401 challenges; other statuses only to tell a caller that sent a credential which error word of OAuth this is. */
function challengeHeaders({ status, oauth }: ProblemRow, hints: RefusalHints, told: Told): string[] {
  const { credential, bearer, resourceMetadata } = told;
  if (status !== 401 && (oauth === undefined || credential === 'none')) return [];
  return challenges({ credential, bearer, resourceMetadata, oauth, hints }).flatMap((value) => [
    'WWW-Authenticate',
    value,
  ]);
}

function hintHeaders(row: ProblemRow, hints: RefusalHints): string[] {
  const headers: string[] = [];
  const retryAfter = hints.retryAfterSeconds ?? row.retryAfterSeconds;
  if (retryAfter !== undefined) headers.push('Retry-After', String(Math.max(0, Math.ceil(retryAfter))));
  if (hints.allow !== undefined) headers.push('Allow', hints.allow.join(', '));
  return headers;
}
