import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { JsonObject } from '#libs/kernel/json.js';

/** What a running gateway has written so far. */
export interface AuditTrail {
  readonly lines: readonly string[];
  readonly records: readonly JsonObject[];
}

/** Reads and parses what was added since the last time: the trail is looked at after nearly every request. */
export function auditReader(directory: string): () => Promise<AuditTrail> {
  const lines: string[] = [];
  const records: JsonObject[] = [];
  const read = new Map<string, number>();
  const readOn = async (name: string): Promise<void> => {
    const from = read.get(name) ?? 0;
    const file = await open(join(directory, name));
    try {
      const { size } = await file.stat();
      if (size <= from) return;
      const { buffer } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
      const end = buffer.lastIndexOf(0x0a) + 1;
      read.set(name, from + end);
      const added = buffer.subarray(0, end).toString().split('\n').slice(0, -1);
      lines.push(...added);
      records.push(...added.map((line) => JSON.parse(line) as JsonObject));
    } finally {
      await file.close();
    }
  };
  let reading = Promise.resolve();
  return async () => {
    // One after the other: two readers at once would read the same bytes twice.
    reading = reading.then(async () => {
      for (const name of (await readdir(directory)).filter((each) => each.endsWith('.ndjson')).sort())
        await readOn(name);
    });
    await reading;
    return { lines, records };
  };
}
