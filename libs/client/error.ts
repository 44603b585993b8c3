/** What a `PosternError` knows; everything beside `code` and `status` may be absent. */
export interface PosternErrorFields {
  /**
   * Stable, UPPER_SNAKE: the gateway's own code, or one of the client's: `NO_ANSWER` (the network failed), `TIMED_OUT`
   * (`timeoutMs` passed), `UNEXPECTED_ANSWER` (what answered does not speak like Postern).
   */
  readonly code: string;
  /** The HTTP status; 0 when nothing answered. */
  readonly status: number;
  /** One sentence, constant per code. */
  readonly title?: string | undefined;
  /** What was wrong with this request, and what to do. */
  readonly detail?: string | undefined;
  /** The gateway's id of the request: what its operator looks for. */
  readonly requestId?: string | undefined;
  /** The caller's own id of the request, or the gateway's. */
  readonly correlationId?: string | undefined;
  /** Names the audit record of the refusal. */
  readonly receipt?: string | undefined;
  /** When asking again makes sense, in seconds. */
  readonly retryAfterSeconds?: number | undefined;
  /** When a spent quota is filled again (RFC 3339). */
  readonly resetsAt?: string | undefined;
  /** Of `STEP_UP_REQUIRED`: what the user's next sign-in must be (RFC 9470). */
  readonly stepUp?: StepUp | undefined;
}

/** What to ask the authorization server for, under the names of its parameters `acr_values` and `max_age`. */
export interface StepUp {
  /** Any one of them will do; in order of preference. Empty: whatever way. */
  readonly acrValues: readonly string[];
  readonly maxAgeSeconds?: number;
}

/**
 * The only error that a read ends in, apart from the caller's own: an aborted signal's reason, what `accessToken` throws, and a
 * TypeError for arguments that no request can be made of. It never holds a token, a proof or a value, nor a cause that might.
 */
export class PosternError extends Error implements PosternErrorFields {
  override readonly name = 'PosternError';
  readonly code: string;
  readonly status: number;
  readonly title: string | undefined;
  readonly detail: string | undefined;
  readonly requestId: string | undefined;
  readonly correlationId: string | undefined;
  readonly receipt: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly resetsAt: string | undefined;
  readonly stepUp: StepUp | undefined;

  constructor(fields: PosternErrorFields) {
    super(sentence(fields));
    this.code = fields.code;
    this.status = fields.status;
    this.title = fields.title;
    this.detail = fields.detail;
    this.requestId = fields.requestId;
    this.correlationId = fields.correlationId;
    this.receipt = fields.receipt;
    this.retryAfterSeconds = fields.retryAfterSeconds;
    this.resetsAt = fields.resetsAt;
    this.stepUp = fields.stepUp;
  }
}

function sentence({ code, title, detail, requestId }: PosternErrorFields): string {
  const said = [title, detail].filter((text) => text !== undefined && text !== '').join(': ');
  return `${code}${said === '' ? '' : ` ${said}`}${requestId === undefined ? '' : ` (request ${requestId})`}`;
}
