import { schemaToJsonWithResolvedTypes } from '@cedar-policy/cedar-wasm/nodejs';
import { describe, expect, it } from '@jest/globals';

import { shapesOf, type Shapes } from '#libs/cedar/shapes.js';

function read(text: string): Shapes {
  const answer = schemaToJsonWithResolvedTypes(text);
  if (answer.type !== 'success') throw new Error(JSON.stringify(answer.errors));
  return shapesOf(answer.json);
}

describe('the shapes of a schema', () => {
  it('know every type that may be declared, by its own name or through others', () => {
    const { entities } = read(`
      type Inner = { flag: Bool, names?: Set<String> };
      type Outer = { inner?: Inner };
      entity user;
      entity thing = { text: String, count?: Long, owner?: user, outer?: Outer, at?: datetime, from?: ipaddr, price?: decimal, span?: duration };`);
    const member = (name: string) => entities.get('thing')?.members.get(name);
    expect(member('text')).toEqual({ shape: { kind: 'String' }, required: true });
    expect(member('count')).toEqual({ shape: { kind: 'Long' }, required: false });
    expect(member('owner')).toEqual({ shape: { kind: 'Entity', type: 'user' }, required: false });
    for (const [name, type] of [
      ['at', 'datetime'],
      ['from', 'ipaddr'],
      ['price', 'decimal'],
      ['span', 'duration'],
    ] as const) {
      expect(member(name)?.shape).toEqual({ kind: 'Extension', name: type });
    }
    const inner = {
      kind: 'Record',
      members: new Map<string, unknown>([
        ['flag', { shape: { kind: 'Boolean' }, required: true }],
        ['names', { shape: { kind: 'Set', element: { kind: 'String' } }, required: false }],
      ]),
    };
    expect(member('outer')?.shape).toEqual({
      kind: 'Record',
      members: new Map([['inner', { shape: inner, required: false }]]),
    });
    expect(entities.get('user')?.members.size).toBe(0);
  });

  it('know to what an action applies, and every group above it', () => {
    const { actions } = read(`entity user, secret; action top; action middle in [top];
      action low in [middle] appliesTo { principal: [user], resource: [secret], context: { a?: String } };`);
    const low = actions.get('low');
    expect([...(low?.groups ?? [])].sort()).toEqual(['low', 'middle', 'top']);
    expect(low?.principals).toEqual(new Set(['user']));
    expect(low?.resources).toEqual(new Set(['secret']));
    expect([...(low?.context.members.keys() ?? [])]).toEqual(['a']);
    expect(actions.get('top')).toMatchObject({ principals: new Set(), resources: new Set() });
  });

  it('refuse a namespace, and a type that they have never heard of', () => {
    expect(() => read('namespace A { entity x; }')).toThrow('namespace A');
    const type: string = 'Matrix';
    const schema = {
      '': { entityTypes: { x: { shape: { type: 'Record' as const, attributes: { a: { type } } } } }, actions: {} },
    };
    expect(() => shapesOf(schema)).toThrow('a type that this gateway does not read: "Matrix"');
  });
});
