import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import { Refusal } from '#libs/kernel/refusal.js';
import { inBody, inPath, inQuery } from '#src/http/uri-source.js';

const path = inPath('/s/value/');
const query = inQuery({ path: '/s/value', instead: 'GET /s/value/{uri}' }, false);
const queryWhenPathOnly = inQuery({ path: '/s/value', instead: 'GET /s/value/{uri}' }, true);
const body = inBody('/s/value');

/** Code, check and detail of what a source refuses. */
function refusalOf(read: () => string): { code: string; check: string | undefined; detail: string | undefined } {
  try {
    return { code: 'none', check: undefined, detail: read() };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { code: error.code, check: error.check, detail: error.detail };
  }
}

function posted(text: string | Uint8Array): () => string {
  return () => body('/s/value', Buffer.from(text));
}

describe('a URI in the path', () => {
  it('is the last segment, decoded once', () => {
    expect(path('/s/value/openbao%2Bkv2%3A%2F%2Fsecret%2Fapp%23token', undefined)).toBe(
      'openbao+kv2://secret/app#token',
    );
    expect(path('/s/value/%2525', undefined)).toBe('%25');
    expect(path('/s/value/a+b', undefined)).toBe('a+b');
  });

  it('takes no query', () => {
    expect(refusalOf(() => path('/s/value/a?uri=b', undefined))).toMatchObject({
      code: 'INVALID_REQUEST',
      check: 'query parameter',
    });
  });

  it('takes an empty query for none', () => {
    expect(path('/s/value/a?', undefined)).toBe('a');
  });

  it('has one spelling of what stands before it', () => {
    expect(refusalOf(() => path('/s/%76alue/a', undefined))).toMatchObject({
      code: 'NOT_FOUND',
      check: 'escaped path',
    });
  });

  it('has at most 3,200 characters', () => {
    expect(path(`/s/value/${'a'.repeat(3_200)}`, undefined)).toHaveLength(3_200);
    expect(refusalOf(() => path(`/s/value/${'a'.repeat(3_201)}`, undefined))).toMatchObject({
      code: 'TARGET_TOO_LONG',
    });
  });

  it.each(['%ff', '%c0%80', '%ed%a0%80', '%e2%82', '%'])('is UTF-8, which %s is not', (escapes) => {
    expect(refusalOf(() => path(`/s/value/${escapes}`, undefined))).toMatchObject({
      code: 'INVALID_REQUEST',
      check: 'uri encoding',
    });
  });
});

describe('a URI in the query', () => {
  it('is decoded once', () => {
    expect(query('/s/value?uri=openbao%2Bkv2%3A%2F%2Fsecret%2Fapp%23token', undefined)).toBe(
      'openbao+kv2://secret/app#token',
    );
    expect(query('/s/value?uri=%2525', undefined)).toBe('%25');
  });

  it('may hold a version as it is', () => {
    expect(query('/s/value?uri=kv://a/b?version=3', undefined)).toBe('kv://a/b?version=3');
  });

  it.each([
    ['/s/value', 'no uri'],
    ['/s/value?', 'no uri'],
    ['/s/value?uri=a&uri=b', 'uri twice'],
    ['/s/value?uri=a&uri=a', 'uri twice'],
    ['/s/value?uri=a&x=b', 'query parameter'],
    ['/s/value?uri=a&', 'query parameter'],
    ['/s/value?%75ri=a', 'query parameter'],
    ['/s/value?URI=a', 'query parameter'],
    ['/s/value?uri[]=a', 'query parameter'],
    ['/s/value?destroy=true&uri=a', 'query parameter'],
    ['/s/value?uri=openbao+kv2://a/b', 'plus in query'],
    ['/s/value?access_token=t', 'B1 token in query'],
    ['/s/value?uri=a&access_token=t', 'B1 token in query'],
  ])('%s is refused', (target, check) => {
    expect(refusalOf(() => query(target, undefined))).toMatchObject({ code: 'INVALID_REQUEST', check });
  });

  it('is refused where it must stand in the path, and the refusal says where', () => {
    expect(refusalOf(() => queryWhenPathOnly('/s/value?uri=a', undefined))).toEqual({
      code: 'INVALID_REQUEST',
      check: 'uri in query',
      detail: 'Use GET /s/value/{uri}.',
    });
  });

  it('never comes back in a refusal, nor does a token', () => {
    const { detail } = refusalOf(() => query('/s/value?access_token=canary&uri=canary', undefined));
    expect(detail).toContain('Authorization');
    expect(detail).not.toContain('canary');
  });
});

