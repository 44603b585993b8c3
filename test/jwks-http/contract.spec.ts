import { keySetFrom } from '#libs/identity/key-set.js';
import { HttpKeySource } from '#libs/jwks-http/http-key-source.js';
import type { Json } from '#libs/kernel/json.js';

import { keySourceContract, type OpenKeySource } from '../contracts/key-source.contract.js';
import { ManualClock } from '../support/clock.js';
import { JwksServer } from './jwks-server.js';

keySourceContract('of a JWKS file', async (jwks: Json): Promise<OpenKeySource> => {
  const source = keySetFrom(jwks);
  return { source, told: source.faults, close: async () => {} };
});

keySourceContract('of a JWKS endpoint', async (jwks: Json): Promise<OpenKeySource> => {
  const server = await JwksServer.start(jwks);
  const told: string[] = [];
  const source = await HttpKeySource.open({
    place: { uri: server.uri, plainHttp: false },
    clock: new ManualClock(),
    graceMs: 600_000,
    waitMs: 800,
    alarm: (what) => void told.push(what),
  });
  return {
    source,
    told,
    close: async () => {
      source.close();
      await server.down();
    },
  };
});
