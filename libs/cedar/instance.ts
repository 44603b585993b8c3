import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { compileFunction } from 'node:vm';

import type * as CedarModule from '@cedar-policy/cedar-wasm/nodejs';

/** What this gateway uses of the package. */
export type Cedar = Pick<typeof CedarModule, (typeof USED)[number]>;

const USED = [
  'policySetTextToParts',
  'policyToJson',
  'preparsePolicySet',
  'preparseSchema',
  'schemaToJsonWithResolvedTypes',
  'statefulIsAuthorized',
  'validate',
] as const;

const require = createRequire(import.meta.url);

/**
 * A WebAssembly instance of its own, beside whatever others exist. `import` gives one per process for ever; a poisoned one could
 * then not be replaced. So the package's own CommonJS text is run again, with the package's own loader, once per instance
 * (about 30 ms). Deleting it from `require.cache` was rejected: it changes what other users of the package hold.
 */
export function freshCedar(): Cedar {
  const path = require.resolve('@cedar-policy/cedar-wasm/nodejs');
  const run: unknown = compileFunction(readFileSync(path, 'utf8'), ['exports', 'require', '__dirname'], {
    filename: path,
  });
  const exports: Partial<Cedar> = {};
  if (typeof run === 'function') Reflect.apply(run, undefined, [exports, require, dirname(path)]);
  if (!isCedar(exports)) throw new Error('The installed cedar-wasm package lacks a function that this gateway uses.');
  return exports;
}

function isCedar(exports: Partial<Cedar>): exports is Cedar {
  return USED.every((name) => typeof exports[name] === 'function');
}
