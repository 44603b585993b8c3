import { Writer, type Link } from '#libs/audit/chain.js';
import type { RecordFields } from '#libs/audit/record.js';
import type { RecordHead } from '#libs/audit/receipt.js';
import { verify, type Report, type SourceLine, type VerifyOptions } from '#libs/audit/verify.js';

export const W1 = 'writer-one-aaaaaaaaaaa';
export const W2 = 'writer-two-bbbbbbbbbbb';
export const W3 = 'writer-three-ccccccccc';

/** One writer's file: what tests tamper with. */
export interface TrailFile {
  readonly source: string;
  readonly bytes: Buffer;
}

/** A writer with the records a gateway writes. */
export class Scribe {
  readonly #writer: Writer;
  readonly links: Link[] = [];
  #ms = Date.UTC(2026, 0, 1);

  constructor(w: string) {
    this.#writer = new Writer(w);
  }

  write(fields: RecordFields): Link {
    this.#ms += 1;
    const link = this.#writer.append(fields, new Date(this.#ms).toISOString());
    this.links.push(link);
    return link;
  }

  open(): this {
    this.write({ type: 'open', signing: 'none' });
    return this;
  }

  read(grant: string, useNo: number): this {
    const { head } = this.write({
      type: 'intent',
      effect: 'permit',
      request_id: `r${this.links.length}`,
      grant_id: grant,
      use_no: useNo,
    });
    this.write({ type: 'result', outcome: 'sent', cause: head.hash, committed_by: 'file' });
    return this;
  }

  refuse(code = 'DENIED'): this {
    this.write({ type: 'refusal', effect: 'deny', code, sub: 'zoë "quoted" \u{1F512}' });
    return this;
  }

  close(): this {
    this.write({ type: 'close' });
    return this;
  }

  get head(): RecordHead {
    return this.links[this.links.length - 1]!.head;
  }

  get lines(): string[] {
    return this.links.map(({ line }) => line);
  }

  file(source = `${this.#writer.w}.ndjson`): TrailFile {
    return fileOf(source, this.lines);
  }
}

export function fileOf(source: string, lines: readonly string[]): TrailFile {
  return { source, bytes: Buffer.from(lines.map((line) => `${line}\n`).join('')) };
}

/** As the file reader splits, but in memory. */
export async function* linesOf(files: readonly TrailFile[]): AsyncGenerator<SourceLine> {
  for (const { source, bytes } of files) {
    let start = 0;
    for (let line = 1; start < bytes.length; line += 1) {
      const end = bytes.indexOf(10, start);
      yield { source, line, bytes: bytes.subarray(start, end === -1 ? undefined : end), ended: end !== -1 };
      start = end === -1 ? bytes.length : end + 1;
    }
  }
}

export async function verified(files: readonly TrailFile[], options?: VerifyOptions): Promise<Report> {
  return await verify(linesOf(files), options);
}
