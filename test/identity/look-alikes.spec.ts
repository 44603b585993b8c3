import { describe, expect, it } from '@jest/globals';

import { Caller } from '#libs/identity/access-token.js';
import { Admitted } from '#libs/identity/admit.js';
import { BoundCaller } from '#libs/identity/bind.js';

import { admitted } from '../support/admitted.js';
import { aToken, authenticated, presented, tryProof } from './world.js';

const PROOFS = { Admitted, Caller, BoundCaller };
const made: Readonly<Record<keyof typeof PROOFS, object>> = {
  Admitted: admitted(presented()),
  Caller: await authenticated(aToken()),
  BoundCaller: tryProof(),
};

describe('a proof of the line', () => {
  it.each(Object.keys(PROOFS) as (keyof typeof PROOFS)[])('%s is known, and nothing that looks like one', (name) => {
    const proof = PROOFS[name];
    expect(proof.is(made[name])).toBe(true);
    const alike = Object.assign(Object.create(proof.prototype) as object, made[name]);
    for (const other of [alike, { ...made[name] }, {}, null, undefined, 'text', 1, () => made[name]]) {
      expect(proof.is(other)).toBe(false);
    }
  });
});
