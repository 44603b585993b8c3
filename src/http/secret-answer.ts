import type { Answer } from '#libs/enforcement/passage.js';

import type { Exchange } from './exchange.js';

/** The answer to a read: `{uri, key?, value, version?, grant, receipt}` (spec, "The Secrets API"). The result is audited once it left. */
export function giveSecret(exchange: Exchange, answer: Answer): void {
  const { release, nextNonce } = answer;
  const { use, value, version } = release;
  const { uri } = use.target;
  const receipt = release.receipt.toString();
  const body = JSON.stringify({
    uri: uri.toString(),
    ...(uri.key !== undefined && { key: uri.key }),
    value,
    ...(version !== undefined && { version }),
    grant: { id: use.grant.id, expires_at: new Date(use.grant.expiresAtMs).toISOString(), uses_left: use.left },
    receipt,
  });
  const headers = ['Postern-Receipt', receipt];
  if (nextNonce !== undefined) headers.push('DPoP-Nonce', nextNonce);
  exchange.give(body, headers, (delivery) => void answer.settle(delivery));
}
