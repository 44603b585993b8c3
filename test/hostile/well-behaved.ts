/**
 * A well-behaved client, as a process of its own: honest reads at an even pace over one connection, each timed from the moment it was
 * due, so that a gateway that stalls is seen to stall. Told by its parent when to begin and to end; tells the times of what lay between.
 */
import { connect } from 'node:net';

import { mintProof, makeKey } from '../support/tokens.js';
import { HONEST, requestBytes } from './world.js';

export interface Begin {
  readonly kind: 'begin';
  readonly port: number;
  readonly token: string;
  readonly perSecond: number;
}

export interface Told {
  /** Milliseconds, in no order. */
  readonly latencies: readonly number[];
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
}

const key = makeKey();
let running: { stop: () => Promise<Told> } | undefined;

process.on('message', (message: Begin | { kind: 'end' }) => {
  if (message.kind === 'begin') running = begin(message);
  else void running?.stop().then((told) => process.send?.({ kind: 'told', ...told }));
});
process.send?.({ kind: 'key', jkt: key.jkt });

function begin({ port, token, perSecond }: Begin): { stop: () => Promise<Told> } {
  const host = `127.0.0.1:${port}`;
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  const waiting: number[] = [];
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
    for (;;) {
      const end = received.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/iu.exec(received.slice(0, Math.max(end, 0)))?.[1] ?? 0);
      if (end === -1 || received.length < end + 4 + length) return;
      const status = received.slice(9, 12);
      statuses[status] = (statuses[status] ?? 0) + 1;
      latencies.push(performance.now() - (waiting.shift() ?? 0));
      received = received.slice(end + 4 + length);
    }
  });
  socket.on('error', () => {});
  socket.on('close', () => (statuses['closed'] = 1));

  const began = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    for (
      let due = began + (sent * 1000) / perSecond;
      due <= performance.now();
      due = began + (sent * 1000) / perSecond
    ) {
      sent += 1;
      const proof = mintProof({ key, token, nowMs: Date.now(), htu: `http://${host}${HONEST}` });
      waiting.push(due);
      socket.write(requestBytes(host, { target: HONEST, fields: [`Authorization: DPoP ${token}`, `DPoP: ${proof}`] }));
    }
  }, 1);
  return {
    stop: async () => {
      clearInterval(timer);
      const patience = performance.now() + 5_000;
      while (waiting.length > 0 && performance.now() < patience) await new Promise((resolve) => setTimeout(resolve, 5));
      if (waiting.length > 0) statuses['unanswered'] = waiting.length;
      socket.removeAllListeners('close').destroy();
      return { latencies, statuses };
    },
  };
}
