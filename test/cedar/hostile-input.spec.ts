import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';

import type { EvaluationRequest } from '#libs/decision/authzen.js';
import type { Json, JsonObject } from '#libs/kernel/json.js';

import { acme, ask, asking, engine, ISS, PERMIT_ALL } from './policies.js';

const all = acme(PERMIT_ALL);

describe('what is sent', () => {
  const withResource = (changes: Partial<EvaluationRequest['resource']>): EvaluationRequest => {
    const asked = asking();
    return { ...asked, resource: { ...asked.resource, ...changes } };
  };
  const withContext = (changes: JsonObject): EvaluationRequest => {
    const asked = asking();
    return { ...asked, context: { ...asked.context, ...changes } };
  };
  const withSubject = (properties: JsonObject): EvaluationRequest => {
    const asked = asking();
    return { ...asked, subject: { ...asked.subject, properties: { ...asked.subject.properties, ...properties } } };
  };

  it('N29: of unknown types, actions or combinations gets false', () => {
    const asked = asking();
    expect(ask(all, { ...asked, subject: { ...asked.subject, type: 'robot' } })).toMatchObject({ decision: false });
    expect(ask(all, { ...asked, subject: { ...asked.subject, type: 'Group' } })).toMatchObject({ decision: false });
    expect(ask(all, { ...asked, subject: { ...asked.subject, type: 'a::b' } })).toMatchObject({ decision: false });
    expect(ask(all, withResource({ type: 'Folder' }))).toMatchObject({ decision: false });
    for (const name of ['disclose', 'erase', 'sudo', '', '__proto__']) {
      expect(ask(all, { ...asked, action: { name } })).toMatchObject({ decision: false });
    }
  });

  it('must spell one secret in its parts and in its id', () => {
    const { properties = {} } = asking().resource;
    const parts = (changes: JsonObject) => withResource({ properties: { ...properties, ...changes } });
    expect(ask(all, withResource({ id: 'yaml://dev/billing/stripe#key' }))).toMatchObject({ decision: false });
    for (const changes of [
      { path: 'billing/stripe' },
      { path: ['payments', 'api'] },
      { path: 'payments//api' },
      { mount: 'dev/payments', path: 'api' },
      { provider: 'yaml://dev' },
      { provider: 7 },
      { engine: 'kv2' },
      { engine: null },
      { key: 'other' },
      { key: '' },
    ]) {
      expect(ask(all, parts(changes))).toMatchObject({ decision: false, policyIds: [] });
    }
  });

  it('N12, N29: cannot forge an entity or an extension value', () => {
    const asOwner = acme(
      '@id("named") permit (principal, action, resource) when { principal has client_id && principal.client_id == "root" };',
    );
    for (const forged of [
      { __entity: { type: 'Group', id: 'on-call' } },
      { __extn: { fn: 'ip', arg: '10.0.0.1' } },
      { __expr: '"root"' },
      ['root'],
      { root: 'root' },
    ] as Json[]) {
      expect(ask(asOwner, withSubject({ client_id: forged }))).toMatchObject({ decision: false, errors: [] });
      expect(ask(all, withSubject({ client_id: forged }))).toMatchObject({ decision: true, errors: [] });
      expect(ask(all, withContext({ reason: forged, binding: { kind: forged }, extra: forged }))).toMatchObject({
        decision: true,
        errors: [],
      });
    }
    const groups: Json = [{ __entity: { type: 'Group', id: 'on-call' } }];
    expect(ask(all, withSubject({ groups }))).toMatchObject({ decision: false });
  });

  it('counts only as what the schema declares: an ill-typed member is missing, others are not harmed', () => {
    const set = acme(`@id("p") permit (principal, action, resource)
      when { !(context has token_age) && context has environment && context.environment == "test" };`);
    for (const age of ['10', 10.5, 1e300, true, null, [10], {}, 2 ** 60]) {
      expect(ask(set, withContext({ token_age: age }))).toMatchObject({ decision: true, errors: [] });
    }
    expect(ask(set)).toMatchObject({ decision: false });
  });

  it('wins over what the folder says of a subject, and leaves nothing when it is ill-typed', () => {
    const schema = `entity Tenant; entity Group in [Tenant]; entity Mount in [Tenant]; entity Folder in [Folder, Mount];
      entity service in [Group, Tenant] = { team?: String }; entity secret in [Folder];
      action execute appliesTo { principal: [service], resource: [secret], context: {} };`;
    const set = acme(
      `@id("p") permit (principal, action, resource) when { principal has team && principal.team == "red" };`,
      { schema, entities: `tenant: acme\nsubjects:\n  "${ISS}#svc": { type: service, attributes: { team: red } }\n` },
    );
    expect(ask(set)).toMatchObject({ decision: true });
    expect(ask(set, withSubject({ team: 'blue' }))).toMatchObject({ decision: false });
    expect(ask(set, withSubject({ team: ['red'] }))).toMatchObject({ decision: false });
    expect(ask(set, withSubject({ team: null }))).toMatchObject({ decision: false });
  });

  it('decides by address and time', () => {
    const set = acme(`@id("p") permit (principal, action, resource) when {
      context has address && context.address.isInRange(ip("10.0.0.0/8")) &&
      context has time && context.time < datetime("2026-12-31T00:00:00Z") };`);
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3']) {
      expect(ask(set, withContext({ address }))).toMatchObject({ decision: true });
    }
    for (const address of ['11.1.2.3', '10.0.0.0/8', 'fe80::1%eth0', 'localhost', '']) {
      expect(ask(set, withContext({ address }))).toMatchObject({ decision: false, errors: [] });
    }
    const address = '10.1.2.3';
    expect(ask(set, withContext({ address, time: '2026-09-21T13:33:20+02:00' }))).toMatchObject({ decision: true });
    for (const time of ['2027-01-01T00:00:00Z', 'yesterday', '2026-99-99T00:00:00Z', '2026']) {
      expect(ask(set, withContext({ address, time }))).toMatchObject({ decision: false, errors: [] });
    }
  });

  it.each([
    ['a quote', '"'],
    ['what ends a Cedar string', '") || true || ("'],
    ['a backslash', '\\'],
    ['a null', '\u0000'],
    ['a name of the prototype', '__proto__'],
    ['an emoji', '🗝️'],
    ['right-to-left text', '\u202etxt'],
    ['much text', 'x'.repeat(16_000)],
  ])('may hold %s in names and texts without effect', (_name, text) => {
    const set = acme(
      `${PERMIT_ALL} @id("no") forbid (principal, action, resource) when { context has reason && context.reason == "stop" };`,
    );
    const claims = { sub: text, clientId: text, groups: [text] };
    expect(ask(set, { claims, about: { reason: text } })).toMatchObject({ decision: true, errors: [] });
  });

  it.each(['\ud800', 'a\udc00b', 'x'.repeat(20_000)])(
    'of a kind that Cedar cannot take gets false or is left out',
    (text) => {
      const replaced = engine.replaced;
      expect(ask(all, { claims: { sub: text } })).toMatchObject({ decision: false });
      expect(ask(all, { claims: { groups: [text] } })).toMatchObject({ decision: false });
      expect(ask(all, { claims: { iss: text } })).toMatchObject({ decision: false });
      expect(ask(all, { claims: { clientId: text }, about: { reason: text } })).toMatchObject({ decision: true });
      expect(engine.replaced).toBe(replaced);
    },
  );

  it('may be nested as deeply as it likes', () => {
    let deep: Json = 'x';
    for (let level = 0; level < 5_000; level += 1) deep = level % 2 === 0 ? [deep] : { binding: deep };
    expect(ask(all, withContext({ binding: deep, reason: deep, extra: deep }))).toMatchObject({ decision: true });
  });

  it('N29: may hold a huge set, which is then no set', () => {
    const set = acme(
      '@id("p") permit (principal, action, resource) when { context has aud && context.aud.contains("crud.secrets") };',
    );
    const many = (count: number): string[] => [
      'crud.secrets',
      ...Array.from({ length: count }, (_, index) => `aud-${index}`),
    ];
    expect(ask(set, { claims: { audience: many(1_000) } })).toMatchObject({ decision: true });
    expect(ask(set, { claims: { audience: many(100_000) } })).toMatchObject({ decision: false, errors: [] });
    expect(ask(all, { claims: { groups: many(100_000) } })).toMatchObject({ decision: false, errors: [] });
  });

  it('N29: never makes Cedar fail, whatever JSON it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), fc.string({ unit: 'binary' }), (value, name) => {
        const json = value as Json;
        const asked = asking();
        const hostile: EvaluationRequest = {
          subject: { ...asked.subject, properties: { ...asked.subject.properties, client_id: json, [name]: json } },
          action: asked.action,
          resource: { ...asked.resource, properties: { ...asked.resource.properties, version: json, [name]: json } },
          context: { ...asked.context, time: json, aud: json, binding: json, address: json, [name]: json },
        };
        expect(ask(all, hostile).errors).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
