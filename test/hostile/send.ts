import { connect, type Socket } from 'node:net';

import type { HostileRequest } from './requests.js';

/** What came back, until the connection was given up or ended. */
export interface Outcome {
  /** Of every answer, interim ones left out; none: the connection ended without one. */
  readonly statuses: readonly number[];
  /** Everything that was received. */
  readonly text: string;
  /** From the last byte sent, or from the end of sending, to the first whole answer, or to the end of the connection; milliseconds. */
  readonly ms: number;
  /** Neither an answer nor an end came within the patience. */
  readonly hung: boolean;
}

export interface SendOptions {
  readonly port: number;
  /** Another loopback address than 127.0.0.1, so that the ports of one do not run out. */
  readonly from?: string;
  /** How long to wait for an answer or an end, from the last byte sent. */
  readonly patienceMs: number;
  /** The same for a request that is never ended: what the gateway's own clock allows. */
  readonly heldMs: number;
}

/** Without a word for so long, a request whose framing was spoiled is taken to be unfinished, and the sending side is ended. */
const QUIET_MS = 300;

/** Sends one request in its manner on a connection of its own. Never throws: what happens is the outcome. */
export async function send(request: HostileRequest, options: SendOptions): Promise<Outcome> {
  const socket = connect({
    port: options.port,
    host: '127.0.0.1',
    localAddress: options.from ?? '127.0.0.1',
    noDelay: true,
  });
  const peer = new Peer(socket);
  if (!(await peer.connected)) return { statuses: [], text: '', ms: 0, hung: true };
  await deliver(socket, request);
  const began = performance.now();
  if (request.manner === 'reset') {
    socket.resetAndDestroy();
    return { statuses: [], text: '', ms: 0, hung: false };
  }
  if (request.manner === 'unread') {
    await pause(20);
    socket.resume();
  }
  const toHead = request.bytes.subarray(0, 5).toString('latin1') === 'HEAD ';
  const patience = request.manner === 'held' ? options.heldMs : options.patienceMs;
  let asked = began;
  let answered = await peer.answered(toHead, request.open && request.manner !== 'held' ? QUIET_MS : patience);
  if (!answered && request.open && request.manner !== 'held') {
    // It waits for more, perhaps rightly so. That there is no more must be enough for it.
    socket.end();
    asked = performance.now();
    answered = await peer.answered(toHead, patience);
  }
  const ms = performance.now() - asked;
  // Two readers may see another request behind the first: whoever sent bytes like that hears all that comes.
  if (answered && request.family === 'smuggled') await peer.ended(QUIET_MS);
  socket.destroy();
  return { statuses: statusesOf(peer.text), text: peer.text, ms, hung: !answered };
}

async function deliver(socket: Socket, { bytes, manner }: HostileRequest): Promise<void> {
  if (manner === 'unread') socket.pause();
  if (manner !== 'pieces') {
    if (manner === 'ended') socket.end(bytes);
    else socket.write(bytes);
    return;
  }
  const step = Math.max(1, Math.ceil(bytes.length / 5));
  for (let at = 0; at < bytes.length; at += step) {
    if (socket.destroyed) return;
    socket.write(bytes.subarray(at, at + step));
    await pause(3);
  }
}

/** The other end of a connection: what it said, and when. */
class Peer {
  text = '';
  readonly connected: Promise<boolean>;
  #over = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    socket.setEncoding('latin1');
    this.connected = new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('close', () => resolve(false));
    });
    socket.on('data', (text: string) => {
      this.text += text;
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#over = true;
      this.#wake();
    });
    socket.on('end', () => {
      this.#over = true;
      this.#wake();
    });
  }

  /** Whether an answer or the end came in time. */
  async answered(toHead: boolean, patienceMs: number): Promise<boolean> {
    return await this.#until(() => this.#over || wholeAnswer(this.text, toHead), patienceMs);
  }

  async ended(patienceMs: number): Promise<boolean> {
    return await this.#until(() => this.#over, patienceMs);
  }

  async #until(holds: () => boolean, patienceMs: number): Promise<boolean> {
    const until = performance.now() + patienceMs;
    while (!holds()) {
      const left = until - performance.now();
      if (left <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return true;
  }
}

/** Whether the text holds one final answer with its whole body. */
function wholeAnswer(text: string, toHead: boolean): boolean {
  let from = 0;
  for (;;) {
    const end = text.indexOf('\r\n\r\n', from);
    if (end === -1) return false;
    const head = text.slice(from, end);
    if (/^HTTP\/1\.1 1\d\d/u.test(head)) {
      from = end + 4;
      continue;
    }
    const length = toHead ? 0 : Number(/\r\ncontent-length: (\d+)/iu.exec(head)?.[1] ?? 0);
    return text.length >= end + 4 + length;
  }
}

function statusesOf(text: string): readonly number[] {
  return [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gmu)]
    .map(([, status]) => Number(status))
    .filter((status) => status >= 200);
}

const pause = async (ms: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, ms));
