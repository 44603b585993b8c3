import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { stringify } from 'yaml';

import type { Seed } from '../contracts/secret-provider.contract.js';

/** A vault file in a folder of its own. */
export class VaultFile {
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-yaml-'));
  readonly path = join(this.folder, 'vault.yaml');

  constructor(text: string) {
    writeFileSync(this.path, text);
  }

  /** In place, as some editors do. */
  async write(text: string): Promise<void> {
    await writeFile(this.path, text);
  }

  /** By rename, as other editors do. */
  async replace(text: string): Promise<void> {
    const draft = join(this.folder, 'draft.yaml');
    await writeFile(draft, text);
    await rename(draft, this.path);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function vaultText(seed: Seed): string {
  const mounts: Record<string, unknown> = {};
  for (const [mount, paths] of Object.entries(seed)) {
    const root: Record<string, unknown> = {};
    mounts[mount] = root;
    for (const [path, keys] of Object.entries(paths)) {
      let folder = root;
      for (const segment of path.split('/')) {
        folder[segment] ??= {};
        folder = folder[segment] as Record<string, unknown>;
      }
      for (const [key, value] of Object.entries(keys)) {
        Object.defineProperty(folder, key, { value, enumerable: true, configurable: true, writable: true });
      }
    }
  }
  return stringify(mounts, { aliasDuplicateObjects: false, lineWidth: 0 });
}
