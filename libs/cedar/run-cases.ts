import type { Obligation } from '#libs/decision/authzen.js';
import type { Evaluation } from '#libs/decision/pdp.js';
import { question, type QuestionFacts } from '#libs/decision/question.js';
import { canonicalJson } from '#libs/kernel/canonical-json.js';
import type { Json, JsonObject } from '#libs/kernel/json.js';
import { providerNames } from '#libs/kernel/provider-names.js';
import { Refusal } from '#libs/kernel/refusal.js';
import { parseSecretUri, type SecretUri } from '#libs/kernel/secret-uri.js';

import type { Case } from './cases.js';
import type { Engine } from './engine.js';
import { evaluate } from './evaluate.js';
import type { CaseOutcome, PolicySet } from './policy-set.js';

/** Asks a set what its cases ask, with the questions that the gateway would send, and says in words what came out otherwise. */
export function runCases(engine: Engine, set: PolicySet, cases: readonly Case[]): readonly CaseOutcome[] {
  return cases.map((one) => {
    const { sentence, file, line, secret } = one;
    const uri = secretOf(secret);
    if (uri === undefined) {
      return { sentence, file, line, reached: [], failures: [`${secret} is not the canonical form of a secret URI`] };
    }
    const answer = evaluate(engine, set, one.tenant, question(factsOf(one, uri)));
    return { sentence, file, line, reached: answer.policyIds, failures: failuresOf(one, answer) };
  });
}

function failuresOf({ expect }: Case, answer: Evaluation): readonly string[] {
  const decision = answer.decision && answer.errors.length === 0 ? 'permit' : 'deny';
  return [
    differs('decision', decision, expect.decision),
    differs('policies', [...answer.policyIds].sort(), [...expect.policies].sort()),
    differs('obligations', shortForm(answer.obligations), expect.obligations),
    differs('errors', [...answer.errors].sort(), [...expect.errors].sort()),
    differs('hint', answer.hint ?? null, expect.hint ?? null),
  ].filter((failure) => failure !== undefined);
}

function differs(what: string, got: Json, wanted: Json): string | undefined {
  const [gotText, wantedText] = [canonicalJson(got), canonicalJson(wanted)];
  return gotText === wantedText ? undefined : `${what} is ${gotText}, and should be ${wantedText}`;
}

function shortForm(obligations: readonly Obligation[]): JsonObject {
  return Object.fromEntries(
    obligations.map(({ id, properties: { vendor: _vendor, action: _action, ...properties } }) => [id, properties]),
  );
}

function factsOf({ tenant, subject, purpose, context }: Case, uri: SecretUri): QuestionFacts {
  const now = Math.floor(context.timeMs / 1000);
  return {
    tenant,
    claims: {
      iss: subject.iss,
      sub: subject.sub,
      clientId: subject.client,
      jti: 'case',
      iat: now - context.tokenAge,
      exp: now + 300,
      audience: ['crud.secrets'],
      scopes: new Set(),
      subjectType: subject.type,
      groups: subject.groups,
      confirmation: {},
      ...(subject.actor !== undefined && { actor: subject.actor }),
      ...(subject.acr !== undefined && { acr: subject.acr }),
      ...(subject.authAge !== undefined && { authTime: now - subject.authAge }),
    },
    binding: bindingOf(context.binding, subject.iss),
    purpose,
    uri,
    about: {
      correlationId: 'case',
      address: context.address,
      ...(context.reason !== undefined && { reason: context.reason }),
    },
    environment: context.environment,
    nowMs: context.timeMs,
  };
}

function bindingOf(kind: Case['context']['binding'], iss: string): QuestionFacts['binding'] {
  const [jkt, x5t] = ['key-of-the-case', 'certificate-of-the-case'];
  switch (kind) {
    case 'dpop':
      return { kind, jkt };
    case 'mtls':
      return { kind, x5t };
    case 'dpop+mtls':
      return { kind, jkt, x5t };
    case 'none':
      return { kind, iss, jti: 'case' };
  }
}

/** A policy set does not know the configured providers, so a case names its own, spelled canonically. */
function secretOf(text: string): SecretUri | undefined {
  const [, name, engine] = /^([a-z][a-z0-9-]*)(?:\+([a-z0-9]+))?:\/\//u.exec(text) ?? [];
  if (name === undefined) return undefined;
  try {
    const uri = parseSecretUri(text, providerNames([engine === undefined ? { name } : { name, engine }]));
    return uri.toString() === text ? uri : undefined;
  } catch (error) {
    if (error instanceof Refusal || error instanceof TypeError) return undefined;
    throw error;
  }
}
