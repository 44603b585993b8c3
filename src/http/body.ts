import type { IncomingMessage } from 'node:http';

import { Refusal } from '#libs/kernel/refusal.js';

/** The largest body that a route of this gateway takes: a secret URI of 1,024 characters, each spelled as `\u0041`, and its frame. */
export const MAX_BODY_BYTES = 8_192;

/** RFC 8259 section 8.1: JSON is UTF-8; saying so is allowed, saying anything else is not. */
const JSON_TYPE = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i;

/** @throws Refusal UNSUPPORTED_MEDIA_TYPE */
function checkMediaType({ headers }: IncomingMessage): void {
  if (!JSON_TYPE.test(headers['content-type'] ?? '')) {
    throw new Refusal('UNSUPPORTED_MEDIA_TYPE', { detail: 'Send Content-Type: application/json, in UTF-8.' });
  }
  if (headers['content-encoding'] !== undefined) {
    throw new Refusal('UNSUPPORTED_MEDIA_TYPE', { detail: 'Send the body without Content-Encoding.' });
  }
}

/**
 * The only body reader, for every content type: the framework's own parsers coerce, strip and take what is no JSON (spec, Security,
 * T16). It hands on the bytes; what they mean is read in the line.
 *
 * @throws Refusal UNSUPPORTED_MEDIA_TYPE, BODY_TOO_LARGE, INVALID_REQUEST
 */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  checkMediaType(request);
  return await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    function finish(settled: () => void): void {
      request.off('data', onData).off('end', onEnd).off('error', onError);
      settled();
    }
    function onData(chunk: Buffer): void {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes <= MAX_BODY_BYTES) return;
      request.pause();
      const detail = `A body here has at most ${MAX_BODY_BYTES} bytes.`;
      finish(() => reject(new Refusal('BODY_TOO_LARGE', { detail })));
    }
    function onEnd(): void {
      finish(() => resolve(Buffer.concat(chunks, bytes)));
    }
    function onError(cause: Error): void {
      finish(() => reject(new Refusal('INVALID_REQUEST', { check: 'body broken off', cause })));
    }
    request.on('data', onData).on('end', onEnd).on('error', onError);
  });
}
