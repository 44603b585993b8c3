import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openLocalProfile } from '#src/dev/local-profile.js';

import { gatherCast } from './cast.js';
import { caughtForgery, type Left, recordsOf, silentTrail, wholeTrail } from './evidence.js';
import { forge } from './forgery.js';
import { startGateway } from './gateway-process.js';
import { type Claim, play, type Played } from './play.js';
import { readOut } from './read-out.js';
import type { Scene } from './scenes.js';
import { claimLines, heading, indented, sceneLines, summary } from './screen.js';

export interface Demonstration {
  /** The compiled gateway. */
  readonly program: string;
  readonly scenes: readonly Scene[];
  readonly print: (line: string) => void;
  readonly columns: number;
}

/**
 * Plays the scenes against a gateway of its own, then reads what it wrote down. Everything lies in one temporary folder, which is
 * cleared away when it ends and when the process does.
 *
 * @returns every claim, held or not
 * @throws Error when the gateway does not start, or left nothing to read
 */
export async function demonstrate(demonstration: Demonstration): Promise<readonly Claim[]> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-demo-'));
  const clear = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', clear);
  try {
    const trail = join(folder, 'audit');
    const played = await perform(demonstration, { state: join(folder, 'state'), trail });
    const evidence = await inspect(demonstration, { trail, played }, join(folder, 'forged'));
    const claims = [...played.map(({ claim }) => claim), ...evidence];
    for (const line of ['', summary(claims), ...NEXT]) demonstration.print(line);
    return claims;
  } finally {
    clear();
    process.off('exit', clear);
  }
}

const NEXT = ['Now yours: npm start prints two commands that read a secret; README.md has the rest.'];

/** Nothing of the caller's own environment but what programs need to run: whatever is configured there, this shows the profile `local`. */
async function perform(
  { program, scenes, print }: Demonstration,
  { state, trail }: { readonly state: string; readonly trail: string },
): Promise<readonly Played[]> {
  const env = { PATH: process.env['PATH'] ?? '', LISTEN_ADDR: '127.0.0.1:0', STATE_DIR: state, AUDIT_DIR: trail };
  const gateway = await startGateway(program, env);
  try {
    print(`A gateway listens on ${gateway.origin}, in a process of its own. All of this goes through its HTTP.`);
    const ask = await gatherCast(gateway.origin, (await openLocalProfile(env)).issuer);
    print(heading('Who gets a secret, and who does not'));
    const played: Played[] = [];
    for (const scene of scenes) {
      const each = await play(scene, ask);
      played.push(each);
      for (const line of sceneLines(each, played.length)) print(line);
    }
    return played;
  } finally {
    await gateway.stop();
  }
}

/** Reads the trail out, checks it, and lets somebody forge a copy. */
async function inspect({ print, columns }: Demonstration, left: Left, copy: string): Promise<readonly Claim[]> {
  print(heading('What the audit trail says of it, beside the number of the scene'));
  for (const line of readOut(await recordsOf(left.trail), left.played, columns)) print(line);

  print(heading('Is it complete, and does it keep the secrets?'));
  const whole = await wholeTrail(left);
  const silent = await silentTrail(left);
  show(whole.claim, whole.report);
  show(silent);

  const forgery = await forge(left.trail, copy);
  print(
    heading(
      `In a copy somebody changes one letter of line ${forgery.line}: ${forgery.before} becomes ${forgery.after}`,
    ),
  );
  const caught = await caughtForgery(copy, forgery);
  show(caught.claim, caught.report.slice(0, 1));
  return [whole.claim, silent, caught.claim];

  function show(claim: Claim, report: readonly string[] = []): void {
    for (const line of [...claimLines(claim), ...indented(report, columns)]) print(line);
  }
}
