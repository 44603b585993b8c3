/** Who asks. What each holds, and what each does to the wire, is the cast's (`cast.ts`). */
export type Role =
  'service' | 'service without the scope' | 'nobody' | 'eavesdropper' | 'thief with a key' | 'thief with curl';

export interface Attempt {
  readonly by: Role;
  readonly uri: string;
  readonly expect: Expected;
}

/** What must come back: these, and of `tells` anything at all. */
export interface Expected {
  readonly status: number;
  readonly code?: string;
  readonly value?: string;
  readonly tells?: 'resetsAt';
}

/** One part of the story: the last attempt is the one it is about. */
export interface Scene {
  readonly title: string;
  readonly attempts: readonly Attempt[];
  readonly why: string;
}

const TOKEN = 'yaml://dev/payments/api#token';
const BILLING = 'yaml://dev/billing/stripe#key';

const refused = (status: number, code: string): Expected => ({ status, code });

/** The values and policies are those of the profile `local`: `config/local-secrets.yaml`, `policies/tenants/local`. */
export const SCENES: readonly Scene[] = [
  {
    title: 'A service reads its secret, with a token bound to its key and a fresh proof',
    attempts: [{ by: 'service', uri: TOKEN, expect: { status: 200, value: 'not-a-secret-payments-token' } }],
    why: 'a grant of five uses and five minutes; the intent was on disk before the value left',
  },
  {
    title: 'Somebody asks for it without a token',
    attempts: [{ by: 'nobody', uri: TOKEN, expect: refused(401, 'CREDENTIALS_REQUIRED') }],
    why: 'knowing where a secret lies opens nothing',
  },
  {
    title: 'The service asks with a token that was issued for something else',
    attempts: [{ by: 'service without the scope', uri: TOKEN, expect: refused(403, 'INSUFFICIENT_SCOPE') }],
    why: 'a token opens what it was issued for, not all that its owner may do',
  },
  {
    title: 'The service asks for a secret on a mount that is not its tenant’s',
    attempts: [{ by: 'service', uri: 'yaml://prod/payments/api#token', expect: refused(403, 'TENANT_MOUNT_MISMATCH') }],
    why: 'tenants are kept apart before any policy or vault is asked',
  },
  {
    title: 'An eavesdropper sends the service’s own request once more, byte for byte',
    attempts: [
      { by: 'service', uri: TOKEN, expect: { status: 200 } },
      { by: 'eavesdropper', uri: TOKEN, expect: refused(401, 'PROOF_REPLAYED') },
    ],
    why: 'a proof is good once: what was overheard is worth nothing',
  },
  {
    title: 'A thief has the token, and signs proofs with a key of their own',
    attempts: [{ by: 'thief with a key', uri: TOKEN, expect: refused(401, 'INVALID_TOKEN') }],
    why: 'the token names the key that must sign; that key never left the service',
  },
  {
    title: 'A thief sends the stolen token as a plain bearer token, without any proof',
    attempts: [{ by: 'thief with curl', uri: TOKEN, expect: refused(401, 'INVALID_TOKEN') }],
    why: 'leaving the proof out does not turn a bound token into an unbound one',
  },
  {
    title: 'The service asks for the root password, which policy keeps from services',
    attempts: [{ by: 'service', uri: 'yaml://dev/ops/root#password', expect: refused(403, 'DENIED') }],
    why: 'a forbid stands above every permit: policies/tenants/local/ops.cedar',
  },
  {
    title: 'The service uses the billing key four times; policy says three a day',
    attempts: [
      { by: 'service', uri: BILLING, expect: { status: 200 } },
      { by: 'service', uri: BILLING, expect: { status: 200 } },
      { by: 'service', uri: BILLING, expect: { status: 200 } },
      { by: 'service', uri: BILLING, expect: { ...refused(403, 'QUOTA_EXHAUSTED'), tells: 'resetsAt' } },
    ],
    why: 'a ceiling that no new grant lifts, and it says when to come back',
  },
];
