import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';

import {
  commonTokens,
  declareFactoryPlugin,
  PluginKind,
  tokens,
  type Injector,
  type PluginContext,
} from '@stryker-mutator/api/plugin';
import { DryRunStatus, MutantRunStatus, type MutantRunResult, type TestRunner } from '@stryker-mutator/api/test-runner';
import { strykerPlugins as jestPlugins } from '@stryker-mutator/jest-runner';

/** In the sandbox, since a worker that is started anew has made no dry run. */
const FILES = 'test-files.json';

/** What Stryker's runner for Jest hands to Jest: `testFiles` is its own, but it fills it in for the dry run only. */
interface JestRunner extends TestRunner {
  run(settings: { testFiles?: readonly string[] }): Promise<unknown>;
}

/**
 * Stryker's runner for Jest, which for each mutant has Jest skip the tests that do not reach it, but load the files of all. This one
 * names the files too, and asks one alone first, the one that is named after the mutated file or reaches the mutant with most tests:
 * when that kills the mutant, no other is loaded.
 */
function focusedJest(injector: Injector<PluginContext>): TestRunner {
  const [jest] = jestPlugins;
  const runner = injector.injectFunction(jest?.factory as never) as JestRunner;
  const dryRun = runner.dryRun.bind(runner);
  const mutantRun = runner.mutantRun.bind(runner);
  const run = runner.run.bind(runner);
  let only: readonly string[] | undefined;
  runner.dryRun = async (options) => {
    const result = await dryRun(options);
    if (result.status === DryRunStatus.Complete) {
      writeFileSync(FILES, JSON.stringify(result.tests.map(({ id, fileName }) => [id, fileName])));
    }
    return result;
  };
  runner.mutantRun = async (options) => {
    const own = `${basename(options.sandboxFileName, '.ts')}.spec.ts`;
    const files = filesOf(options.testFilter);
    const first = files.find((file) => basename(file) === own) ?? files[0];
    const turns = [files.filter((file) => file === first), files.filter((file) => file !== first)];
    let result: MutantRunResult = { status: MutantRunStatus.Survived, nrOfTests: 0 };
    for (const turn of turns.filter(({ length }) => length > 0)) {
      only = turn;
      result = await mutantRun(options);
      if (result.status !== MutantRunStatus.Survived) break;
    }
    return result;
  };
  runner.run = async (settings) => await run(only === undefined ? settings : { ...settings, testFiles: only });
  return runner;
}
focusedJest.inject = tokens(commonTokens.injector);

/**
 * The file with most of the tests comes first.
 *
 * @param titles of the tests that reach the mutant; absent when it is evaluated as its module is loaded: all tests then
 */
function filesOf(titles: readonly string[] | undefined): readonly string[] {
  const reached = titles && new Set(titles);
  const all = JSON.parse(readFileSync(FILES, 'utf8')) as [title: string, file: string][];
  const files = all.flatMap(([title, file]) => (reached?.has(title) === false ? [] : file));
  const tests = Map.groupBy(files, (file) => file);
  return [...tests.values()].sort((one, other) => other.length - one.length).flatMap(([file = '']) => file);
}

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'focused-jest', focusedJest as never)];
