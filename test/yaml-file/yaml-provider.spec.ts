import { afterEach, describe, expect, it } from '@jest/globals';

import { providerNames } from '#libs/kernel/provider-names.js';
import { parseSecretUri } from '#libs/kernel/secret-uri.js';
import { openYamlProvider, type YamlFileEvent, type YamlProvider } from '#libs/yaml-file/yaml-provider.js';

import { secretProviderContract } from '../contracts/secret-provider.contract.js';
import { VaultFile, vaultText } from './vault-file.js';

const NAMES = providerNames([{ name: 'yaml' }]);
const LOOK_EVERY_MS = 10;

secretProviderContract('yaml-file', async (seed) => {
  const file = new VaultFile(vaultText(seed));
  const provider = await openYamlProvider({ path: file.path, report: () => {}, lookEveryMs: LOOK_EVERY_MS });
  return {
    provider,
    names: NAMES,
    keepsVersions: false,
    reseed: async (next) => await file.replace(vaultText(next)),
    close: async () => {
      provider.close();
      file.remove();
    },
  };
});

describe('the YAML provider and its file', () => {
  const opened: { file: VaultFile; provider: YamlProvider }[] = [];
  afterEach(() => {
    for (const { file, provider } of opened.splice(0)) {
      provider.close();
      file.remove();
    }
  });

  async function open(text: string) {
    const file = new VaultFile(text);
    const events: YamlFileEvent[] = [];
    const waiting: (() => void)[] = [];
    const report = (event: YamlFileEvent): void => {
      events.push(event);
      for (const wake of waiting.splice(0)) wake();
    };
    const provider = await openYamlProvider({ path: file.path, report, lookEveryMs: LOOK_EVERY_MS });
    opened.push({ file, provider });
    const reported = async (count: number): Promise<void> => {
      while (events.length < count) await new Promise<void>((wake) => waiting.push(wake));
    };
    const read = async (rest: string): Promise<unknown> => {
      const answer = await provider.read(parseSecretUri(`yaml://${rest}`, NAMES), new AbortController().signal);
      return answer.kind === 'value' ? answer.value : answer.kind;
    };
    return { file, provider, events, reported, read };
  }

  const pause = async (looks: number): Promise<void> =>
    await new Promise((resolve) => setTimeout(resolve, looks * LOOK_EVERY_MS));

  it.each(['write', 'replace'] as const)('serves a changed file after a %s, and says so once', async (how) => {
    const { file, events, reported, read } = await open('dev: {app: {token: first}}');
    await file[how]('dev: {app: {token: second}}');
    await reported(1);
    expect(await read('dev/app#token')).toBe('second');
    await pause(10);
    expect(events).toEqual([{ kind: 'reloaded' }]);
  });

  it('keeps the last good file when a broken one follows, says why and where without quoting it, and says it once', async () => {
    const { file, events, reported, read } = await open('dev: {app: {token: first}}');
    await file.write('dev:\n  app:\n    token: [a-secret-that-stays-here\n');
    await reported(1);
    expect(await read('dev/app#token')).toBe('first');
    await pause(10);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ kind: 'kept' });
    expect(JSON.stringify(events)).toMatch(/line \d+, column \d+/);
    expect(JSON.stringify(events)).not.toContain('a-secret');
  });

  it('serves again when the broken file is mended', async () => {
    const { file, events, reported, read } = await open('dev: {app: {token: first}}');
    await file.write('dev: [');
    await reported(1);
    await file.write('dev: {app: {token: third}}');
    await reported(2);
    expect(await read('dev/app#token')).toBe('third');
    expect(events.map(({ kind }) => kind)).toEqual(['kept', 'reloaded']);
  });

  it('keeps the last good file when the file is gone, and when it is emptied', async () => {
    const { file, events, reported, read } = await open('dev: {app: {token: first}}');
    await file.write('');
    await reported(1);
    file.remove();
    await reported(2);
    expect(events.map(({ kind }) => kind)).toEqual(['kept', 'kept']);
    expect(await read('dev/app#token')).toBe('first');
  });

  it('looks at nothing any more once it is closed', async () => {
    const { file, provider, events, read } = await open('dev: {app: {token: first}}');
    provider.close();
    await file.write('dev: {app: {token: second}}');
    await pause(10);
    expect(events).toEqual([]);
    expect(await read('dev/app#token')).toBe('first');
  });

  it('does not start on a broken file: the error names file, line and column, and quotes nothing', async () => {
    const file = new VaultFile('dev:\n  app:\n    token: 42\n    other: not-to-be-quoted\n');
    try {
      const opening = openYamlProvider({ path: file.path, report: () => {} });
      await expect(opening).rejects.toThrow(/vault\.yaml cannot be used: line 3, column 12: a secret is a string/);
      await expect(openYamlProvider({ path: file.path, report: () => {} })).rejects.not.toThrow(/not-to-be-quoted|42/);
    } finally {
      file.remove();
    }
  });

  it('does not start without a file', async () => {
    await expect(openYamlProvider({ path: '/nowhere/vault.yaml', report: () => {} })).rejects.toThrow(/ENOENT/);
  });

  it('does not start on bytes that are no UTF-8', async () => {
    const file = new VaultFile('');
    try {
      await file.write(Buffer.from([0x64, 0x3a, 0xff]) as unknown as string);
      await expect(openYamlProvider({ path: file.path, report: () => {} })).rejects.toThrow(/not UTF-8/);
    } finally {
      file.remove();
    }
  });

  it('does not read a file above 1 MiB', async () => {
    const file = new VaultFile(`# ${'x'.repeat(1024 * 1024)}\ndev: {}\n`);
    try {
      await expect(openYamlProvider({ path: file.path, report: () => {} })).rejects.toThrow(/larger than 1 MiB/);
    } finally {
      file.remove();
    }
  });
});
