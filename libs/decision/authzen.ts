import type { JsonObject } from '#libs/kernel/json.js';

/** OpenID AuthZEN Authorization API 1.0, section 5: the information model, as far as the Pdp port speaks it. */
export interface AuthzenEntity {
  readonly type: string;
  readonly id: string;
  readonly properties?: JsonObject;
}

/** Section 6.1. Built from verified facts only: nothing a client sent is copied into it unparsed (section 11.4). */
export interface EvaluationRequest {
  readonly subject: AuthzenEntity;
  readonly action: { readonly name: string; readonly properties?: JsonObject };
  readonly resource: AuthzenEntity;
  readonly context?: JsonObject;
}

/** AuthZEN Obligations profile draft 1, section 3: all three members are required. */
export interface Obligation {
  readonly id: string;
  readonly type: string;
  readonly properties: JsonObject;
}
