import type { AuditSink } from '#libs/audit/audit-sink.js';

import { openDirectory, type Disk, type SegmentFile } from './disk.js';

export interface FileSinkOptions {
  /** AUDIT_DIR. */
  readonly dir: string;
  /** The writer: the files are `<began>-<w>.<number>.ndjson`, so that their names sort in the order of their records. */
  readonly w: string;
  /** When the writer began: milliseconds since the epoch. */
  readonly beganMs: number;
  /** A new segment begins before this many bytes are passed. */
  readonly segmentBytes?: number;
  /** For tests that let single system calls fail. */
  readonly disk?: Disk;
}

interface Group {
  readonly lines: readonly string[];
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

interface Segment {
  readonly name: string;
  readonly file: SegmentFile;
  /** Everything before this is on disk. */
  durable: number;
}

const SEGMENT_BYTES = 64 * 1024 * 1024;
/** Bytes per write; whoever waits beyond that goes with the next one. */
const COMMIT_BYTES = 1024 * 1024;

/**
 * NDJSON segments with group commit: all lines that wait go in one write and one fdatasync, and the next group gathers meanwhile.
 *
 * After a failed write the segment is cut back to its last durable byte. After a failed fdatasync nothing is known of the pages
 * behind that descriptor (the kernel may have dropped them and call the next fsync a success). Either way the rejected lines,
 * when they are given again, go to a new segment.
 */
export class FileSink implements AuditSink {
  readonly #disk: Disk;
  readonly #stem: string;
  readonly #segmentBytes: number;
  #segments = 0;
  #segment: Segment | undefined;
  #groups: Group[] = [];
  #committing: Promise<void> | undefined;
  #closed = false;

  private constructor(disk: Disk, { w, beganMs, segmentBytes }: FileSinkOptions) {
    this.#disk = disk;
    this.#stem = `${new Date(beganMs).toISOString().replaceAll(/[-:.]/g, '')}-${w}`;
    this.#segmentBytes = segmentBytes ?? SEGMENT_BYTES;
  }

  /** @throws Error when the directory cannot be used, or the writer's first file exists */
  static async open(options: FileSinkOptions): Promise<FileSink> {
    const sink = new FileSink(options.disk ?? (await openDirectory(options.dir)), options);
    sink.#segment = await sink.#nextSegment();
    return sink;
  }

  append(lines: readonly string[]): Promise<void> {
    if (this.#closed) return Promise.reject(new Error('the audit file is closed'));
    return new Promise((resolve, reject) => {
      this.#groups.push({ lines, resolve, reject });
      this.#committing ??= this.#commitAll();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#committing;
    const segment = this.#segment;
    this.#segment = undefined;
    await segment?.file.close();
  }

  /** Never rejects: each group hears of its own fate. */
  async #commitAll(): Promise<void> {
    while (this.#groups.length > 0) {
      const { groups, bytes } = this.#gather();
      try {
        await this.#commit(bytes);
        for (const { resolve } of groups) resolve();
      } catch (error) {
        // Whoever gave lines after these may not get ahead of them.
        const reason = new Error('the audit file did not take the records', { cause: error });
        for (const { reject } of [...groups, ...this.#groups.splice(0)]) reject(reason);
      }
    }
    this.#committing = undefined;
  }

  #gather(): { groups: readonly Group[]; bytes: Buffer } {
    const parts: string[] = [];
    let size = 0;
    let taken = 0;
    for (const { lines } of this.#groups) {
      if (taken > 0 && size >= COMMIT_BYTES) break;
      for (const line of lines) {
        parts.push(line, '\n');
        size += line.length + 1;
      }
      taken += 1;
    }
    return { groups: this.#groups.splice(0, taken), bytes: Buffer.from(parts.join('')) };
  }

  async #commit(bytes: Buffer): Promise<void> {
    const segment = await this.#segmentFor(bytes.byteLength);
    try {
      await writeWhole(segment, bytes);
    } catch (error) {
      await this.#cutBack(segment);
      throw error;
    }
    try {
      await segment.file.sync();
    } catch (error) {
      await this.#retire(segment);
      throw error;
    }
    segment.durable += bytes.byteLength;
  }

  async #segmentFor(size: number): Promise<Segment> {
    const current = this.#segment;
    if (current !== undefined && (current.durable === 0 || current.durable + size <= this.#segmentBytes))
      return current;
    const next = await this.#nextSegment();
    this.#segment = next;
    // All of it is on disk already.
    await current?.file.close().catch(ignored);
    return next;
  }

  async #nextSegment(): Promise<Segment> {
    this.#segments += 1;
    const name = `${this.#stem}.${String(this.#segments).padStart(6, '0')}.ndjson`;
    const file = await this.#disk.create(name);
    return { name, file, durable: 0 };
  }

  /** A limit that one file has met need not hold for the next one; an empty one is used again, so that a full disk gets no more. */
  async #cutBack(segment: Segment): Promise<void> {
    const cut = await segment.file.truncate(segment.durable).then(
      () => true,
      () => false,
    );
    if (!cut || segment.durable > 0) await this.#retire(segment);
  }

  /** Best effort: what cannot be cut off is a torn tail, and the lines stand again in the next segment. */
  async #retire(segment: Segment): Promise<void> {
    this.#segment = undefined;
    await segment.file.truncate(segment.durable).catch(ignored);
    await segment.file.close().catch(ignored);
    if (segment.durable === 0) await this.#disk.remove(segment.name).catch(ignored);
  }
}

async function writeWhole({ file, durable }: Segment, bytes: Buffer): Promise<void> {
  let written = 0;
  while (written < bytes.byteLength) {
    const count = await file.write(bytes.subarray(written), durable + written);
    if (count === 0) throw new Error('the disk takes no more bytes');
    written += count;
  }
}

function ignored(): void {}
