/**
 * Who may import whom: four rings, arrows inward only. `imports.spec.ts` reads this table; nothing else in the repository says
 * the same thing twice. A new lib is a new row.
 */
export interface Row {
  readonly ring: 0 | 1 | 2 | 3 | 'alone';
  /** Libs that may be imported beside itself. */
  readonly libs: readonly string[];
  /** Outside packages; node: modules that do no I/O are allowed everywhere (see PURE_NODE_MODULES), the rest only in ring 3. */
  readonly packages: readonly string[];
}

export const ALLOWED: Readonly<Record<string, Row>> = {
  kernel: { ring: 0, libs: [], packages: [] },

  limits: { ring: 1, libs: ['kernel'], packages: ['lru-cache'] },
  identity: { ring: 1, libs: ['kernel', 'limits'], packages: ['jose', 'lru-cache'] },
  tenancy: { ring: 1, libs: ['kernel', 'limits', 'identity'], packages: [] },
  decision: { ring: 1, libs: ['kernel', 'identity', 'tenancy'], packages: [] },
  grants: { ring: 1, libs: ['kernel', 'limits', 'identity', 'tenancy', 'decision'], packages: [] },
  audit: { ring: 1, libs: ['kernel'], packages: [] },
  providers: { ring: 1, libs: ['kernel', 'tenancy', 'grants', 'audit'], packages: [] },

  enforcement: {
    ring: 2,
    libs: ['kernel', 'limits', 'identity', 'tenancy', 'decision', 'grants', 'audit', 'providers'],
    packages: [],
  },

  cedar: { ring: 3, libs: ['kernel', 'decision'], packages: ['@cedar-policy/cedar-wasm', 'yaml'] },
  'permit-all': { ring: 3, libs: ['kernel', 'decision'], packages: [] },
  memory: { ring: 3, libs: ['kernel', 'limits', 'identity', 'grants'], packages: [] },
  'yaml-file': { ring: 3, libs: ['kernel', 'providers'], packages: ['yaml'] },
  'jwks-http': { ring: 3, libs: ['kernel', 'identity'], packages: ['undici'] },
  'audit-file': { ring: 3, libs: ['kernel', 'audit'], packages: [] },

  // Published alone, hence knows nothing of the rest.
  client: { ring: 'alone', libs: [], packages: ['dpop'] },
};

/** Hashing, verification and printing: no clock, no randomness that a rule would use, no I/O. */
export const PURE_NODE_MODULES: readonly string[] = ['node:crypto', 'node:util'];

/** The only places of src that may name an adapter: composition wires them, the command line reads their files. */
export const KNOWS_ADAPTERS: readonly string[] = ['src/composition/', 'src/cli/', 'src/dev/'];
