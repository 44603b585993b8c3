import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Command } from 'commander';

import { packageRoot, readFromDisk } from '#src/config/disk.js';
import { renderConfiguration } from '#src/config/document.js';
import { loadConfig } from '#src/config/load.js';

import { print, say } from './failure.js';

/** `postern config …`: what the gateway would be started with, and the page about it. */
export function registerConfig(postern: Command): void {
  const config = postern.command('config').description('Look at the configuration without starting the gateway.');

  config
    .command('check')
    .description('Load the configuration as a start would; print it (secrets as [sealed]), or every fault at once.')
    .option('--profile <name>', 'local, or the path of a file; POSTERN_PROFILE wins')
    .addHelpText('after', CHECK_EXAMPLES)
    .action(({ profile }: { profile?: string }) => {
      const where = { directory: packageRoot(), readFile: readFromDisk };
      const { warnings, ...rest } = loadConfig({ env: process.env, profile, ...where });
      print(JSON.stringify(rest, (_, value: unknown) => (value instanceof RegExp ? value.source : value), 2));
      for (const warning of warnings) say(`warning: ${warning}`);
    });

  config
    .command('doc')
    .description('Print docs/configuration.md, which is made from the schema.')
    .option('--write', 'write the file instead')
    .action(({ write }: { write?: boolean }) => {
      if (write === true) writeFileSync(join(packageRoot(), 'docs', 'configuration.md'), renderConfiguration());
      else process.stdout.write(renderConfiguration());
    });
}

const CHECK_EXAMPLES = `
Examples:
  npx postern config check --profile local
  ENVIRONMENT=production npx postern config check --profile local   what production would refuse
`;
