/**
 * HTTP/2 by hand (RFC 9113, RFC 7541): just enough to send a request that no client library would send. Fields are literals without
 * indexing and without Huffman, so that any byte can stand in a name or a value.
 */
export type Field = readonly [name: string, value: string];

const FRAME = { data: 0x0, headers: 0x1, settings: 0x4 } as const;
const END_STREAM = 0x1;
const END_HEADERS = 0x4;

/** The preface of a connection, with empty settings. */
export const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame({ type: FRAME.settings, flags: 0, stream: 0 }, Buffer.alloc(0)),
]);

export interface Http2Request {
  /** 1, 3, 5, … */
  readonly stream: number;
  readonly fields: readonly Field[];
  readonly body?: string;
  readonly trailers?: readonly Field[];
}

export function framesOf({ stream, fields, body, trailers }: Http2Request): Buffer {
  const endsWithHead = body === undefined && trailers === undefined;
  const parts = [section(stream, fields, endsWithHead)];
  if (body !== undefined) {
    const flags = trailers === undefined ? END_STREAM : 0;
    parts.push(frame({ type: FRAME.data, flags, stream }, Buffer.from(body, 'latin1')));
  }
  if (trailers !== undefined) parts.push(section(stream, trailers, true));
  return Buffer.concat(parts);
}

function section(stream: number, fields: readonly Field[], last: boolean): Buffer {
  const block = Buffer.concat(fields.map(([name, value]) => Buffer.concat([Buffer.of(0), text(name), text(value)])));
  return frame({ type: FRAME.headers, flags: END_HEADERS | (last ? END_STREAM : 0), stream }, block);
}

function frame({ type, flags, stream }: { type: number; flags: number; stream: number }, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A string literal (RFC 7541 section 5.2), its length as an integer of a 7-bit prefix (section 5.1). */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  const length: number[] = [];
  let rest = bytes.length;
  if (rest < 127) length.push(rest);
  else {
    length.push(127);
    for (rest -= 127; rest >= 128; rest >>= 7) length.push((rest % 128) + 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}
