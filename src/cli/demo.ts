import { fileURLToPath } from 'node:url';

import { Command } from 'commander';

import { demonstrate } from './demo/demonstrate.js';
import { SCENES } from './demo/scenes.js';
import { print, say } from './failure.js';

/**
 * `npm run demo`: a gateway of its own, one secret read, every refusal that matters, the evidence of it, and what happens to whoever
 * touches the evidence. It is a program, not a group of `postern`, since it starts and ends the gateway.
 */
await new Command('npm run demo')
  .usage('[-- --json]')
  .description(
    'Show what Postern is for: start a gateway, read a secret, be refused, verify the audit trail, forge it.',
  )
  .option('--json', 'print one JSON object: every claim, what was expected and seen, and whether all held')
  .addHelpText('after', help())
  .action(async ({ json }: { json?: boolean }) => {
    endOnSignals();
    const claims = await demonstrate({
      program: fileURLToPath(new URL('../main.js', import.meta.url)),
      scenes: SCENES,
      print: json === true ? () => {} : print,
      columns: process.stdout.isTTY ? Math.max(60, process.stdout.columns) : 100,
    });
    const held = claims.every((claim) => claim.held);
    if (json === true) print(JSON.stringify({ held, claims }));
    process.exitCode = held ? 0 : 1;
  })
  .parseAsync()
  .catch((error: unknown) => {
    say(`demo: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  });

/** The gateway and its folder are cleared away when this process exits: a signal must become an exit. */
function endOnSignals(): void {
  const exit = (code: number) => (): never => process.exit(code);
  process.once('SIGINT', exit(130)).once('SIGTERM', exit(143)).once('SIGHUP', exit(129));
  // whoever reads the story stopped reading, such as `| head`
  process.stdout.once('error', exit(1));
}

function help(): string {
  return `
It needs no server, no network and no free port of its own: everything lies in a temporary folder and is cleared away. The exit code
is 0 when every claim held, 1 when one did not. NO_COLOR=1 leaves colours out.
`;
}
