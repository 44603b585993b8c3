import { isUtf8 } from 'node:buffer';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { Defects, type SourceFile } from './defects.js';
import type { PolicyTexts } from './policy-set.js';

export interface FolderOptions {
  /** In dev, a folder without `policy-set.yaml` has the time of its newest file as its serial. Elsewhere that is a defect. */
  readonly serialFromFiles: boolean;
}

const TENANT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/u;

/**
 * Reads a policies folder. Files of other names are left alone, so that a README may lie beside the policies.
 * @throws PolicySetRefused for what is missing or not UTF-8
 */
export async function readPolicyFolder(folder: string, options: FolderOptions): Promise<PolicyTexts> {
  const defects = new Defects();
  const names = (await readdir(folder, { recursive: true })).map((name) => name.replaceAll('\\', '/')).sort();
  const source = async (path: string): Promise<SourceFile> => ({
    path,
    text: names.includes(path) ? decoded(await readFile(join(folder, path)), path, defects) : missing(path, defects),
  });
  const those = (pattern: RegExp): readonly string[] => names.filter((name) => pattern.test(name));

  const tenants = await Promise.all(
    those(/^tenants\/[^/]+\/[^/]+\.cedar$/u).map(async (path) => {
      const tenant = path.split('/')[1] ?? '';
      if (!TENANT.test(tenant)) defects.add(path, undefined, 'the folder is not named like a tenant');
      return { tenant, file: await source(path) };
    }),
  );
  const hasSerial = names.includes('policy-set.yaml');
  const texts = {
    schema: await source('schema.cedarschema'),
    guardrails: await source('guardrails.cedar'),
    tenants,
    entities: await Promise.all(those(/^entities\/[^/]+\.ya?ml$/u).map(source)),
    cases: await Promise.all(those(/^cases\/[^/]+\.ya?ml$/u).map(source)),
    edition: hasSerial || !options.serialFromFiles ? await source('policy-set.yaml') : await newest(folder, names),
  };
  defects.throwAny();
  return texts;
}

function decoded(bytes: Buffer, path: string, defects: Defects): string {
  if (!isUtf8(bytes)) defects.add(path, undefined, 'the file is not UTF-8');
  return bytes.toString();
}

function missing(path: string, defects: Defects): string {
  defects.add(path, undefined, 'the file is missing');
  return '';
}

/** Seconds, so that it reads like a serial and two edits within one are one edition; the hash still tells them apart. */
async function newest(folder: string, names: readonly string[]): Promise<number> {
  const times = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).mtimeMs));
  return Math.max(1, Math.floor(Math.max(0, ...times) / 1000));
}
