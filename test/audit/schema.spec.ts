import { readFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';

import { SinkJournal } from '#libs/audit/journal.js';
import { MEMBERS_OF_RECORDS } from '#libs/audit/record.js';
import { Trail } from '#libs/audit/trail.js';
import type { JsonObject } from '#libs/kernel/json.js';
import { Refusal } from '#libs/kernel/refusal.js';

import { ManualClock } from '../support/clock.js';
import { MemorySink } from './memory-sink.js';
import { W1 } from './trails.js';

interface Schema {
  readonly required: readonly string[];
  readonly properties: Readonly<Record<string, unknown>>;
  readonly allOf: readonly {
    readonly if: { readonly properties: { readonly type: { readonly const: string } } };
    readonly then: { readonly required: readonly string[] };
  }[];
}

const schema = JSON.parse(readFileSync('docs/audit-schema.json', 'utf8')) as Schema;
const requiredOf = (type: string): readonly string[] =>
  schema.allOf.find((each) => each.if.properties.type.const === type)?.then.required ?? [];

describe('docs/audit-schema.json', () => {
  it('describes every member of a record, and no other', () => {
    expect(Object.keys(schema.properties).sort()).toEqual([...schema.required, ...MEMBERS_OF_RECORDS].sort());
  });

  it('demands of each type only what its records have', async () => {
    const sink = new MemorySink();
    const options = { sink, clock: new ManualClock(), w: W1, committedBy: 'file', limits: { refusalsPerSecond: 1 } };
    const journal = await SinkJournal.open(options);
    const open = (): Trail<JsonObject> =>
      Trail.open(journal, { requestId: 'r', correlationId: 'c', action: 'GET /x' }, (proof: JsonObject) => proof);
    const read = open();
    await read.intent({}, { event: 'issued', max_uses: 1, expires_at: '2026-01-01T00:00:00.000Z' });
    await read.result('sent');
    await open().refused(new Refusal('INVALID_TOKEN'));
    await open().refused(new Refusal('INVALID_TOKEN'));
    await journal.close();
    const types = ['open', 'grant', 'intent', 'result', 'refusal', 'suppressed', 'close'];
    expect(sink.records.map(({ type }) => type)).toEqual(types);
    for (const record of sink.records) {
      const needed = [...schema.required, ...requiredOf(String(record['type']))];
      expect(Object.keys(record)).toEqual(expect.arrayContaining(needed));
    }
  });
});
