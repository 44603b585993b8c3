import type { AuthorizationAnswer, StatefulAuthorizationCall } from '@cedar-policy/cedar-wasm/nodejs';

import { freshCedar, type Cedar } from './instance.js';

/** A call that Cedar could not finish. Says nothing about the request: it is no decision. */
export class CedarFault extends Error {
  override readonly name = 'CedarFault';
}

/** A call that throws leaks stack inside the instance; near 1,450 of them every later call fails. Far below that it is replaced. */
const THROWS_PER_INSTANCE = 200;

/**
 * Cedar behind a guard. Every call goes through `call`: a throw becomes a CedarFault and is counted, and an instance that threw too
 * often, or ran out of its memory or stack once, is replaced by a fresh one with everything prepared again.
 *
 * Schemas and policy sets are kept by name, since an instance that dies takes what was prepared with it.
 */
export class Engine {
  #cedar: Cedar;
  #throws = 0;
  #replaced = 0;
  readonly #schemas = new Map<string, string>();
  readonly #policies = new Map<string, Readonly<Record<string, string>>>();

  private constructor(cedar: Cedar) {
    this.#cedar = cedar;
  }

  static start(this: void): Engine {
    return new Engine(freshCedar());
  }

  /** How often the instance was replaced: an operator wants to know of the first. */
  get replaced(): number {
    return this.#replaced;
  }

  /** @throws CedarFault */
  call<T>(work: (cedar: Cedar) => T): T {
    try {
      return work(this.#cedar);
    } catch (error) {
      this.#throws += 1;
      if (this.#throws >= THROWS_PER_INSTANCE || isFatal(error)) this.#replace();
      throw new CedarFault('Cedar did not finish a call.', { cause: error });
    }
  }

  ask(call: StatefulAuthorizationCall): AuthorizationAnswer {
    return this.call((cedar) => cedar.statefulIsAuthorized(call));
  }

  /** @throws CedarFault, also when the text does not parse: callers validate first */
  prepareSchema(name: string, text: string): void {
    this.call((cedar) => prepared(cedar.preparseSchema(name, text)));
    this.#schemas.set(name, text);
  }

  /** @param policies text by id */
  preparePolicies(name: string, policies: Readonly<Record<string, string>>): void {
    this.call((cedar) => prepared(cedar.preparsePolicySet(name, { staticPolicies: { ...policies } })));
    this.#policies.set(name, policies);
  }

  /** Cedar has no way to drop what it prepared; overwriting it with nothing frees the memory for reuse. */
  forgetSchema(name: string): void {
    if (this.#schemas.delete(name)) this.call((cedar) => prepared(cedar.preparseSchema(name, '')));
  }

  forgetPolicies(name: string): void {
    if (this.#policies.delete(name)) {
      this.call((cedar) => prepared(cedar.preparsePolicySet(name, { staticPolicies: {} })));
    }
  }

  #replace(): void {
    const cedar = freshCedar();
    for (const [name, text] of this.#schemas) prepared(cedar.preparseSchema(name, text));
    for (const [name, policies] of this.#policies) {
      prepared(cedar.preparsePolicySet(name, { staticPolicies: { ...policies } }));
    }
    this.#cedar = cedar;
    this.#throws = 0;
    this.#replaced += 1;
  }
}

/** By name: the error may come from another realm, where `instanceof` does not reach. */
function isFatal(error: unknown): boolean {
  const name = typeof error === 'object' && error !== null && 'name' in error ? error.name : undefined;
  return name === 'RuntimeError' || name === 'RangeError';
}

function prepared(answer: { readonly type: string }): void {
  if (answer.type !== 'success') throw new Error('Cedar refused a schema or a policy set that had been checked.');
}
