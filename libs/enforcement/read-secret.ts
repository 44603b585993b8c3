import { epochOf } from '#libs/grants/partition.js';
import { permit } from '#libs/grants/permit.js';
import { authenticate } from '#libs/identity/access-token.js';
import { admit } from '#libs/identity/admit.js';
import { bind } from '#libs/identity/bind.js';
import { Deadline } from '#libs/kernel/deadline.js';
import { fetch, join, release } from '#libs/providers/sealed-secret.js';
import { guard } from '#libs/tenancy/guard.js';

import type { Arrival } from './arrival.js';
import type { Gate } from './gate.js';
import { Passage, type Answer } from './passage.js';

/**
 * The line: one secret, read through the gateway. Each step returns the proof that the next one demands; whatever refuses,
 * the refusal is audited first and answered then. `docs/one-secret-read.md` draws it, with every code it can end in.
 *
 * @throws Refused with the code and the receipt of its record
 */
export async function readSecret(gate: Gate, arrival: Arrival): Promise<Answer> {
  const deadline = Deadline.start(gate.clock, gate.requestDeadlineMs);
  const passage = Passage.open(gate, arrival, deadline);
  try {
    const request = passage.asks(arrival.read());
    const caller = passage.saw(await authenticate(admit(request, gate.admission), gate.tokens, gate.clock.now()));
    const epoch = await epochOf(caller, gate.tenants, gate.grants, deadline);
    const bound = passage.saw(bind(caller, request.presented, gate.binding, epoch, gate.clock.now()));
    const target = passage.saw(guard(bound, request.wanted, gate));
    passage.checkAudit();
    const use = passage.saw(await permit(target, request.about, gate.grants, deadline));
    const releasable = await join(use, {
      intent: (taken) => passage.intent(taken),
      fetch: (taken) => fetch(taken, gate.vault, deadline),
    });
    return passage.answer(release(releasable, gate.clock));
  } catch (error) {
    throw await passage.refuse(error);
  }
}
