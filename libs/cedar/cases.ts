import { isJsonObject, type Json, type JsonObject } from '#libs/kernel/json.js';
import { SCOPE_OF, type Purpose } from '#libs/kernel/purposes.js';

import type { Defects, SourceFile } from './defects.js';
import { readYaml, unknownMembers } from './yaml-text.js';

/** One sentence about the policy set, and what must be true of it. */
export interface Case {
  readonly sentence: string;
  readonly tenant: string;
  readonly subject: CaseSubject;
  readonly purpose: Purpose;
  readonly secret: string;
  readonly context: CaseContext;
  readonly expect: Expected;
  readonly file: string;
  readonly line: number | undefined;
}

export interface CaseSubject {
  readonly type: 'service' | 'user' | 'agent';
  readonly iss: string;
  readonly sub: string;
  readonly client: string;
  readonly groups: readonly string[];
  readonly actor?: string;
  readonly acr?: string;
  /** Seconds since the subject signed in, at the time of the case. */
  readonly authAge?: number;
}

export interface CaseContext {
  readonly binding: 'dpop' | 'mtls' | 'dpop+mtls' | 'none';
  readonly environment: string;
  readonly address: string;
  readonly reason?: string;
  readonly timeMs: number;
  /** Seconds since the token was issued. */
  readonly tokenAge: number;
}

export interface Expected {
  readonly decision: 'permit' | 'deny';
  readonly policies: readonly string[];
  /** Properties by obligation id; vendor and action are left out. */
  readonly obligations: JsonObject;
  readonly errors: readonly string[];
  readonly hint?: string;
}

/**
 * Reads `cases/*.yaml`: `cases` is a list of
 * ```yaml
 * - case: the payments service executes its own token
 *   tenant: local
 *   subject: { iss: "urn:postern:dev", sub: demo-service, client: demo-client, groups: [payments] }   # type: service
 *   purpose: execute
 *   secret: yaml://dev/payments/api#token
 *   context: { environment: dev, binding: none }        # dpop, production, 192.0.2.1, no reason, 2026-01-01T12:00:00Z
 *   expect: { decision: permit, policies: [payments-use], obligations: { grant: { max_uses: 5 } }, errors: [] }
 * ```
 */
export function readCases(files: readonly SourceFile[], defects: Defects): readonly Case[] {
  return files.flatMap((file) => {
    const yaml = readYaml(file, defects);
    if (yaml === undefined) return [];
    const { cases } = yaml.value;
    if (!Array.isArray(cases) || unknownMembers(yaml.value, ['cases']).length > 0) {
      defects.add(file.path, undefined, 'write one list named cases, nothing else');
      return [];
    }
    return cases.flatMap((raw: Json, index) => {
      const line = yaml.lineOf(['cases', index]);
      const read = readCase(raw);
      if (typeof read === 'string') defects.add(file.path, line, `the case is not understood: ${read}`);
      else if (file.owner !== undefined && file.owner !== read.tenant)
        defects.add(file.path, line, `this folder is tenant ${file.owner}'s: it cannot speak of ${read.tenant}`);
      else return [{ ...read, file: file.path, line }];
      return [];
    });
  });
}

/** @returns what is wrong, in words */
function readCase(raw: Json): Omit<Case, 'file' | 'line'> | string {
  if (!isJsonObject(raw)) return 'write a mapping';
  const { case: sentence, tenant, subject, purpose, secret, context = {}, expect } = raw;
  const [stranger] = unknownMembers(raw, ['case', 'tenant', 'subject', 'purpose', 'secret', 'context', 'expect']);
  if (stranger !== undefined) return `${stranger} is not known here`;
  if (!isWord(sentence) || !isWord(tenant) || !isWord(secret)) return 'case, tenant and secret are texts';
  if (!isPurpose(purpose)) return `purpose is one of ${Object.keys(SCOPE_OF).join(', ')}`;
  const who = readSubject(subject);
  const about = readContext(context);
  const expected = readExpected(expect);
  if (typeof who === 'string') return who;
  if (typeof about === 'string') return about;
  if (typeof expected === 'string') return expected;
  return { sentence, tenant, subject: who, purpose, secret, context: about, expect: expected };
}

