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
 * names the files too, and asks the one that is named after the mutated file first: when that kills the mutant, no other is loaded.
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
    const turns = [files.filter((file) => basename(file) === own), files.filter((file) => basename(file) !== own)];
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

/** @param titles of the tests that reach the mutant; absent when it is evaluated as its module is loaded: every file then */
function filesOf(titles: readonly string[] | undefined): readonly string[] {
  const reached = titles && new Set(titles);
  const all = JSON.parse(readFileSync(FILES, 'utf8')) as [title: string, file: string][];
  return [...new Set(all.flatMap(([title, file]) => (reached?.has(title) === false ? [] : file)))];
}

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'focused-jest', focusedJest as never)];
