import { writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { styleText } from 'node:util';

import type { Command } from 'commander';

import { packageRoot, readFromDisk } from '#src/config/disk.js';
import { renderConfiguration } from '#src/config/document.js';
import { tell } from '#src/config/faults.js';
import { inspectConfig, type Inspection, type Standings } from '#src/config/inspect.js';
import { renderJsonSchema } from '#src/config/json-schema.js';

import { print, say } from './failure.js';

interface Judging {
  readonly json?: boolean;
  readonly env: boolean;
}

/** `postern config …`: what the gateway would be started with, and what is made from the schema. Starts and changes nothing. */
export function registerConfig(postern: Command): void {
  const config = postern.command('config').description('Look at the configuration without starting the gateway.');

  judging(config.command('check [file]'))
    .description('Judge a configuration as a start would: every fault at once, each with what to do.')
    .addHelpText('after', CHECK_HELP)
    .action((file: string | undefined, options: Judging) => {
      const { settings: _, sections: __, ...verdict } = inspected(file, options);
      if (options.json === true) print(JSON.stringify({ ok: verdict.faults.length === 0, ...verdict }));
      else for (const line of verdictOn(verdict)) print(line);
      if (verdict.faults.length > 0) process.exitCode = 1;
    });

  judging(config.command('show [file]'))
    .description('Show every setting, its value (secrets as [sealed]), and where it comes from.')
    .addHelpText('after', SHOW_HELP)
    .action((file: string | undefined, options: Judging) => {
      const inspection = inspected(file, options);
      if (options.json === true) print(JSON.stringify(inspection, null, 2));
      else for (const line of shownAsTable(inspection)) print(line);
      for (const fault of inspection.faults) say(`fault: ${tell(fault)}`);
      if (inspection.faults.length > 0) process.exitCode = 1;
    });

  made(config.command('doc'), 'docs/configuration.md', renderConfiguration);
  made(config.command('schema'), 'config/postern.schema.json', renderJsonSchema);
}

/** Code 1 is kept for a configuration with faults: a mistyped command ends in 2. */
function judging(command: Command): Command {
  return command
    .option('--json', 'print one JSON object')
    .option('--no-env', 'judge the file alone, as if the environment set nothing')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
}

function made(command: Command, path: string, render: () => string): void {
  command
    .description(`Print ${path}, which is made from the schema of the settings.`)
    .option('--write', 'write the file instead')
    .action(({ write }: { write?: boolean }) => {
      if (write === true) writeFileSync(join(packageRoot(), path), render());
      else process.stdout.write(render());
    });
}

/** A file that is named here wins over POSTERN_PROFILE, and counts from where the person stands. */
function inspected(file: string | undefined, { env: withEnv }: Judging): Inspection {
  const { POSTERN_PROFILE: usual, ...others } = process.env;
  const profile = file === undefined || file === 'local' ? (file ?? usual) : resolve(file);
  const env = withEnv ? others : {};
  return inspectConfig({ env, profile, directory: packageRoot(), readFile: readFromDisk });
}

type Verdict = Omit<Inspection, 'settings' | 'sections'>;

function verdictOn({ profile, environment, faults, warnings }: Verdict): readonly string[] {
  const what = `${named(profile)} (${environment})`;
  const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
  return [
    faults.length === 0
      ? `${colour('green', 'in order')}: ${what} would start`
      : `${colour('red', count)}: ${what} would not start`,
    ...faults.map((fault) => `  ${tell(fault)}`),
    ...warnings.map((warning) => `  ${colour('yellow', 'warning')}: ${warning}`),
  ];
}

function named(profile: string | undefined): string {
  if (profile === undefined) return 'the environment alone';
  const near = relative(process.cwd(), profile);
  return profile === 'local' ? 'the profile local' : near.startsWith('..') ? profile : near;
}

function shownAsTable({ settings, sections }: Inspection): readonly string[] {
  const rows = [
    ...linesOf('', settings),
    ...Object.entries(sections).flatMap(([section, members]) =>
      members.flatMap((row, at) => linesOf(`${section}[${at}].`, row)),
    ),
  ];
  const [first, second] = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map(([name = '', value = '', from = '']) =>
    [name.padEnd(first ?? 0), value.padEnd(Math.min(second ?? 0, 40)), dim(from)].join('  '),
  );
}

/** Values as JSON: nothing in them acts on the terminal, and text is told from numbers. */
function linesOf(prefix: string, standings: Standings): readonly (readonly string[])[] {
  return Object.entries(standings).map(([name, { value, from }]) => [
    `${prefix}${name}`,
    value === null ? '-' : value === '[sealed]' ? value : JSON.stringify(value),
    from,
  ]);
}

/** Plain when stdout is no terminal, or NO_COLOR is set. */
function colour(name: 'red' | 'green' | 'yellow', text: string): string {
  return styleText(['bold', name], text, { stream: process.stdout });
}

function dim(text: string): string {
  return styleText('dim', text, { stream: process.stdout });
}

const CHECK_HELP = `
[file] is local or the path of a YAML file; default: POSTERN_PROFILE, else the environment alone. The environment counts as it does at a
start: it wins over the file. The exit code is 0 when the gateway would start, 1 when it would not, 2 for a mistyped command.

Examples:
  npx postern config check local
  npx postern config check config/production.example.yaml --no-env
  ENVIRONMENT=production npx postern config check local   what production would refuse of it
`;

const SHOW_HELP = `
What is faulty is shown as well; then the exit code is 1 and the faults stand on standard error.

Examples:
  npx postern config show local
  npx postern config show --json
`;
