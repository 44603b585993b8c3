import { readFileSync, writeFileSync } from 'node:fs';

import {
  commonTokens,
  declareFactoryPlugin,
  PluginKind,
  tokens,
  type Injector,
  type PluginContext,
} from '@stryker-mutator/api/plugin';
import { DryRunStatus, type TestRunner } from '@stryker-mutator/api/test-runner';
import { strykerPlugins as jestPlugins } from '@stryker-mutator/jest-runner';

/** In the sandbox, since a worker that is started anew has made no dry run. */
const FILES = 'test-files.json';

/** What Stryker's runner for Jest hands to Jest: `testFiles` is its own, but it fills it in for the dry run only. */
interface JestRunner extends TestRunner {
  run(settings: { testFiles?: readonly string[] }): Promise<unknown>;
}

/**
 * Stryker's runner for Jest, which for each mutant has Jest skip the tests that do not reach it, but load the files of all. This one
 * names the files too: most of a run's time is loading modules.
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
    only = options.testFilter && filesOf(options.testFilter);
    return await mutantRun(options);
  };
  runner.run = async (settings) => await run(only === undefined ? settings : { ...settings, testFiles: only });
  return runner;
}
focusedJest.inject = tokens(commonTokens.injector);

function filesOf(titles: readonly string[]): readonly string[] {
  const reached = new Set(titles);
  const all = JSON.parse(readFileSync(FILES, 'utf8')) as [title: string, file: string][];
  return [...new Set(all.flatMap(([title, file]) => (reached.has(title) ? file : [])))];
}

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'focused-jest', focusedJest as never)];
