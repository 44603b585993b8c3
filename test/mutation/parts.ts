/** One part of the source that is mutated, and the tests that must notice. */
export interface Part {
  /** Globs from the root. */
  readonly mutate: readonly string[];
  /** The folder of tests that is run against its mutants, and no other: a lib is held by its own tests. */
  readonly tests: string;
  /** Files of it that are left out: long, and reaching everything, so that each mutant would wait for them. */
  readonly without?: readonly string[];
  /** How long a test may wait; one that waits for ever, as a mutant may have it, waits so long. */
  readonly testTimeoutMs?: number;
}

export const PARTS: Readonly<Record<string, Part>> = {
  // codes.ts is one list of words: who misspells one does not compile
  kernel: { mutate: ['libs/kernel/*.ts', '!libs/kernel/codes.ts'], tests: 'test/kernel', testTimeoutMs: 1_000 },
  tenancy: { mutate: ['libs/tenancy/*.ts'], tests: 'test/tenancy' },
  // what only computes; the steps around it are held by the store's contract and by histories
  grants: { mutate: ['libs/grants/{grant,hash,keys,mac,partition,store-answers}.ts'], tests: 'test/grants' },
  identity: { mutate: ['libs/identity/*.ts'], tests: 'test/identity', without: ['hostile-bytes.spec.ts'] },
};
