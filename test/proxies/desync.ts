import type { Wire } from '../http/wire.js';

/** What became of the bytes of one connection. */
export interface Outcome {
  /** Of each answer in order: the id of the request that it answers, or `-` when the gateway did not write it. One without any head is one to HTTP/0.9. */
  readonly answered: readonly string[];
  readonly statuses: readonly number[];
}

/** So long after the last byte, nothing more is waited for: the reader wants more of a body than was sent. */
const QUIET_MS = 1_500;
/** After the answer to the last request, nothing should follow; this is how long it could. */
const AFTERWARDS_MS = 50;

export interface Sent {
  readonly bytes: Uint8Array;
  /** The id of the last request. */
  readonly last: string;
  /** Whether the first answer has no body. */
  readonly toHead: boolean;
  /** Whether the gateway has answered a request that is none of these: then its answer is on the way. */
  readonly owed: (answered: readonly string[]) => boolean;
}

/** A busy machine may hold an answer up; one that does not come at all is a finding. */
const OWED_MS = 10_000;

/** Sends bytes at once, and takes what comes until the last request is answered, the connection closes, or falls silent. */
export async function outcomeOf(wire: Wire, { bytes, last, toHead, owed }: Sent): Promise<Outcome> {
  let received = '';
  let heard = performance.now();
  wire.socket.on('data', (text) => {
    received += String(text);
    heard = performance.now();
  });
  wire.send(bytes);
  const isOver = (): boolean => {
    const silence = performance.now() - heard;
    if (silence < AFTERWARDS_MS) return false;
    const { answered } = answersIn(received, toHead);
    if (answered.includes(last) || silence > OWED_MS) return true;
    return silence > QUIET_MS && !owed(answered);
  };
  while (!wire.closed && !isOver()) await new Promise((resolve) => setTimeout(resolve, 20));
  wire.end();
  return answersIn(received, toHead);
}

function answersIn(received: string, toHead: boolean): Outcome {
  const answered: string[] = [];
  const statuses: number[] = [];
  for (let rest = received; rest !== '';) {
    const end = rest.indexOf('\r\n\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(rest)?.[1]);
    if (end === -1 || Number.isNaN(status)) {
      answered.push(/"correlation_id":"([^"]+)"/.exec(rest)?.[1] ?? '-');
      break;
    }
    const head = rest.slice(0, end);
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    const bodiless = status < 200 || (toHead && answered.length === 0);
    rest = rest.slice(end + 4 + (bodiless ? 0 : length));
    if (status < 200) continue;
    statuses.push(status);
    answered.push(/^x-correlation-id: *(\S+)/im.exec(head)?.[1] ?? '-');
  }
  return { answered, statuses };
}

/**
 * Whether two readers saw the same requests, as far as both went: one may have refused, and hung up, earlier. A refusal that does not
 * say which request it is about (`-`) is about the one that the other saw there.
 */
export function agree(one: readonly string[], other: readonly string[]): boolean {
  return one.every((kind, index) => {
    const also = other[index];
    return also === undefined || kind === '-' || also === '-' || kind === also;
  });
}
