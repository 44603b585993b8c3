import type { ProviderTable } from '#libs/providers/mount-table.js';
import type { SecretProvider } from '#libs/providers/secret-provider.js';
import { openYamlProvider } from '#libs/yaml-file/yaml-provider.js';
import type { ProviderConfig } from '#src/config/config.js';

type Alarm = (what: string) => void;

interface OpenProvider extends SecretProvider {
  close(): void;
}

/** One row a type: everything that is known of how to open it. */
const OPENERS: Readonly<
  Record<ProviderConfig['type'], (config: ProviderConfig, alarm: Alarm) => Promise<OpenProvider>>
> = {
  yaml: async ({ name, path }, alarm) =>
    await openYamlProvider({
      path,
      report: (event) => {
        if (event.kind === 'kept') alarm(`provider ${name}: the last good file serves on: ${event.why}`);
      },
    }),
};

export async function openProviders(
  configs: readonly ProviderConfig[],
  alarm: Alarm,
): Promise<{ readonly table: ProviderTable; close(): void }> {
  const table = new Map<string, OpenProvider>();
  for (const config of configs) table.set(config.name, await OPENERS[config.type](config, alarm));
  return {
    table,
    close: () => {
      for (const provider of table.values()) provider.close();
    },
  };
}
