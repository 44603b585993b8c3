import { connect, type Socket } from 'node:net';

/** One answer as it stood on the wire. */
export interface WireAnswer {
  readonly status: number;
  /** Names in lower case; a repeated field has several values. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
  /** The body as JSON; an empty object when it is empty or, as a proxy's own page, something else. */
  readonly problem: Readonly<Record<string, unknown>>;
}

/** A bare connection: nothing between the test and the bytes. */
export class Wire {
  readonly socket: Socket;
  /** Such as `ECONNRESET`, when the connection did not end in order. */
  failure: string | undefined;
  #received = '';
  #closed = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#wake();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.failure = error.code;
    });
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** @param from the address to call from: every address of 127.0.0.0/8 is this machine */
  static async open(port: number, from?: string): Promise<Wire> {
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      ...(from !== undefined && { localAddress: from }),
    });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new Wire(socket);
  }

  /** Over a connection that stands already, such as one through TLS. */
  static over(socket: Socket): Wire {
    return new Wire(socket);
  }

  send(bytes: string | Uint8Array): this {
    this.socket.write(bytes);
    return this;
  }

  /** The next whole answer. @param toHead whether the request was a HEAD, whose answer has no body */
  async answer({ toHead = false } = {}): Promise<WireAnswer> {
    for (;;) {
      const parsed = take(this.#received, toHead);
      if (parsed !== undefined) {
        this.#received = this.#received.slice(parsed.length);
        return parsed.answer;
      }
      if (this.#closed) throw new Error(`closed after ${JSON.stringify(this.#received)}`);
      await this.#more();
    }
  }

  /** Waits until the peer has sent this text, and drops everything up to its end. */
  async until(text: string): Promise<void> {
    while (!this.#received.includes(text)) {
      if (this.#closed) throw new Error(`closed after ${JSON.stringify(this.#received)}`);
      await this.#more();
    }
    this.#received = this.#received.slice(this.#received.indexOf(text) + text.length);
  }

  /** Everything up to the end of the connection. */
  async rest(): Promise<string> {
    while (!this.#closed) await this.#more();
    return this.#received;
  }

  get closed(): boolean {
    return this.#closed;
  }

  end(): void {
    this.socket.destroy();
  }

  async #more(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** Sends bytes on a connection of their own, and gives the first answer. */
export async function ask(
  port: number,
  bytes: string | Uint8Array,
  options?: { toHead?: boolean; from?: string },
): Promise<WireAnswer> {
  const wire = await Wire.open(port, options?.from);
  try {
    return await wire.send(bytes).answer(options);
  } finally {
    wire.end();
  }
}

function take(text: string, toHead: boolean): { readonly answer: WireAnswer; readonly length: number } | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.1 ([0-9]{3})/.exec(statusLine)?.[1]);
  if (status === 100) {
    const next = take(text.slice(end + 4), toHead);
    return next === undefined ? undefined : { ...next, length: next.length + end + 4 };
  }
  const headers: Record<string, string[]> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    (headers[line.slice(0, colon).toLowerCase()] ??= []).push(line.slice(colon + 1).trim());
  }
  const length = toHead ? 0 : Number(headers['content-length']?.[0] ?? 0);
  if (text.length < end + 4 + length) return undefined;
  const body = text.slice(end + 4, end + 4 + length);
  return { answer: { status, headers, body, problem: objectOf(body) }, length: end + 4 + length };
}

function objectOf(body: string): Record<string, unknown> {
  return body.startsWith('{') ? (JSON.parse(body) as Record<string, unknown>) : {};
}
