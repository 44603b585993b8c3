/**
 * `npm run timing -- [--samples 10000]`: whether the time of a refusal tells a secret that exists from one that does not (spec, Security,
 * N22). Samples of two kinds come in random order from one caller over one connection; a difference is reported when Welch's test finds
 * one at p < 0.001 and the medians differ by more than a hundredth. Exit code 1 when it is told apart. A measurement, never a timed test.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { Wire } from '../http/wire.js';
import { GatewayProcess } from './gateway-process.js';
import { compared, type Comparison } from './statistics.js';
import { MOUNT, proofFor, requestBytes, tokenFor, valuePath, type Aim } from './world.js';

const { values } = parseArgs({
  options: { samples: { type: 'string', default: '10000' }, json: { type: 'boolean', default: false } },
});
const samples = Number(values.samples);

/** Pairs that a caller must not tell apart: the same length, the same caller, the same refusal. */
const PAIRS: Readonly<Record<string, readonly [string, string]>> = {
  'a forbidden secret that exists, and one that does not': [`${MOUNT}/plans/next#token`, `${MOUNT}/plans/nope#token`],
  'a forbidden folder that exists, and one that does not': [`${MOUNT}/plans/next#token`, `${MOUNT}/plaid/next#token`],
  'a key that exists in a forbidden secret, and one that does not': [
    `${MOUNT}/plans/next#token`,
    `${MOUNT}/plans/next#tokem`,
  ],
};

async function timed(wire: Wire, aim: Aim, uri: string): Promise<number> {
  const path = valuePath(uri);
  const token = tokenFor(aim);
  const fields = [`Authorization: DPoP ${token}`, `DPoP: ${proofFor(aim, { token, path })}`];
  const bytes = requestBytes(aim.host, { target: path, fields });
  const began = process.hrtime.bigint();
  const { status } = await wire.send(bytes).answer();
  const took = Number(process.hrtime.bigint() - began) / 1e6;
  if (status !== 403) throw new Error(`expected a refusal and got ${status}`);
  return took;
}

const gateway = await GatewayProcess.start({ dist: join(process.cwd(), 'dist') });
try {
  const wire = await Wire.open(gateway.port);
  const results: Record<string, Comparison> = {};
  for (let warm = 0; warm < 500; warm += 1) await timed(wire, gateway.aim, `${MOUNT}/plans/warm#token`);
  for (const [name, pair] of Object.entries(PAIRS)) {
    const times: [number[], number[]] = [[], []];
    while (times[0].length < samples || times[1].length < samples) {
      const which = randomInt(2) as 0 | 1;
      if (times[which].length < samples) times[which].push(await timed(wire, gateway.aim, pair[which]));
    }
    const result = compared(...times);
    results[name] = result;
    if (!values.json) {
      const { medians, t, p } = result;
      const said = result.told ? 'TOLD APART' : 'not told apart';
      process.stdout.write(
        `${said}: ${name} (medians ${medians.map((each) => each.toFixed(4)).join(' and ')} ms, t ${t.toFixed(2)}, p ${p.toFixed(4)})\n`,
      );
    }
  }
  wire.end();
  if (values.json) process.stdout.write(`${JSON.stringify({ samples, node: process.version, results }, null, 2)}\n`);
  process.exitCode = Object.values(results).some(({ told }) => told) ? 1 : 0;
} finally {
  await gateway.remove();
}
