import { isUtf8 } from 'node:buffer';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { Defects, type SourceFile } from './defects.js';
import type { PolicyTexts } from './policy-set.js';

export interface FolderOptions {
  /** In dev, a folder without `policy-set.yaml` has the time of its newest file as its serial. Elsewhere that is a defect. */
  readonly serialFromFiles: boolean;
  /** Folders that tenants have to themselves, in place of `tenants/<tenant>`. */
  readonly own?: ReadonlyMap<string, string>;
  /** The acr values that each tenant accepts; see `PolicyTexts`. */
  readonly acrValues?: ReadonlyMap<string, readonly string[]>;
}

const TENANT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/u;

/**
 * Reads a policies folder. Files of other names are left alone, so that a README may lie beside the policies.
 * A tenant's own folder holds `*.cedar`, `entities/*.yaml` and `cases/*.yaml`; whoever may write there can neither permit for another
 * tenant, nor put its subjects into groups, nor say when the set has its next edition.
 *
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

  const { own = new Map<string, string>(), acrValues } = options;
  const owned = await Promise.all([...own].map(async ([tenant, path]) => await readOwnFolder(tenant, path, defects)));

  const tenants = await Promise.all(
    those(/^tenants\/[^/]+\/[^/]+\.cedar$/u).map(async (path) => {
      const tenant = path.split('/')[1] ?? '';
      if (!TENANT.test(tenant)) defects.add(path, undefined, 'the folder is not named like a tenant');
      if (own.has(tenant))
        defects.add(path, undefined, `tenant ${tenant} has a folder of its own: move the file there`);
      return { tenant, file: await source(path) };
    }),
  );
  const hasSerial = names.includes('policy-set.yaml');
  const texts = {
    schema: await source('schema.cedarschema'),
    guardrails: await source('guardrails.cedar'),
    tenants: [...tenants, ...owned.flatMap((each) => each.policies)],
    entities: [
      ...(await Promise.all(those(/^entities\/[^/]+\.ya?ml$/u).map(source))),
      ...owned.flatMap((each) => each.entities),
    ],
    cases: [
      ...(await Promise.all(those(/^cases\/[^/]+\.ya?ml$/u).map(source))),
      ...owned.flatMap((each) => each.cases),
    ],
    edition:
      hasSerial || !options.serialFromFiles
        ? await source('policy-set.yaml')
        : await newest([...names.map((name) => join(folder, name)), ...owned.flatMap((each) => each.paths)]),
    ...(acrValues !== undefined && { acrValues }),
  };
  defects.throwAny();
  return texts;
}

interface OwnFolder {
  readonly policies: PolicyTexts['tenants'];
  readonly entities: readonly SourceFile[];
  readonly cases: readonly SourceFile[];
  /** Of every file, for the time of the newest. */
  readonly paths: readonly string[];
}

async function readOwnFolder(tenant: string, folder: string, defects: Defects): Promise<OwnFolder> {
  const names = await namesIn(folder);
  if (names === undefined) defects.add(folder, undefined, `the folder of tenant ${tenant} cannot be read`);
  const files = async (pattern: RegExp): Promise<readonly SourceFile[]> =>
    await Promise.all(
      (names ?? [])
        .filter((name) => pattern.test(name))
        .map(async (name) => {
          const path = join(folder, name);
          return { path, text: decoded(await readFile(path), path, defects), owner: tenant };
        }),
    );
  return {
    policies: (await files(/^[^/]+\.cedar$/u)).map((file) => ({ tenant, file })),
    entities: await files(/^entities\/[^/]+\.ya?ml$/u),
    cases: await files(/^cases\/[^/]+\.ya?ml$/u),
    paths: (names ?? []).map((name) => join(folder, name)),
  };
}

async function namesIn(folder: string): Promise<readonly string[] | undefined> {
  try {
    return (await readdir(folder, { recursive: true })).map((name) => name.replaceAll('\\', '/')).sort();
  } catch {
    return undefined;
  }
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
async function newest(paths: readonly string[]): Promise<number> {
  const times = await Promise.all(paths.map(async (path) => (await stat(path)).mtimeMs));
  return Math.max(1, Math.floor(Math.max(0, ...times) / 1000));
}
