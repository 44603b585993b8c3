import { connect, type Socket } from 'node:net';

export interface Measured {
  readonly requests: number;
  readonly seconds: number;
  /** Sorted, in milliseconds. */
  readonly latencies: Float64Array;
  readonly statuses: Readonly<Record<string, number>>;
}

/**
 * Sends prepared requests over keep-alive connections, one in flight on each, and reads every answer to its end. Lighter than a general
 * load tool, so that the load never is what is measured; it can send another proof with every request, which those tools cannot.
 */
export async function load(port: number, requests: readonly Buffer[], connections: number): Promise<Measured> {
  const latencies = new Float64Array(requests.length);
  const statuses: Record<string, number> = {};
  let next = 0;
  const began = performance.now();
  await Promise.all(Array.from({ length: connections }, () => pump()));
  const seconds = (performance.now() - began) / 1000;
  return { requests: requests.length, seconds, latencies: latencies.sort(), statuses };

  async function pump(): Promise<void> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    const answers = reader(socket);
    for (let mine = next++; mine < requests.length; mine = next++) {
      const sent = performance.now();
      const answer = answers();
      socket.write(requests[mine] ?? '');
      const status = await answer;
      latencies[mine] = performance.now() - sent;
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    socket.destroy();
  }
}

/** Resolves with the status of the next whole answer; answers carry a Content-Length. */
function reader(socket: Socket): () => Promise<string> {
  let buffered = Buffer.alloc(0);
  let waiting: { resolve: (status: string) => void; reject: (error: Error) => void } | undefined;
  socket.on('data', (chunk) => {
    buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
    const head = buffered.indexOf('\r\n\r\n');
    if (head < 0) return;
    const text = buffered.toString('latin1', 0, head);
    const length = Number(/content-length: (\d+)/iu.exec(text)?.[1] ?? 0);
    if (buffered.length < head + 4 + length) return;
    buffered = buffered.subarray(head + 4 + length);
    waiting?.resolve(text.slice(9, 12));
  });
  socket.on('close', () => waiting?.reject(new Error('the server closed the connection')));
  return () =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject };
    });
}

export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
