import { describe, expect, it } from '@jest/globals';

import { factsOf, question, questionOf, subjectId, type QuestionFacts } from '#libs/decision/question.js';
import { sha256 } from '#libs/kernel/digest.js';
import { providerNames } from '#libs/kernel/provider-names.js';
import { parseSecretUri } from '#libs/kernel/secret-uri.js';

import { ISSUER, NOW_MS } from '../support/tokens.js';
import { ABOUT, aTarget, refusalOf } from './asking.js';

const NAMES = providerNames([{ name: 'yaml' }, { name: 'openbao', engine: 'kv2' }]);
const NOW = NOW_MS / 1000;

const facts: QuestionFacts = {
  tenant: 'acme',
  claims: {
    iss: ISSUER,
    sub: 'svc',
    clientId: 'client',
    jti: 'token-1',
    iat: NOW - 10,
    exp: NOW + 300,
    audience: ['crud.secrets'],
    scopes: new Set(['secrets.read']),
    subjectType: 'service',
    groups: ['payments', 'billing'],
    confirmation: {},
  },
  binding: { kind: 'dpop', jkt: 'thumb' },
  purpose: 'execute',
  uri: parseSecretUri('openbao://secret/team/app?version=3#token', NAMES),
  about: ABOUT,
  environment: 'test',
  nowMs: NOW_MS,
};
const withClaims = (claims: Partial<QuestionFacts['claims']>): QuestionFacts => ({
  ...facts,
  claims: { ...facts.claims, ...claims },
});

describe('the question to the PDP', () => {
  it('is made of the facts, each under its name', () => {
    expect(question(facts)).toEqual({
      subject: {
        type: 'service',
        id: `${ISSUER}#svc`,
        properties: { tenant: 'acme', iss: ISSUER, sub: 'svc', client_id: 'client', groups: ['billing', 'payments'] },
      },
      action: { name: 'execute' },
      resource: {
        type: 'secret',
        id: 'openbao+kv2://secret/team/app#token',
        properties: {
          tenant: 'acme',
          provider: 'openbao',
          engine: 'kv2',
          mount: 'secret',
          path: 'team/app',
          folders: ['openbao+kv2://secret/team', 'openbao+kv2://secret/team/app'],
          key: 'token',
          version: 3,
        },
      },
      context: {
        purpose: 'execute',
        time: new Date(NOW_MS).toISOString(),
        issuer: ISSUER,
        client_id: 'client',
        aud: ['crud.secrets'],
        token_jti_hash: sha256(`${ISSUER}\0token-1`),
        token_age: 10,
        binding: { kind: 'dpop', thumbprint: 'thumb' },
        address: '192.0.2.7',
        environment: 'test',
        correlation_id: 'corr-1',
      },
    });
  });

  it('shows what a token may say beyond that', () => {
    const claims = { actor: 'agent-7', acr: 'gold', amr: ['pwd', 'hwk'], authTime: NOW - 60 };
    const { subject, context } = question({ ...withClaims(claims), about: { ...ABOUT, reason: 'INC-1' } });
    expect(subject.properties).toMatchObject({ actor: 'agent-7' });
    expect(context).toMatchObject({ acr: 'gold', amr: ['hwk', 'pwd'], auth_time: NOW - 60, reason: 'INC-1' });
  });

  it.each<[QuestionFacts['binding'], object]>([
    [
      { kind: 'mtls', x5t: 'cert' },
      { kind: 'mtls', thumbprint: 'cert' },
    ],
    [
      { kind: 'dpop+mtls', jkt: 'k', x5t: 'c' },
      { kind: 'dpop+mtls', thumbprint: 'k', certificate_thumbprint: 'c' },
    ],
    [{ kind: 'none', iss: ISSUER, jti: 'token-1' }, { kind: 'none' }],
  ])('shows the binding %j', (binding, shown) => {
    expect(question({ ...facts, binding }).context?.['binding']).toEqual(shown);
  });

  it('leaves key and version out of a whole map', () => {
    const { resource } = question({ ...facts, uri: parseSecretUri('yaml://dev/a', NAMES) });
    expect(resource).toEqual({
      type: 'secret',
      id: 'yaml://dev/a',
      properties: { tenant: 'acme', provider: 'yaml', mount: 'dev', path: 'a', folders: ['yaml://dev/a'] },
    });
  });

  it('never shows a token younger than none at all, whatever the clocks say', () => {
    expect(question(withClaims({ iat: NOW + 5 })).context?.['token_age']).toBe(0);
  });

  it('tells subjects of two issuers apart', () => {
    expect(subjectId('https://a.example', 'x')).not.toBe(subjectId('https://b.example', 'x'));
  });

  it('takes no issuer whose name could end in another subject', () => {
    expect(refusalOf(() => subjectId('https://a.example#b', 'c'))).toMatchObject({
      code: 'DENIED',
      check: 'issuer identifier',
    });
  });

  it('says of a target what the line found out about it, and holds no part of the token', async () => {
    const target = await aTarget({ claims: { groups: ['payments'] } });
    const asked = questionOf(target, ABOUT, 'test', NOW_MS);
    const { claims } = target.bound.caller;
    expect(asked).toEqual(
      question({
        tenant: 'acme',
        claims,
        binding: { kind: 'none', iss: ISSUER, jti: claims.jti },
        purpose: 'execute',
        uri: target.uri,
        about: ABOUT,
        environment: 'test',
        nowMs: NOW_MS,
      }),
    );
    expect(JSON.stringify(asked)).not.toContain(claims.jti);
  });
});

describe('the facts of a question', () => {
  const same = factsOf(question(facts));

  it.each<[string, QuestionFacts]>([
    ['time', { ...facts, nowMs: NOW_MS + 60_000 }],
    ['the token of the same claims', withClaims({ jti: 'token-2', iat: NOW - 1 })],
    ['the correlation id', { ...facts, about: { ...ABOUT, correlationId: 'corr-2' } }],
    ['the order of groups', withClaims({ groups: ['billing', 'payments', 'billing'] })],
  ])('are the same whatever %s', (_name, other) => {
    expect(factsOf(question(other))).toBe(same);
  });

  it.each<[string, QuestionFacts]>([
    ['a group less', withClaims({ groups: ['payments'] })],
    ['another acr', withClaims({ acr: 'low' })],
    ['another actor', withClaims({ actor: 'agent-7' })],
    ['another sign-in', withClaims({ authTime: NOW - 60 })],
    ['another audience', withClaims({ audience: ['crud.secrets', 'other'] })],
    ['another client', withClaims({ clientId: 'other' })],
    ['another subject type', withClaims({ subjectType: 'agent' })],
    ['another reason', { ...facts, about: { ...ABOUT, reason: 'INC-1' } }],
    ['another address', { ...facts, about: { ...ABOUT, address: '192.0.2.8' } }],
    ['another purpose', { ...facts, purpose: 'read' }],
    ['another binding', { ...facts, binding: { kind: 'none', iss: ISSUER, jti: 'token-1' } }],
    ['another tenant', { ...facts, tenant: 'other' }],
    ['the whole map', { ...facts, uri: parseSecretUri('openbao://secret/team/app?version=3', NAMES) }],
    ['another version', { ...facts, uri: parseSecretUri('openbao://secret/team/app?version=4#token', NAMES) }],
  ])('are others for %s', (_name, other) => {
    expect(factsOf(question(other))).not.toBe(same);
  });

  it('are a SHA-256 in base64url', () => {
    expect(same).toMatch(/^[A-Za-z0-9_-]{43}$/u);
  });
});
