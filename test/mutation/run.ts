/**
 * `npm run mutation [-- <part> …]`: Stryker changes one thing of the source at a time, and the tests of that part must fail. What it
 * found, and why some mutants may live, is on docs/mutation.md.
 */
import { parseArgs } from 'node:util';

import { Stryker } from '@stryker-mutator/core';

import { PARTS, type Part } from './parts.ts';
import { tally, tableOf, type Tally } from './tally.ts';

/** Per cent of the mutants of each part; below it the command fails. */
const AT_LEAST = 85;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    file: { type: 'string', multiple: true },
    changed: { type: 'boolean', default: false },
    concurrency: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});

const names = positionals.length === 0 ? Object.keys(PARTS) : positionals;
const unknown = names.filter((name) => PARTS[name] === undefined);
if (values.help || unknown.length > 0 || (values.file !== undefined && names.length !== 1)) {
  process.stderr.write(
    'Usage: npm run mutation -- [<part> …] [--changed] [--concurrency N]\n' +
      '       npm run mutation -- <part> --file libs/<lib>/<file>.ts [--file …]\n' +
      `Parts: ${Object.keys(PARTS).join(', ')}; all of them when none is named.\n`,
  );
  process.exit(values.help ? 0 : 2);
}

const tallies: Tally[] = [];
for (const name of names) tallies.push(await mutate(name, PARTS[name]!));
process.stdout.write(`\n${tableOf(tallies)}`);
if (tallies.some(({ score }) => score < AT_LEAST)) {
  process.stdout.write(
    `\nA part has less than ${AT_LEAST} %: kill its survivors, or say on docs/mutation.md why they live.\n`,
  );
  process.exitCode = 1;
}

async function mutate(name: string, part: Part): Promise<Tally> {
  const started = performance.now();
  const results = await new Stryker({
    mutate: [...(values.file ?? part.mutate)],
    plugins: ['@stryker-mutator/jest-runner', './test/mutation/focused-jest.ts'],
    testRunner: 'focused-jest',
    testRunnerNodeArgs: [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      // a mutant that allocates for ever fails soon
      '--max-old-space-size=1024',
    ],
    jest: {
      configFile: 'jest.config.js',
      config: {
        roots: [`<rootDir>/${part.tests}`],
        testPathIgnorePatterns: [...(part.without ?? [])],
        setupFiles: ['<rootDir>/test/mutation/quick-properties.ts'],
        testTimeout: part.testTimeoutMs ?? 10_000,
      },
    },
    coverageAnalysis: 'perTest',
    concurrency: Number(values.concurrency),
    // a loaded machine is no endless loop
    timeoutMS: 20_000,
    // Jest's native modules stay in memory after each run
    maxTestRunnerReuse: 60,
    incremental: values.changed,
    incrementalFile: `var/mutation/${name}.incremental.json`,
    reporters: ['clear-text', 'progress-append-only', 'html', 'json'],
    clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
    htmlReporter: { fileName: `var/mutation/${name}.html` },
    jsonReporter: { fileName: `var/mutation/${name}.json` },
    tempDirName: 'var/mutation/sandbox',
    ignorePatterns: ['var', 'dist', 'docs', 'test/bench/results'],
    // TypeScript 7 has no programmatic interface with which Stryker could rewrite tsconfig.json; the tests do not read that file
    tsconfigFile: 'none',
    allowConsoleColors: false,
  }).runMutationTest();
  return tally(name, results, performance.now() - started);
}
