import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { GENESIS, hashOf, Writer } from '#libs/audit/chain.js';
import { effectOf, recordText, replaced, type RecordFields } from '#libs/audit/record.js';
import { canonicalJson } from '#libs/kernel/canonical-json.js';
import { CODES } from '#libs/kernel/codes.js';
import { sha256 } from '#libs/kernel/digest.js';
import type { Json, JsonObject } from '#libs/kernel/json.js';
import { parseStrictJson } from '#libs/kernel/strict-json.js';

import { W1 } from './trails.js';

/** What a record says of these members, without its place. */
const of = (members: JsonObject): JsonObject => {
  const { v, ts, w, seq, prev, ...rest } = JSON.parse(recordText({ type: 'refusal', ...members }, PLACE)) as JsonObject;
  expect({ v, ts, w, seq, prev }).toEqual(PLACE);
  return rest;
};

const PLACE = { v: 1, ts: 't', w: W1, seq: 0, prev: GENESIS };

describe('a record', () => {
  it('keeps what fits', () => {
    const members = {
      request_id: 'a.B-9_',
      iss: 'https://issuer.test/x?y=z',
      sub: 'zoë \u{1F512}',
      use_no: 3,
      policy_ids: ['read-own', 'r2'],
      obligations: ['quota', { id: 'o1', type: 'quota', uses: 5 }],
      binding: { kind: 'dpop', jkt: 'A'.repeat(43) },
      latency_us: { bind: 12 },
      resource_ref: `1.${'x'.repeat(43)}`,
      address_prefix: '2001:db8::/32',
    };
    expect(of(members)).toEqual({ type: 'refusal', ...members });
  });

  it.each(['dpop', 'mtls', 'dpop+mtls', 'none'])('M3: keeps the kind of a binding: %s', (kind) => {
    expect(of({ binding: { kind, x5t: 'A'.repeat(43) } })).toMatchObject({ binding: { kind, x5t: 'A'.repeat(43) } });
  });

  it('leaves out what is no member of a record', () => {
    expect(of({ value: 'secret', uri: 'openbao://a/b', w: 'x', seq: 4, prev: 'x', ts: 'x', v: 4 })).toEqual({
      type: 'refusal',
    });
  });

  it.each([
    ['an id with a path in it', 'request_id', 'secret/app'],
    ['an id that is empty', 'tenant', ''],
    ['an id that is too long', 'tenant', 'a'.repeat(65)],
    ['an id that is no string', 'decision_id', 7],
    ['text that is empty', 'sub', ''],
    ['a line break', 'sub', 'a\nb'],
    ['an escape for the terminal', 'client_id', '\u001b[31m'],
    ['text that turns the reading direction', 'sub', 'a\u202eb'],
    ['a line separator', 'reason', 'a\u2028b'],
    ['half of a surrogate pair', 'sub', 'a\ud800'],
    ['text that is too long', 'iss', 'h'.repeat(257)],
    ['an object where text belongs', 'sub', { a: 1 }],
    ['a number that is not whole', 'use_no', 1.5],
    ['a text where a number belongs', 'version', '3'],
    ['an address that is none', 'address_prefix', 'localhost'],
    ['a list that is none', 'policy_ids', 'p1'],
    ['a map that is none', 'latency_us', [1]],
  ] satisfies [string, string, Json][])('replaces %s by its hash', (_, name, value) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    expect(of({ [name]: value })).toEqual({ type: 'refusal', [name]: `sha256.${sha256(text)}` });
  });

  it('replaces inside lists and maps, and their names', () => {
    expect(of({ policy_ids: ['fine', 'no/path'], binding: { 'kind\n': 'dpop', __proto__x: 'a b' } })).toEqual({
      type: 'refusal',
      policy_ids: ['fine', replaced('no/path')],
      binding: { [replaced('kind\n')]: 'dpop', [replaced('__proto__x')]: replaced('a b') },
    });
  });

  it('cuts lists and maps, and says how much of a list is gone', () => {
    const long = of({ policy_ids: Array.from({ length: 70 }, (_, at) => `p${at}`) })['policy_ids'] as string[];
    expect([long.length, long.at(-1)]).toEqual([65, 'more.6']);
    const wide = Object.fromEntries(Array.from({ length: 70 }, (_, at) => [`n${at}`, at]));
    expect(Object.keys(of({ latency_us: wide })['latency_us'] as object)).toHaveLength(64);
  });

  it('can always be chained, whatever was put into it', () => {
    const names = fc.constantFrom(
      'sub',
      'request_id',
      'policy_ids',
      'obligations',
      'binding',
      'latency_us',
      'counts',
      'use_no',
      'heads',
      'x',
      '__proto__',
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(names, fc.jsonValue({ stringUnit: 'binary' }))), (entries) => {
        const writer = new Writer(W1);
        writer.append({ type: 'open' }, 't');
        const { line } = writer.append({ ...(Object.fromEntries(entries) as JsonObject), type: 'refusal' }, 't');
        expect(canonicalJson(parseStrictJson(line))).toBe(line);
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(line.length).toBeLessThan(100_000);
      }),
      { numRuns: 500 },
    );
  });

  it('calls an effect an error exactly for the codes of 500, 502 and 503', () => {
    expect(CODES.filter((code) => effectOf(code) === 'error')).toEqual(CODES.slice(CODES.indexOf('INTERNAL')));
  });
});

describe('a writer', () => {
  const open: RecordFields = { type: 'open' };

  it('I38: chains by the hash of the canonical bytes under the label', () => {
    const writer = new Writer(W1);
    const first = writer.append(open, 't0');
    const second = writer.append({ type: 'refusal', code: 'DENIED' }, 't1');
    expect(first.line).toBe(`{"prev":"${GENESIS}","seq":0,"ts":"t0","type":"open","v":1,"w":"${W1}"}`);
    expect(first.head).toEqual({ w: W1, seq: 0, hash: sha256(`audit-v1\0${first.line}`) });
    expect(second.line).toContain(`"prev":"${first.head.hash}"`);
    expect(hashOf(second.line)).toBe(second.head.hash);
  });

  it('begins with open, opens once, and writes nothing after close', () => {
    const writer = new Writer(W1);
    expect(() => writer.append({ type: 'refusal' }, 't')).toThrow('seq 0');
    writer.append(open, 't');
    expect(() => writer.append(open, 't')).toThrow('seq 1');
    writer.append({ type: 'close' }, 't');
    expect(() => writer.append({ type: 'refusal' }, 't')).toThrow('seq 2');
  });

  it('is not moved by a record that cannot be written', () => {
    const writer = new Writer(W1);
    writer.append(open, 't');
    expect(() => writer.append({ type: 'refusal' }, '\ud800')).toThrow(TypeError);
    expect(writer.append({ type: 'refusal' }, 't').head.seq).toBe(1);
  });

  it.each(['', 'short', 'has.a.dot.and.is.long', 'a/../../../etc/passwd', 'a'.repeat(65)])(
    'has no id such as "%s"',
    (w) => {
      expect(() => new Writer(w)).toThrow('writer id');
    },
  );
});
