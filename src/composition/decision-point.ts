import { CedarPdp } from '#libs/cedar/cedar-pdp.js';
import type { DecisionPoint } from '#libs/decision/decide.js';
import { DISABLED, permitAll } from '#libs/permit-all/permit-all.js';
import type { Config } from '#src/config/config.js';

/**
 * Who decides, and how its decisions are called. With ENABLE_AUTHORIZATION off the policies are not even read: a laptop without any
 * can start.
 *
 * @throws PolicySetRefused
 */
export async function openDecisionPoint(
  { switchesOff, policiesDir, environment, tenants }: Config,
  newId: () => string,
): Promise<Pick<DecisionPoint, 'pdp' | 'newId'>> {
  if (switchesOff.includes('ENABLE_AUTHORIZATION')) return { pdp: permitAll, newId: () => DISABLED };
  const pdp = await CedarPdp.load(policiesDir, {
    serialFromFiles: environment === 'dev',
    own: new Map(tenants.flatMap(({ id, policiesDir: own }) => (own === undefined ? [] : [[id, own] as const]))),
    acrValues: new Map(tenants.map(({ id, acrValues }) => [id, acrValues])),
  });
  return { pdp, newId };
}
