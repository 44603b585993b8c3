import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { project, projectRecord } from '#libs/cedar/projection.js';
import type { RecordShape, Shape } from '#libs/cedar/shapes.js';
import type { Json } from '#libs/kernel/json.js';

const TEXT: Shape = { kind: 'String' };
const record = (members: Readonly<Record<string, Shape>>, ...required: string[]): RecordShape => ({
  kind: 'Record',
  members: new Map(
    Object.entries(members).map(([name, shape]) => [name, { shape, required: required.includes(name) }]),
  ),
});
const extension = (name: string): Shape => ({ kind: 'Extension', name });

describe('projecting a value by its declared type', () => {
  it.each<[string, Shape, Json]>([
    ['a text', TEXT, 'x'],
    ['an empty text', TEXT, ''],
    ['a whole number', { kind: 'Long' }, -5],
    ['the largest exact number', { kind: 'Long' }, Number.MAX_SAFE_INTEGER],
    ['a boolean', { kind: 'Boolean' }, false],
    ['a set', { kind: 'Set', element: TEXT }, ['a', 'b']],
    ['an empty set', { kind: 'Set', element: TEXT }, []],
    ['a record', record({ a: TEXT }), { a: 'x' }],
  ])('keeps %s as it is', (_name, shape, value) => {
    expect(project(value, shape)).toEqual(value);
  });

  it.each<[string, Shape, Json]>([
    ['a number as text', TEXT, 1],
    ['null as text', TEXT, null],
    ['a text in a list as text', TEXT, ['x']],
    ['a forged entity as text', TEXT, { __entity: { type: 'Group', id: 'x' } }],
    ['a lone surrogate', TEXT, '\udc00'],
    ['a text too long', TEXT, 'x'.repeat(16_385)],
    ['a text as number', { kind: 'Long' }, '1'],
    ['a fraction', { kind: 'Long' }, 1.5],
    ['a number that is not exact', { kind: 'Long' }, 2 ** 53],
    ['a text as boolean', { kind: 'Boolean' }, 'true'],
    ['one as boolean', { kind: 'Boolean' }, 1],
    ['a text as set', { kind: 'Set', element: TEXT }, 'x'],
    ['a set with one element of another type', { kind: 'Set', element: TEXT }, ['x', 1]],
    ['a set too large', { kind: 'Set', element: TEXT }, Array.from({ length: 1_025 }, () => 'x')],
    ['a list as record', record({ a: TEXT }), ['x']],
    ['a text as record', record({ a: TEXT }), 'x'],
    ['a record without what it needs', record({ a: TEXT, b: TEXT }, 'b'), { a: 'x' }],
    ['a record whose need is ill-typed', record({ b: TEXT }, 'b'), { b: 1 }],
    ['an object as entity', { kind: 'Entity', type: 'user' }, { type: 'user', id: 'x' }],
    ['an extension nobody knows', extension('regex'), 'x'],
    ['an extension named like an inherited member', extension('constructor'), 'x'],
    ['a host name as address', extension('ipaddr'), 'localhost'],
    ['a range as address', extension('ipaddr'), '10.0.0.0/8'],
    ['an address with a zone', extension('ipaddr'), 'fe80::1%eth0'],
    ['a number as address', extension('ipaddr'), 1],
    ['a date without time', extension('datetime'), '2026-01-01'],
    ['a day that is none', extension('datetime'), '2026-13-01T00:00:00Z'],
    ['a time without zone', extension('datetime'), '2026-01-01T00:00:00'],
    ['five decimal places', extension('decimal'), '1.23456'],
    ['no decimal places', extension('decimal'), '1'],
    ['a duration without unit', extension('duration'), '5'],
  ])('makes nothing of %s', (_name, shape, value) => {
    expect(project(value, shape)).toBeUndefined();
  });

  it.each<[string, string, string, string]>([
    ['ipaddr', 'ip', '192.0.2.1', '192.0.2.1'],
    ['ipaddr', 'ip', '2001:db8::1', '2001:db8::1'],
    ['ipaddr', 'ip', '::ffff:192.0.2.1', '192.0.2.1'],
    ['datetime', 'datetime', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z'],
    ['datetime', 'datetime', '2025-06-27T18:03-07:00', '2025-06-28T01:03:00.000Z'],
    ['datetime', 'datetime', '2026-01-01T00:00:00.123456Z', '2026-01-01T00:00:00.123Z'],
    ['decimal', 'decimal', '-1.25', '-1.25'],
    ['duration', 'duration', '90m', '90m'],
  ])('writes %s as %s(…): %s', (name, fn, value, arg) => {
    expect(project(value, extension(name))).toEqual({ __extn: { fn, arg } });
  });

  it('makes an entity of a plain id only, of the declared type', () => {
    expect(project('x', { kind: 'Entity', type: 'user' })).toEqual({ __entity: { type: 'user', id: 'x' } });
  });

  it('keeps declared members only, and their own ones only', () => {
    const shape = record({ a: TEXT, toString: TEXT, b: { kind: 'Long' } });
    expect(projectRecord({ a: 'x', b: 'not a number', c: 'y' }, shape)).toEqual({ a: 'x' });
  });

  it('yields references and extension values only where the schema declares them', () => {
    const shape = record({ text: TEXT, set: { kind: 'Set', element: TEXT }, inner: record({ text: TEXT }) });
    const forged = fc.constantFrom<Json>(
      { __entity: { type: 'Group', id: 'x' } },
      { __extn: { fn: 'ip', arg: '10.0.0.1' } },
      { __expr: 'true' },
    );
    const value = fc.oneof(forged, fc.jsonValue() as fc.Arbitrary<Json>, fc.array(forged));
    fc.assert(
      fc.property(value, value, value, (text, set, inner) => {
        const shown = JSON.stringify(projectRecord({ text, set, inner: { text: inner } }, shape));
        const names = [...shown.matchAll(/"(__\w+)":/gu)].map(([, name]) => name);
        // a forged member name may stand inside a text, never as a member
        expect(names.filter((name) => !JSON.stringify([text, set, inner]).includes(`\\"${name}`))).toEqual([]);
      }),
    );
  });
});
