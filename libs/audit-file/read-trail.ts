import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { SourceLine } from '#libs/audit/read-record.js';

/** A line beyond this is no record: records are bounded, and a verifier's memory is too. */
const LINE_BYTES = 1024 * 1024;

const SEGMENT = /^\d{8}T\d{9}Z-([A-Za-z0-9_-]{16,64})\.\d{6,}\.ndjson$/;

/**
 * The segments behind the given files and directories, each once, in the order of a writer's records: names sort by begin, writer
 * and number.
 *
 * @throws Error of node:fs when a path cannot be read
 */
export async function segmentsOf(paths: readonly string[]): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const path of paths) {
    if (!(await stat(path)).isDirectory()) found.add(resolve(path));
    else
      for (const name of (await readdir(path)).sort())
        if (name.endsWith('.ndjson')) found.add(resolve(join(path, name)));
  }
  return [...found];
}

/** Line by line, as bytes: decoding is the verifier's, since a byte that is no UTF-8 must not be smoothed over. */
export async function* readTrail(segments: readonly string[]): AsyncGenerator<SourceLine> {
  for (const source of segments) yield* readLines(source);
}

async function* readLines(source: string): AsyncGenerator<SourceLine> {
  const w = SEGMENT.exec(source.slice(source.lastIndexOf('/') + 1))?.[1];
  const from = { source, ...(w !== undefined && { w }) };
  let line = 0;
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of chunksOf(source)) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      line += 1;
      yield { ...from, line, bytes: joined(rest, chunk.subarray(start, end)), ended: true };
      rest = [];
      restBytes = 0;
      start = end + 1;
    }
    const left = chunk.subarray(start);
    if (left.byteLength > 0 && restBytes <= LINE_BYTES) rest.push(left);
    restBytes += left.byteLength;
  }
  if (restBytes > 0) yield { ...from, line: line + 1, bytes: joined(rest), ended: false };
}

function chunksOf(source: string): AsyncIterable<Buffer> {
  return createReadStream(source, { highWaterMark: 256 * 1024 });
}

function joined(rest: readonly Buffer[], last?: Buffer): Buffer {
  if (rest.length === 0 && last !== undefined) return last;
  return Buffer.concat(last === undefined ? rest : [...rest, last]);
}
