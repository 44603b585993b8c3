import { Trail, type Outcome, type Receipt } from '#libs/audit/trail.js';
import { giveBack, GrantUse } from '#libs/grants/permit.js';
import type { Deadline } from '#libs/kernel/deadline.js';
import { Refusal } from '#libs/kernel/refusal.js';
import type { Release } from '#libs/providers/sealed-secret.js';

import type { Arrival, SecretRequest } from './arrival.js';
import { describeWith, issuedWith, stepOf, type Evidence } from './evidence.js';
import type { Gate } from './gate.js';

/** What a line ends in when it permits. Whoever writes the answer says afterwards what became of it. */
export interface Answer {
  readonly release: Release;
  /** `DPoP-Nonce` for the caller's next proof, when nonces are on. */
  readonly nextNonce: string | undefined;
  /** Records the result; not awaited by the answer. Never throws. */
  settle(outcome: Extract<Outcome, 'sent' | 'aborted'>): Promise<void>;
}

/** What a line throws: the refusal, and the receipt of its record when one is durable. */
export class Refused extends Error {
  override readonly name = 'Refused';

  constructor(
    readonly refusal: Refusal,
    readonly receipt: string | undefined,
  ) {
    super(refusal.code, { cause: refusal });
  }
}

/** One request's passage through a line: how far it came, and the records that say so. */
export class Passage {
  readonly #gate: Gate;
  readonly #deadline: Deadline;
  readonly #trail: Trail<Evidence>;
  #use: GrantUse | undefined;

  private constructor(gate: Gate, trail: Trail<Evidence>, deadline: Deadline) {
    this.#gate = gate;
    this.#trail = trail;
    this.#deadline = deadline;
  }

  static open(gate: Gate, arrival: Arrival, deadline: Deadline): Passage {
    const { journal, refs } = gate.audit;
    return new Passage(gate, Trail.open(journal, arrival.origin, describeWith(refs)), deadline);
  }

  /** Notes the proof that the line has reached, and hands it on. */
  saw<P extends Evidence>(proof: P): P {
    if (proof instanceof GrantUse) this.#use = proof;
    return this.#trail.saw(proof, stepOf(proof));
  }

  /** Notes what the request asks for, for the record of a refusal that comes before any proof says it. */
  asks(request: SecretRequest): SecretRequest {
    const { purpose } = request.wanted;
    const { reason } = request.about;
    this.#trail.note({ purpose, ...(reason !== undefined && { reason }) });
    return request;
  }

  /**
   * When no sink can take the intent, the request is refused before a use is taken (spec, "Audit: order").
   * @throws Refusal UNAVAILABLE
   */
  checkAudit(): void {
    if (this.#gate.audit.journal.accepting) return;
    throw new Refusal('UNAVAILABLE', { check: 'audit not accepting', retryAfterSeconds: 1 });
  }

  async intent(use: GrantUse): Promise<Receipt<GrantUse>> {
    return await this.#deadline.wait('audit', this.#gate.audit.deadlineMs, () =>
      this.#trail.intent(use, issuedWith(use)),
    );
  }

  answer(release: Release): Answer {
    return {
      release,
      nextNonce: release.use.target.bound.nextNonce,
      settle: async (outcome) => {
        await this.#trail.result(outcome).catch(ignored);
      },
    };
  }

  /**
   * Audits the refusal, then hands back what the line throws. Without a record there is no answer but 503; a refusal that is only
   * counted, because nobody known was refused too often this second, is answered without a receipt.
   */
  async refuse(error: unknown): Promise<Refused> {
    const refusal = error instanceof Refusal ? error : new Refusal('INTERNAL', { check: 'defect', cause: error });
    try {
      const receipt = await this.#recorded(refusal);
      return new Refused(refusal, receipt);
    } catch (failure) {
      return new Refused(asRefusal(failure), undefined);
    }
  }

  /**
   * Before an intent was written: one refusal record. After: the intent's result, and the use given back once that result is
   * durable, unless the intent itself failed (spec, "Grants": never after a failed intent).
   */
  async #recorded(refusal: Refusal): Promise<string | undefined> {
    const share = this.#gate.audit.deadlineMs;
    // The caller's time may be used up; the record gets its own.
    const own = this.#deadline.fresh(share);
    if (!this.#trail.intending) {
      const head = await own.wait('audit', share, () => this.#trail.refused(refusal));
      return head === undefined ? undefined : `${head.w}.${head.seq}.${head.hash}`;
    }
    const receipt = this.#trail.intended;
    await own.wait('audit', share, () => this.#trail.result('not_released', refusal));
    if (receipt === undefined) throw new Refusal('UNAVAILABLE', { check: 'audit intent', retryAfterSeconds: 1 });
    if (this.#use !== undefined) await giveBack(this.#use, this.#gate.grants, own);
    return receipt.toString();
  }
}

function asRefusal(failure: unknown): Refusal {
  return failure instanceof Refusal ? failure : new Refusal('INTERNAL', { check: 'defect', cause: failure });
}

/** A result that cannot be recorded leaves an intent without one: the verifier counts it as released (I39). */
function ignored(): void {}
