import type { Config } from '#src/config/config.js';
import { type Listening, localOrigins } from '#src/http/hosts.js';

import { openDevelopmentIssuer } from './development-issuer.js';
import { openStateFolder } from './state-folder.js';

/** A secret of `config/local-secrets.yaml` that the first policy set lets the development identity read. */
const EXAMPLE = 'yaml://dev/payments/api#token';

/**
 * What a person reads once the gateway listens: in the profile `local` also two commands that work as pasted, again and again. The
 * bearer token lasts a day and survives restarts, since the development issuer keeps its key.
 */
export async function welcome(config: Config, where: Listening): Promise<string> {
  const [origin = ''] = localOrigins(where);
  const listens = `Postern listens on ${config.publicOrigin ?? origin} (${config.environment}, profile ${config.profile ?? 'none'}).`;
  if (!config.developmentIssuer || config.stateDir === undefined) return listens;
  const issuer = await openDevelopmentIssuer(config, await openStateFolder(config.stateDir));
  const token = await issuer.mintDevToken({});
  const at = origin === 'http://127.0.0.1:8080' ? '' : ` --origin ${origin}`;
  return [
    listens,
    'For your own machine only: it trusts a development issuer and keeps grants in memory.',
    '',
    'Read a secret with a plain bearer token (good for a day):',
    '',
    `  curl -H 'Authorization: Bearer ${token}' '${origin}/api/secrets/value/${encodeURIComponent(EXAMPLE)}'`,
    '',
    'Read it the way a service should, with a token bound to a key and a fresh proof each time:',
    '',
    `  npx postern dev curl '${EXAMPLE}'${at}`,
    '',
  ].join('\n');
}
