import { randomBytes } from 'node:crypto';

import { afterEach, describe, expect, it } from '@jest/globals';

import { APP, type Gateway, startGateway } from '../support/gateway.js';
import { makeKey } from '../support/tokens.js';

/** Every combination of what loosens or tightens the gateway (docs/configuration.md) that ENVIRONMENT=test allows. */
const SWITCHES = {
  ALLOW_UNBOUND_TOKENS: [true, false],
  DPOP_NONCE: ['off', 'required'],
  ENABLE_AUTHORIZATION: [true, false],
  SECRETS_ENFORCE_SCOPES: [true, false],
  SECRETS_API_REQUIRE_AUTH: [true, false],
} as const;

type Settings = Readonly<Record<string, string | boolean>>;

const COMBINATIONS: readonly Settings[] = Object.entries(SWITCHES)
  .reduce<readonly Settings[]>(
    (all, [name, values]) => all.flatMap((before) => values.map((value) => ({ ...before, [name]: value }))),
    [{}],
  )
  // Nobody starts with this: anonymous would get nothing.
  .filter((settings) => settings['SECRETS_API_REQUIRE_AUTH'] === true || settings['ALLOW_UNBOUND_TOKENS'] === true);

/** The single-tenant case, which alone knows anonymous. */
const SINGLE: Settings = {
  TENANT_ID: 'acme',
  TENANT_ALLOWED_MOUNTS: 'yaml://kv',
  TENANT_SALT: randomBytes(32).toString('base64'),
};

const thief = makeKey();
let gateway: Gateway | undefined;
afterEach(async () => await gateway?.close());

describe('I20: a stolen token that is bound to a key', () => {
  it.each(COMBINATIONS)(
    'I20: opens nothing without its proof, under no scheme and with no header: $ALLOW_UNBOUND_TOKENS $DPOP_NONCE $ENABLE_AUTHORIZATION $SECRETS_ENFORCE_SCOPES $SECRETS_API_REQUIRE_AUTH',
    async (settings) => {
      const { mint, prove, read, canary } = (gateway = await startGateway({ settings: { ...SINGLE, ...settings } }));
      const token = mint();
      const theirs = (): readonly string[] => [
        prove({ token, key: thief }),
        prove({ token, key: thief, header: { jwk: gateway!.keys.caller.jwk } }),
      ];
      for (const scheme of ['DPoP', 'Bearer', 'bearer', 'dpop', 'BEARER']) {
        for (const proof of [null, ...theirs(), 'a.b.c', '']) {
          for (const fields of [
            [],
            ['X-Forwarded-Access-Token: a'],
            [`DPoP-Nonce: a`, 'X-DPoP: a', 'Client-Cert: :MIIB:'],
          ]) {
            const { status, body } = await read(APP, { token, scheme, proof, fields });
            expect({ scheme, proof: proof?.length, fields, refused: [400, 401].includes(status) }).toMatchObject({
              refused: true,
            });
            expect(body).not.toContain(canary);
          }
        }
      }
    },
  );
});
