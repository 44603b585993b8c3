import { Command } from 'commander';

import { ConfigError } from '#src/config/faults.js';

import { registerAudit } from './audit.js';
import { registerConfig } from './config.js';
import { registerDev } from './dev.js';
import { Failure, say } from './failure.js';

/** The command `postern`. Each group of commands registers itself: a new one is one file and one line here. */
export function program(): Command {
  const postern = new Command('postern')
    .description('Postern, an authorization gateway for secrets: the tools beside the gateway.')
    .showHelpAfterError('(postern --help shows what there is)')
    .addHelpText('after', EXAMPLES);
  registerDev(postern);
  registerConfig(postern);
  registerAudit(postern);
  return postern;
}

/** Runs one command line (`process.argv`) and sets the exit code; never throws what a person could cause. */
export async function run(argv: readonly string[]): Promise<void> {
  // whoever reads the output stopped reading, such as `| head`: ends as SIGPIPE would, without a word
  process.stdout.once('error', () => process.exit(141));
  try {
    await program().parseAsync([...argv]);
  } catch (error) {
    if (error instanceof Failure) {
      say(`postern: ${error.message}`);
      process.exitCode = error.exitCode;
    } else if (error instanceof ConfigError) {
      say(`postern: ${error.message}`);
      process.exitCode = 2;
    } else {
      throw error;
    }
  }
}

const EXAMPLES = `
Examples:
  npx postern dev curl yaml://dev/payments/api#token   read one secret, as a service would
  npx postern dev token --bearer                       a plain bearer token for curl
  npx postern config check                             is this configuration in order?
  npx postern audit verify                             was the audit trail tampered with?
`;
