import { openDirectory, type Disk, type SegmentFile } from '#libs/audit-file/disk.js';

export type Fault = 'write' | 'sync' | 'truncate' | 'create' | 'close';

/** A real directory of which single system calls fail while a test says so. */
export class FaultyDisk implements Disk {
  readonly failing = new Set<Fault>();
  /** Bytes that a failing write still puts down, as a full disk does. */
  shortBy = 0;
  /** When set, no write takes more than this many bytes. */
  atMost = Number.POSITIVE_INFINITY;
  readonly calls: string[] = [];

  private constructor(readonly disk: Disk) {}

  static async open(dir: string): Promise<FaultyDisk> {
    return new FaultyDisk(await openDirectory(dir));
  }

  async create(name: string): Promise<SegmentFile> {
    this.#call('create');
    const file = await this.disk.create(name);
    return {
      write: async (bytes, at) => {
        this.calls.push('write');
        if (this.failing.has('write')) {
          if (this.shortBy > 0) await file.write(bytes.subarray(0, this.shortBy), at);
          throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
        }
        return await file.write(bytes.subarray(0, this.atMost), at);
      },
      sync: async () => {
        this.#call('sync');
        await file.sync();
      },
      truncate: async (length) => {
        this.#call('truncate');
        await file.truncate(length);
      },
      close: async () => {
        await file.close();
        this.#call('close');
      },
    };
  }

  async remove(name: string): Promise<void> {
    await this.disk.remove(name);
  }

  #call(fault: Fault): void {
    this.calls.push(fault);
    if (this.failing.has(fault)) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
  }
}
