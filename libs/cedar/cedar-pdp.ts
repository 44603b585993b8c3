import type { EvaluationRequest } from '#libs/decision/authzen.js';
import type { Evaluation, Pdp } from '#libs/decision/pdp.js';

import { Engine } from './engine.js';
import { evaluate } from './evaluate.js';
import { readPolicyFolder, type FolderOptions } from './policy-folder.js';
import type { PolicySet, PolicyTexts } from './policy-set.js';
import { forgetPolicySet, preparePolicySet } from './prepare-set.js';

/**
 * The policy decision point in this process: Cedar behind the Pdp port.
 *
 * Evaluation is synchronous; a deadline cannot interrupt it. What bounds it is the size of the tenant's set and of the request, both
 * limited before Cedar sees them.
 */
export class CedarPdp implements Pdp {
  readonly #engine: Engine;
  #set: PolicySet;

  private constructor(engine: Engine, set: PolicySet) {
    this.#engine = engine;
    this.#set = set;
  }

  /** @throws PolicySetRefused: without a policy set there is no gateway */
  static of(this: void, texts: PolicyTexts, engine: Engine = Engine.start()): CedarPdp {
    return new CedarPdp(engine, preparePolicySet(engine, texts));
  }

  /** @throws PolicySetRefused */
  static async load(this: void, folder: string, options: FolderOptions): Promise<CedarPdp> {
    return CedarPdp.of(await readPolicyFolder(folder, options));
  }

  /** The set that decides now. */
  get set(): PolicySet {
    return this.#set;
  }

  policyVersion(_tenant: string): string {
    return this.#set.version;
  }

  async evaluate(tenant: string, request: EvaluationRequest, signal: AbortSignal): Promise<Evaluation> {
    signal.throwIfAborted();
    return evaluate(this.#engine, this.#set, tenant, request);
  }

  /**
   * Puts another set in force, between two decisions: the new one is whole before the old one goes.
   * @throws PolicySetRefused; the old set stays
   */
  replace(texts: PolicyTexts): void {
    const old = this.#set;
    this.#set = preparePolicySet(this.#engine, texts);
    forgetPolicySet(this.#engine, old);
  }
}