function readSubject(raw: Json | undefined): CaseSubject | string {
  if (raw === undefined || !isJsonObject(raw)) return 'subject is a mapping';
  const { type = 'service', iss, sub, client, groups = [], actor, acr, auth_age: authAge } = raw;
  const [stranger] = unknownMembers(raw, ['type', 'iss', 'sub', 'client', 'groups', 'actor', 'acr', 'auth_age']);
  if (stranger !== undefined) return `subject.${stranger} is not known`;
  if (type !== 'service' && type !== 'user' && type !== 'agent') return 'subject.type is service, user or agent';
  if (!isWord(iss) || !isWord(sub) || !isWord(client) || !isWords(groups))
    return 'subject needs iss, sub and client; groups are texts';
  if (!isOptionalWord(actor) || !isOptionalWord(acr)) return 'subject.actor and subject.acr are texts';
  if (authAge !== undefined && typeof authAge !== 'number') return 'subject.auth_age is a number of seconds';
  return {
    type,
    iss,
    sub,
    client,
    groups,
    ...(actor !== undefined && { actor }),
    ...(acr !== undefined && { acr }),
    ...(authAge !== undefined && { authAge }),
  };
}

function readContext(raw: Json): CaseContext | string {
  if (!isJsonObject(raw)) return 'context is a mapping';
  const {
    binding = 'dpop',
    environment = 'production',
    address = '192.0.2.1',
    reason,
    time = '2026-01-01T12:00:00Z',
    token_age: tokenAge = 0,
  } = raw;
  const [stranger] = unknownMembers(raw, ['binding', 'environment', 'address', 'reason', 'time', 'token_age']);
  if (stranger !== undefined) return `context.${stranger} is not known`;
  if (binding !== 'dpop' && binding !== 'mtls' && binding !== 'dpop+mtls' && binding !== 'none') {
    return 'context.binding is dpop, mtls, dpop+mtls or none';
  }
  if (!isWord(environment) || !isWord(address) || !isOptionalWord(reason))
    return 'environment, address and reason are texts';
  const timeMs = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  if (Number.isNaN(timeMs)) return 'context.time is like 2026-01-01T12:00:00Z';
  if (typeof tokenAge !== 'number') return 'context.token_age is a number of seconds';
  return { binding, environment, address, timeMs, tokenAge, ...(reason !== undefined && { reason }) };
}

function readExpected(raw: Json | undefined): Expected | string {
  if (raw === undefined || !isJsonObject(raw)) return 'expect is a mapping';
  const { decision, policies, obligations = {}, errors, hint } = raw;
  const [stranger] = unknownMembers(raw, ['decision', 'policies', 'obligations', 'errors', 'hint']);
  if (stranger !== undefined) return `expect.${stranger} is not known`;
  if (decision !== 'permit' && decision !== 'deny') return 'expect.decision is permit or deny';
  if (!isWords(policies) || !isWords(errors)) return 'expect needs the lists policies and errors, empty ones too';
  if (!isJsonObject(obligations)) return 'expect.obligations is a mapping of obligation to properties';
  if (!isOptionalWord(hint)) return 'expect.hint is a text';
  return { decision, policies, obligations, errors, ...(hint !== undefined && { hint }) };
}

function isPurpose(value: Json | undefined): value is Purpose {
  return typeof value === 'string' && Object.hasOwn(SCOPE_OF, value);
}

function isWord(value: Json | undefined): value is string {
  return typeof value === 'string' && value !== '';
}

function isOptionalWord(value: Json | undefined): value is string | undefined {
  return value === undefined || isWord(value);
}

function isWords(value: Json | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((each: Json) => isWord(each));
}
