import { readFileSync } from 'node:fs';

import { PolicySetRefused } from '#libs/cedar/defects.js';
import { Engine } from '#libs/cedar/engine.js';
import { evaluate } from '#libs/cedar/evaluate.js';
import type { PolicySet, PolicyTexts } from '#libs/cedar/policy-set.js';
import { preparePolicySet } from '#libs/cedar/prepare-set.js';
import type { EvaluationRequest } from '#libs/decision/authzen.js';
import type { Evaluation } from '#libs/decision/pdp.js';
import { question, type QuestionFacts } from '#libs/decision/question.js';
import { providerNames } from '#libs/kernel/provider-names.js';
import { parseSecretUri } from '#libs/kernel/secret-uri.js';

/** The schema that ships: what is tested here is what runs. */
export const SCHEMA = readFileSync(new URL('../../policies/schema.cedarschema', import.meta.url), 'utf8');
export const ISS = 'https://issuer.example';

/** One for all sets of a spec file: an instance takes some 30 ms to make. */
export const engine = Engine.start();

export interface Texts {
  readonly schema?: string;
  readonly guardrails?: string;
  /** Policies by tenant. */
  readonly tenants?: Readonly<Record<string, string>>;
  readonly entities?: string;
  readonly cases?: string;
  readonly edition?: string | number;
}

export function textsOf({
  schema = SCHEMA,
  guardrails = '',
  tenants = {},
  entities,
  cases,
  edition = 1,
}: Texts): PolicyTexts {
  return {
    schema: { path: 'schema.cedarschema', text: schema },
    guardrails: { path: 'guardrails.cedar', text: guardrails },
    tenants: Object.entries(tenants).map(([tenant, text]) => ({
      tenant,
      file: { path: `tenants/${tenant}/own.cedar`, text },
    })),
    entities: entities === undefined ? [] : [{ path: 'entities/own.yaml', text: entities }],
    cases: cases === undefined ? [] : [{ path: 'cases/own.yaml', text: cases }],
    edition: typeof edition === 'number' ? edition : { path: 'policy-set.yaml', text: edition },
  };
}

export function setOf(texts: Texts): PolicySet {
  return preparePolicySet(engine, textsOf(texts));
}

/** A set of one tenant, `acme`. */
export function acme(policies: string, more: Omit<Texts, 'tenants'> = {}): PolicySet {
  return setOf({ ...more, tenants: { acme: policies } });
}

/** What is wrong with a set, in words; a set that loads fails the test. */
export function defectsOf(texts: Texts): readonly string[] {
  try {
    setOf(texts);
  } catch (error) {
    if (error instanceof PolicySetRefused) return error.message.split('\n  ').slice(1);
    throw error;
  }
  throw new Error('the set was loaded');
}

export interface Asked {
  readonly tenant?: string;
  readonly claims?: Partial<QuestionFacts['claims']>;
  readonly purpose?: QuestionFacts['purpose'];
  readonly uri?: string;
  readonly about?: Partial<QuestionFacts['about']>;
  readonly environment?: string;
}

const NAMES = providerNames([{ name: 'yaml' }, { name: 'openbao', engine: 'kv2' }]);

/** The question of a service of tenant acme about `yaml://dev/payments/api#token`, as the gateway words it. */
export function asking({
  tenant = 'acme',
  claims = {},
  purpose = 'execute',
  uri,
  about = {},
  environment = 'test',
}: Asked = {}): EvaluationRequest {
  return question({
    tenant,
    claims: {
      iss: ISS,
      sub: 'svc',
      clientId: 'client',
      jti: 'j',
      iat: 1_790_000_000,
      exp: 1_790_000_300,
      audience: ['crud.secrets'],
      scopes: new Set(),
      subjectType: 'service',
      groups: ['payments'],
      confirmation: {},
      ...claims,
    },
    binding: { kind: 'dpop', jkt: 'thumb' },
    purpose,
    uri: parseSecretUri(uri ?? 'yaml://dev/payments/api#token', NAMES),
    about: { correlationId: 'c', address: '192.0.2.7', ...about },
    environment,
    nowMs: 1_790_000_010_000,
  });
}

export function ask(set: PolicySet, asked: Asked | EvaluationRequest = {}): Evaluation {
  return evaluate(engine, set, 'acme', 'subject' in asked ? asked : asking(asked));
}

/** A permit of everything to everybody, under an id. */
export const PERMIT_ALL = '@id("all") permit (principal, action, resource);';
