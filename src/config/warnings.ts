import { relaxed } from './setting.js';
import type { Read } from './refusals.js';
import { unknownNames } from './reading.js';
import { SWITCHES, switchesOff } from './switches.js';

/** What is looser than production allows; each is shouted at every start. */
export function loosenessOf({ values: v, issuers, tenants }: Read): readonly string[] {
  if (!relaxed(v.environment)) return [];
  const said: readonly (string | false)[] = [
    ...switchesOff(v).map((name) => SWITCHES[name]),
    `ENVIRONMENT is ${v.environment}: shortcuts that are refused in production are allowed.`,
    v.developmentIssuer === true &&
      'The development issuer is on: whoever can read STATE_DIR can make a token for anybody.',
    v.allowUnboundTokens === true && 'ALLOW_UNBOUND_TOKENS is true: whoever holds a plain bearer token can use it.',
    v.dpopNonce === 'off' && 'DPOP_NONCE is off: proofs can be made in advance.',
    issuers.length === 0 && v.developmentIssuer !== true && 'There is no issuer: every request will be refused.',
    tenants.length === 0 && 'There is no tenant: every request will be refused.',
    ...tenants.map(({ id, mounts }) => mounts.length === 0 && `Tenant ${id} has no mounts, which allows nothing.`),
  ];
  return said.filter((line) => line !== false);
}

/**
 * Environment names that are one slip away from a setting's. The environment belongs to others too, so that these are told and
 * not refused; short names are too common to guess about.
 */
export function slipsIn(env: Iterable<string>, known: ReadonlySet<string>): readonly string[] {
  const ours = new Set([...known, 'POSTERN_PROFILE', 'POSTERN_VECTORS']);
  const candidates = [...env].filter((name) => name.length >= 8);
  return unknownNames(candidates, ours).flatMap(({ name, meant }) => {
    if (meant !== undefined) return [`The environment sets ${name}, which nothing reads: did you mean ${meant}?`];
    return name.startsWith('POSTERN_') ? [`The environment sets ${name}, which nothing reads.`] : [];
  });
}
