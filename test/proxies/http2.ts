import { connect } from 'node:http2';
import type { TLSSocket } from 'node:tls';

export interface Http2Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly problem: Readonly<Record<string, unknown>>;
}

/** One request on a connection of its own that speaks HTTP/2. */
export async function askHttp2(
  socket: TLSSocket,
  origin: string,
  fields: Readonly<Record<string, string>>,
  body?: string,
): Promise<Http2Answer> {
  const session = connect(origin, { createConnection: () => socket });
  try {
    return await new Promise<Http2Answer>((resolve, reject) => {
      session.once('error', reject);
      const stream = session.request(fields, { endStream: body === undefined });
      let headers: Readonly<Record<string, unknown>> = {};
      let text = '';
      stream.once('error', reject).once('response', (received) => (headers = received));
      stream.setEncoding('utf8').on('data', (part: string) => (text += part));
      stream.once('end', () => {
        resolve({ status: Number(headers[':status']), headers, problem: JSON.parse(text) as Record<string, unknown> });
      });
      if (body !== undefined) stream.end(body);
    });
  } finally {
    session.destroy();
  }
}
