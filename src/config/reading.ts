import { types } from 'node:util';

import { isMembers, type ReadFile } from './config-file.js';
import type { Fault } from './faults.js';
import { nearest } from './faults.js';
import { type Raw, Wrong } from './kinds.js';
import { type Environment, isRequired, presetOf, relaxed, type Setting } from './setting.js';

/** Where values are looked up; the first source that has a name wins. */
export interface Source {
  /** `environment`, or the file's path. */
  readonly name: string;
  readonly values: ReadonlyMap<string, Raw>;
}

export interface ReadingOptions {
  readonly sources: readonly Source[];
  readonly readFile: ReadFile;
  /** Relative paths of `_FILE` count from here. */
  readonly resolve: (path: string) => string;
  /** Put before a name in a fault: `issuers[0].`, or nothing. */
  readonly prefix: string;
  /** `_FILE`, or `_file` in a section. */
  readonly fileSuffix: string;
  /** Every reading of one load adds to one list. */
  readonly faults: Fault[];
}

/** Reads settings from sources and collects what is wrong, so that one start shows every fault. */
export class Reading {
  readonly #options: ReadingOptions;

  constructor(options: ReadingOptions) {
    this.#options = options;
  }

  /** A part of this reading: the members of one row of a section. */
  row(prefix: string, source: Source): Reading {
    return new Reading({ ...this.#options, sources: [source], prefix, fileSuffix: '_file' });
  }

  /** The value, or its preset; undefined when it is missing or wrong, which is then noted: read each setting once. */
  read<T>(setting: Setting<T>, environment: Environment): T | undefined {
    const found = this.#find(setting, environment);
    if (found === 'faulty') return undefined;
    const raw = found?.raw ?? presetOf(setting, environment);
    if (raw === undefined) {
      if (isRequired(setting, environment)) this.fault(setting, requiredSentence(setting));
      return undefined;
    }
    try {
      return setting.kind.read(raw);
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      this.fault(setting, error.message, found?.from);
      return undefined;
    }
  }

  /** Whether somebody set it, well or not. */
  has({ name }: Setting<unknown>): boolean {
    return this.#options.sources.some(
      ({ values }) => values.has(name) || values.has(`${name}${this.#options.fileSuffix}`),
    );
  }

  /** What was written and where, unread: for showing a configuration. A secret's own file is named, never opened. */
  origin({ name, secret }: Setting<unknown>): { readonly raw: Raw; readonly from: string } | undefined {
    for (const { name: from, values } of this.#options.sources) {
      const raw = values.get(name);
      if (raw !== undefined) return { raw, from };
      const file = secret === true ? values.get(`${name}${this.#options.fileSuffix}`) : undefined;
      if (file === undefined) continue;
      const path = typeof file === 'string' && !looksLikeSecret(file) ? file : '[sealed]';
      return { raw: '', from: `${path} (${name}${this.#options.fileSuffix})` };
    }
    return undefined;
  }

  fault({ name }: { readonly name: string }, what: string, from?: string): void {
    this.#options.faults.push({ path: `${this.#options.prefix}${name}`, what, ...(from !== undefined && { from }) });
  }

  #find(setting: Setting<unknown>, environment: Environment): { raw: Raw; from: string } | 'faulty' | undefined {
    for (const { name: from, values } of this.#options.sources) {
      const raw = values.get(setting.name);
      const file = setting.secret === true ? values.get(`${setting.name}${this.#options.fileSuffix}`) : undefined;
      if (raw !== undefined && file !== undefined) {
        this.fault(setting, `stands beside ${setting.name}${this.#options.fileSuffix}: keep one of the two`, from);
        return 'faulty';
      }
      if (raw !== undefined) return this.#present(setting, raw, from);
      if (file !== undefined) return this.#contentOf(setting, { path: file, from, environment });
    }
    return undefined;
  }

  /** Set but empty is a slip, except for lists, where it means: nothing. */
  #present(setting: Setting<unknown>, raw: Raw, from: string): { raw: Raw; from: string } | 'faulty' {
    if (raw === null || (raw === '' && !setting.kind.says.startsWith('comma-separated'))) {
      this.fault(setting, 'is set but empty: give it a value or leave it out', from);
      return 'faulty';
    }
    return { raw, from };
  }

  #contentOf(
    setting: Setting<unknown>,
    { path, from, environment }: { path: Raw; from: string; environment: Environment },
  ): { raw: Raw; from: string } | 'faulty' {
    const name = { name: `${setting.name}${this.#options.fileSuffix}` };
    if (typeof path !== 'string' || path === '') {
      this.fault(name, 'must be the path of a file', from);
      return 'faulty';
    }
    if (looksLikeSecret(path)) {
      this.fault(
        name,
        `must be the path of a file, and looks like the secret itself: that goes into ${setting.name}`,
        from,
      );
      return 'faulty';
    }
    try {
      const { text, mode } = this.#options.readFile(this.#options.resolve(path));
      if ((mode & 0o007) !== 0 && !relaxed(environment)) {
        this.fault(name, `names a file that everybody on this machine can use: chmod o= ${path}`, from);
        return 'faulty';
      }
      if (text.length > MAX_SECRET_CHARACTERS) {
        this.fault(
          name,
          `names a file of more than ${MAX_SECRET_CHARACTERS / 1024} KiB, which is no secret: ${path}`,
          from,
        );
        return 'faulty';
      }
      const raw = withoutLineEnd(text);
      if (raw !== '') return { raw, from: path };
      this.fault(name, `names a file that is empty: ${path}`, from);
      return 'faulty';
    } catch (error) {
      this.fault(
        name,
        `names a file that cannot be read (${types.isNativeError(error) ? error.message : 'unknown'})`,
        from,
      );
      return 'faulty';
    }
  }
}

/** A key, a password or a chain of certificates; what is larger was named by mistake. */
const MAX_SECRET_CHARACTERS = 64 * 1024;

/** Whether somebody wrote the secret where its path belongs: it is not shown then. Random base64 has letters of both cases and digits. */
function looksLikeSecret(path: string): boolean {
  const mixed = [/[A-Z]/, /[a-z]/, /[0-9]/].every((some) => some.test(path));
  return path.includes('-----BEGIN ') || (mixed && /^[A-Za-z0-9+_-][A-Za-z0-9+/_-]{42,}={0,2}$/.test(path));
}

/** Editors and `echo` end a file with a line end that is no part of the secret: one is dropped, and nothing else. */
function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}

function requiredSentence({ name, required, secret }: Setting<unknown>): string {
  const where = required === 'everywhere' ? '' : ` ${required ?? ''}`;
  return `is required${where}: set it${secret === true ? `, or ${name}${/^[a-z]/.test(name) ? '_file' : '_FILE'}` : ''}`;
}

/** Names that no setting has: each with the one that was probably meant. */
export function unknownNames(
  given: Iterable<string>,
  known: ReadonlySet<string>,
): { name: string; meant: string | undefined }[] {
  return [...given].filter((name) => !known.has(name)).map((name) => ({ name, meant: nearest(name, known) }));
}

/** `{claims: {tenant: x}}` as `claims.tenant: x`: the rows of sections are one level deep, with these exceptions. */
export function flattened(row: { readonly [name: string]: Raw }): ReadonlyMap<string, Raw> {
  const flat = new Map<string, Raw>();
  for (const [name, value] of Object.entries(row)) {
    if (!isMembers(value)) flat.set(name, value);
    else for (const [inner, deep] of Object.entries(value)) flat.set(`${name}.${inner}`, deep);
  }
  return flat;
}
