import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { parseItem, parseList } from 'structured-headers';

import { type Certificate, clientCert, makeCertificate } from '../support/certificates.js';
import { readVectors, vectorsFolder } from '../support/vectors.js';
import { Refusal } from '#libs/kernel/refusal.js';
import { parseByteSequence } from '#src/http/byte-sequence.js';
import { parseClientCert } from '#src/http/client-certificate.js';

const leaf = await makeCertificate({ name: 'svc-billing' });
const good = clientCert(leaf);
const base64 = good.slice(1, -1);

/** The thumbprint that a value stands for, or the check that it fails. */
function said(value: string): string {
  try {
    const read = parseClientCert(value);
    return read.kind === 'shown' ? read.certificate.x5t : read.check;
  } catch (error) {
    if (error instanceof Refusal) return `${error.code} ${error.check}`;
    throw error;
  }
}

const REFUSED = 'INVALID_REQUEST M7 client-cert';

const MALFORMED: Readonly<Record<string, string>> = {
  nothing: '',
  'a colon': ':',
  'no bytes': '::',
  'no colons': base64,
  'no colon behind': `:${base64}`,
  'no colon in front': `${base64}:`,
  'quotes for colons': `"${base64}"`,
  'a token': 'MIIB',
  'a list': `${good}, ${good}`,
  'a list of one and a comma': `${good},`,
  'an inner list': `(${good})`,
  'a dictionary': `cert=${good}`,
  'two sequences': `${good}${good}`,
  'a parameter': `${good};a=1`,
  'a parameter without value': `${good};a`,
  'bytes behind': `${good}x`,
  'a space in front': ` ${good}`,
  'a space behind': `${good} `,
  'a space inside': `:${base64.slice(0, 8)} ${base64.slice(8)}:`,
  'a tab inside': `:${base64.slice(0, 8)}\t${base64.slice(8)}:`,
  base64url: `:${Buffer.from(new Uint8Array(300).fill(0xff)).toString('base64url')}:`,
  'base64url of the certificate': `:${leaf.der.toString('base64url')}:`,
  'padding too much': `:${base64.replace(/=*$/, '')}===:`,
  'padding in front': `:=${base64}:`,
  'PEM text': leaf.pem.replaceAll('\n', ' '),
  'PEM text, escaped as nginx does': encodeURIComponent(leaf.pem),
  'PEM text in base64': `:${Buffer.from(leaf.pem).toString('base64')}:`,
  'a byte behind the certificate': `:${Buffer.concat([leaf.der, Buffer.from([0])]).toString('base64')}:`,
  'a byte less of the certificate': `:${leaf.der.subarray(0, -1).toString('base64')}:`,
  'the certificate twice': `:${Buffer.concat([leaf.der, leaf.der]).toString('base64')}:`,
  'random bytes': `:${Buffer.from('not a certificate').toString('base64')}:`,
  hex: `:${leaf.der.toString('hex')}:`,
  XFCC: `Hash=${leaf.der.toString('hex')};Cert="${encodeURIComponent(leaf.pem)}"`,
  'another alphabet': ':\u00ff\u00fe:',
};

describe('Client-Cert', () => {
  it('M7: is the DER bytes of one certificate in base64 between colons', () => {
    expect(said(good)).toBe(leaf.x5t);
  });

  it.each(Object.entries(MALFORMED))('M7: refuses %s', (_title, value) => {
    expect(said(value)).toBe(REFUSED);
  });

  it('M7: has one spelling: padding is there, and spare bits are zero', async () => {
    let padded: Certificate = leaf;
    while (padded.der.length % 3 === 0)
      padded = await makeCertificate({ name: `svc-${'x'.repeat(padded.der.length % 7)}` });
    const value = clientCert(padded);
    expect(said(value)).toBe(padded.x5t);
    expect(said(value.replaceAll('=', ''))).toBe(REFUSED);
    const last = value.replaceAll('=', '').length - 2;
    const next = String.fromCharCode(value.charCodeAt(last) + 1);
    expect(said(`${value.slice(0, last)}${next}${value.slice(last + 1)}`)).toBe(REFUSED);
  });

  it('M7, I16: with any bit flipped stands for no certificate or another one (10,000 runs)', () => {
    const bytes = Buffer.from(good, 'latin1');
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit % 8));
        expect(said(flipped.toString('latin1'))).not.toBe(leaf.x5t);
      }),
      { numRuns: 10_000 },
    );
  });

  it('M7, I16: with any bit of the certificate flipped stands for no certificate or another one (10,000 runs)', () => {
    fc.assert(
      fc.property(fc.nat(leaf.der.length * 8 - 1), (bit) => {
        const der = Buffer.from(leaf.der);
        der[bit >> 3] = der[bit >> 3]! ^ (1 << (bit % 8));
        expect(said(clientCert({ der }))).not.toBe(leaf.x5t);
      }),
      { numRuns: 10_000 },
    );
  });

  it('M7: never fails in another way than by its refusal, whatever is sent', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom(':', '=', 'A', '/', '+', '-', ',', ';', '"', '(', ')', '%', '@', '?', '1', ' '),
      }),
      fc.uint8Array().map((bytes) => `:${Buffer.from(bytes).toString('base64')}:`),
    );
    fc.assert(
      fc.property(text, (value) => expect(said(value)).toMatch(/^(INVALID_REQUEST M7 client-cert|[A-Za-z0-9_-]{43})$/)),
      { numRuns: 5_000 },
    );
  });
});

interface Vector {
  readonly name: string;
  readonly raw: readonly string[];
  readonly header_type: 'item' | 'list';
  readonly must_fail?: boolean;
  readonly can_fail?: boolean;
  readonly expected?: readonly unknown[];
  readonly canonical?: readonly string[];
}

if (vectorsFolder('published vectors of structured fields') !== undefined) {
  const vectorsOf = (file: string): readonly Vector[] => readVectors(`structured-fields/${file}.json`) as Vector[];

  describe('M7: the published vectors of structured fields', () => {
    it.each(vectorsOf('binary').map((vector) => [vector.name, vector] as const))(
      'byte sequences: %s',
      (_name, { raw, must_fail: fails = false, can_fail: may = false, expected }) => {
        const bytes = parseByteSequence(raw.join(', '));
        if (fails || may) {
          expect(bytes).toBeUndefined();
          return;
        }
        const [{ value }] = expected as [{ value: string }];
        expect(base32(bytes!)).toBe(value);
      },
    );

    it.each(
      [...vectorsOf('binary'), ...vectorsOf('item'), ...vectorsOf('list')].map(
        (vector) => [vector.name, vector] as const,
      ),
    )('the package that reads them: %s', (_name, { raw, header_type: type, must_fail: fails = false }) => {
      const read = (): unknown => (type === 'item' ? parseItem(raw.join(', ')) : parseList(raw.join(', ')));
      if (fails) expect(read).toThrow();
      else expect(read).not.toThrow();
    });

    it.each(vectorsOf('item').map((vector) => [vector.name, vector] as const))(
      'an item that is no byte sequence is none: %s',
      (_name, { raw }) => expect(parseByteSequence(raw.join(', '))).toBeUndefined(),
    );
  });
}

/** RFC 4648 section 6, as the vectors spell bytes. */
function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.match(/.{1,5}/g) ?? [];
  const text = groups
    .map((group) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(group.padEnd(5, '0'), 2)])
    .join('');
  return text.padEnd(Math.ceil(text.length / 8) * 8, '=');
}