describe('a URI in the body', () => {
  it('is the member uri, as it stands', () => {
    expect(posted('{"uri":"a%25+b"}')()).toBe('a%25+b');
    expect(posted(' {"\\u0075ri":"\\u0061"} ')()).toBe('a');
  });

  it.each([
    ['', 'body syntax'],
    ['{"uri":"a"', 'body syntax'],
    ['{"uri":"a"}{}', 'body syntax'],
    ["{'uri':'a'}", 'body syntax'],
    ['{"uri":"a","uri":"b"}', 'body duplicate name'],
    ['{"uri":"a","\\u0075ri":"b"}', 'body duplicate name'],
    ['{"uri":"a","__proto__":{}}', 'body reserved name'],
    ['{"uri":"a","n":1e400}', 'body number out of range'],
    ['\ufeff{"uri":"a"}', 'body byte order mark'],
    [`${'['.repeat(40)}${']'.repeat(40)}`, 'body depth'],
    ['[{"uri":"a"}]', 'body no object'],
    ['"a"', 'body no object'],
    ['null', 'body no object'],
    ['{}', 'body members'],
    ['{"uri":null}', 'body members'],
    ['{"uri":7}', 'body members'],
    ['{"uri":true}', 'body members'],
    ['{"uri":["a"]}', 'body members'],
    ['{"uri":{"toString":"a"}}', 'body members'],
    ['{"uri":"a","sub":"me"}', 'body members'],
    ['{"uri":"a","constructor":"x"}', 'body members'],
    ['{"uri":"a","toString":"x"}', 'body members'],
    ['{"URI":"a"}', 'body members'],
  ])('%j is refused', (text, check) => {
    expect(refusalOf(posted(text))).toMatchObject({ code: 'INVALID_REQUEST', check });
  });

  it('is UTF-8', () => {
    expect(refusalOf(posted(Uint8Array.of(0x7b, 0xff, 0x7d)))).toMatchObject({
      code: 'INVALID_REQUEST',
      check: 'body encoding',
    });
  });

  it('is needed', () => {
    expect(refusalOf(() => body('/s/value', undefined))).toMatchObject({ code: 'INVALID_REQUEST' });
  });

  it('takes no query beside it', () => {
    expect(refusalOf(() => body('/s/value?uri=a', Buffer.from('{"uri":"a"}')))).toMatchObject({
      check: 'query parameter',
    });
  });
});

describe('the fixed part of the path', () => {
  it('has one spelling, in the query form and beside a body too', () => {
    const escaped = { code: 'NOT_FOUND', check: 'escaped path' };
    expect(refusalOf(() => query('/s/%76alue?uri=a', undefined))).toMatchObject(escaped);
    expect(refusalOf(() => body('/s/%76alue', Buffer.from('{"uri":"a"}')))).toMatchObject(escaped);
  });
});

describe('all three', () => {
  it('read the same text, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        const encoded = encodeURIComponent(text);
        expect(path(`/s/value/${encoded}`, undefined)).toBe(text);
        expect(query(`/s/value?uri=${encoded}`, undefined)).toBe(text);
        expect(posted(JSON.stringify({ uri: text }))()).toBe(text);
      }),
    );
  });

  it('refuse or read, and never throw anything else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        for (const read of [
          () => path(`/s/value/${text}`, undefined),
          () => query(`/s/value?${text}`, undefined),
          posted(text),
        ]) {
          expect(['none', 'INVALID_REQUEST']).toContain(refusalOf(read).code);
        }
      }),
      { numRuns: 500 },
    );
  });
});
